import { createHmac, hkdfSync } from 'node:crypto'
import t from 'tap'
import { consistencyTokens } from '../../src/http/consistency.ts'

const secret = 'a secret of the fleet, of some length'
const tokens = consistencyTokens(secret)

t.test('a token is signed with HMAC-SHA-256, and opens to what it was made of', (t) => {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'turno consistency token', 32))
  for (let count = 1; count <= 16; count++) {
    const slots = Array.from({ length: count }, (_, i) => i * 9_999)
    const versions = slots.map((slot) => slot * 7 + count)
    const token = tokens.of({ slots, versions })
    const pairs = token.slice(0, -11)
    t.equal(token.slice(-11), createHmac('sha256', key).update(pairs).digest('base64url').slice(0, 11))
    t.same(tokens.read(token), { slots, versions })
  }
  t.end()
})

t.test('a forged one opens to nothing', (t) => {
  const token = tokens.of({ slots: [5], versions: [9] })
  const other = consistencyTokens('another secret of another fleet')
  for (const forged of [token.replace('5.9', '5.8'), `${token}A`, token.slice(0, -1), '', 'a']) {
    t.equal(tokens.read(forged), undefined)
  }
  t.equal(other.read(token), undefined)
  t.end()
})
