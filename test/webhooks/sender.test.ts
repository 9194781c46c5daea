// Where webhooks may lead, and what an attempt comes to.
import t from 'tap'
import { isPublic, whyNot } from '../../src/webhooks/addresses.ts'
import { signed, webhookSecrets } from '../../src/webhooks/secrets.ts'
import { type Resolve, sender } from '../../src/webhooks/sender.ts'
import { receiver, verifies } from './receiver.ts'

t.test('an address that is not of the public internet is refused, however it is written', async (t) => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '192.0.2.7',
    '::',
    '::1',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:0:7f00:1::',
    '2001:db8::1',
    'nonsense'
  ]) {
    t.notOk(isPublic(address), address)
  }
  for (const address of ['8.8.8.8', '172.32.0.1', '2606:4700::1111', '2a00:1450:4003::1']) {
    t.ok(isPublic(address), address)
  }
})

t.test('a URL that leads there, or says more than where, is none for a webhook', async (t) => {
  for (const url of [
    'http://hooks.example.com/',
    'ftp://hooks.example.com/',
    'https://127.0.0.1/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://[::1]/',
    'https://[::ffff:7f00:1]/',
    'https://localhost/',
    'https://db.internal/',
    'https://printer.local./',
    'https://user:pass@hooks.example.com/',
    'https://hooks.example.com/#part',
    'nothing'
  ]) {
    t.type(whyNot(url, false), 'string', url)
  }
  t.equal(whyNot('https://hooks.example.com:8443/a?b=c', false), null)
  t.equal(whyNot('http://127.0.0.1:8080/', true), null, 'in development')
})

t.test(
  'a name that resolves to a private address is not connected to, whatever else it resolves to',
  async (t) => {
    const { url, received } = await receiver(t)
    const { port } = new URL(url)
    const asked: string[] = []
    const resolve =
      (...answers: string[][]): Resolve =>
      async (name) => {
        asked.push(name)
        return (answers.shift() ?? ['127.0.0.1']).map((address) => ({ address, family: 4 }))
      }
    for (const addresses of [['127.0.0.1'], ['93.184.216.34', '127.0.0.1'], []]) {
      const sending = sender(false, resolve(addresses))
      const attempt = await sending.send(`https://rebinds.example.com:${port}/`, {}, '{}')
      t.match(attempt, { status: null, failure: 'private-address' }, addresses.join())
      await sending.close()
    }
    t.same(
      asked,
      ['rebinds.example.com', 'rebinds.example.com', 'rebinds.example.com'],
      'looked up once each'
    )
    const literal = sender(false)
    t.match(await literal.send('https://127.0.0.1/', {}, '{}'), { failure: 'refused-url' })
    await literal.close()
    t.same(received, [])

    // The other way round: with private ones allowed it goes to the address that was looked at, and to no other.
    const allowed = sender(true, resolve(['127.0.0.1'], ['192.0.2.1']))
    t.match(await allowed.send(`http://rebinds.example.com:${port}/x`, {}, '{"a":1}'), {
      status: 204,
      failure: null
    })
    t.match(received, [{ body: '{"a":1}', path: '/x', headers: { host: `rebinds.example.com:${port}` } }])
    await allowed.close()
  }
)

t.test('what is not 2xx is no success, and a redirect is not followed', async (t) => {
  const { url, received, answers } = await receiver(t)
  const sending = sender(true)
  t.teardown(() => sending.close())
  for (const status of [200, 204, 302, 400, 410, 500]) {
    answers.push(status)
    const failure = status < 300 ? null : `status-${status}`
    t.match(await sending.send(url, {}, '{}'), { status, failure })
  }
  t.equal(received.length, 6)
  t.match(await sending.send('http://127.0.0.1:1/', {}, '{}'), { status: null, failure: 'refused' })
  answers.push('silence')
  t.match(await sending.send(url, {}, '{}'), { status: null, failure: 'timeout' })
})

t.test('a message verifies by either secret while both are good, and by no other', async (t) => {
  const secrets = webhookSecrets([], 'a secret of at least thirty-two bytes')
  const [one, two, other] = [secrets.make('a'), secrets.make('a'), secrets.make('a')]
  const message = {
    headers: signed('msg-1', Date.now(), '{"a":"é"}', [one.secret, two.secret]),
    body: '{"a":"é"}',
    path: '',
    at: 0
  }
  t.ok(verifies(one.secret, message))
  t.ok(verifies(two.secret, message))
  t.notOk(verifies(other.secret, message))
  t.notOk(verifies(one.secret, { ...message, body: '{}' }))
  // The example of the specification's own libraries.
  const known = signed('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, '{"test": 2432232314}', [
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  ])
  t.equal(known['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

t.test('a secret is read back only as its own webhook’s, and after the key was changed', async (t) => {
  const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const { secret, encrypted } = webhookSecrets([old], '').make('one')
  t.notOk(encrypted.includes(Buffer.from(secret.slice(6), 'base64')))
  t.equal(webhookSecrets([next, old], '').open('one', encrypted), secret)
  t.throws(() => webhookSecrets([old], '').open('another', encrypted))
  t.throws(() => webhookSecrets([next], '').open('one', encrypted))
})
