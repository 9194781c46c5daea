import t from 'tap'
import { addressOf, allowList } from '../../src/http/addresses.ts'

t.test('an address is let in by its network, in whichever way it is written', async (t) => {
  const allowed = allowList(['127.0.0.0/8', '::1', '10.1.2.3', '2001:db8::/32'])
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '10.1.2.3', '2001:DB8::7']) {
    t.equal(allowed(address), true, address)
  }
  for (const address of [
    '10.1.2.4',
    '128.0.0.1',
    '::2',
    '::ffff:10.1.2.4',
    '2001:db9::1',
    '',
    'localhost',
    null
  ]) {
    t.equal(allowed(address), false, `${address}`)
  }
  t.equal(allowList([])('127.0.0.1'), false, 'an empty list lets nobody in')
})

t.test('what was forwarded by a proxy that is not trusted comes from nobody knows where', async (t) => {
  const forwarded = { 'x-forwarded-for': '127.0.0.1' }
  t.equal(addressOf({ ip: '127.0.0.1', headers: {} }), '127.0.0.1')
  t.equal(addressOf({ ip: '127.0.0.1', headers: forwarded }), null, 'no proxy is trusted')
  t.equal(addressOf({ ip: '127.0.0.1', headers: { forwarded: 'for=127.0.0.1' } }), null)
  t.equal(addressOf({ ip: '203.0.113.7', ips: ['203.0.113.7'], headers: forwarded }), null, 'not this one')
  t.equal(
    addressOf({ ip: '198.51.100.9', ips: ['127.0.0.1', '198.51.100.9'], headers: forwarded }),
    '198.51.100.9'
  )
})
