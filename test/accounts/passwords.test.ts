import { argon2Sync } from 'node:crypto'
import t from 'tap'
import { hashPassword, verifyPassword } from '../../src/accounts/passwords.ts'
import { seedPassword } from './client.ts'

// Made by another implementation of Argon2, as the seed data has it.
const seeded =
  '$argon2id$v=19$m=19456,t=2,p=1$X1y9NT6LEAqhaawqaGjGhg$ziKFYzsUlOY+hIYPghc/9wEfhr3HEewEkYzEJNamefc'

function made(password: string, memory: number, passes: number): string {
  const nonce = Buffer.alloc(16, 7)
  const options = { message: password, nonce, parallelism: 1, tagLength: 32, memory, passes }
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=${memory},t=${passes},p=1$${text(nonce)}$${text(argon2Sync('argon2id', options))}`
}

t.test('a password is what was hashed, and nothing else is', async (t) => {
  t.match(await verifyPassword(seedPassword, seeded), { matches: true, outdated: false })
  t.match(await verifyPassword('turno-seed-datA', seeded), { matches: false })
  t.match(await verifyPassword('', seeded), { matches: false })
  const hash = await hashPassword('tres tristes tigres')
  t.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  t.not(hash, await hashPassword('tres tristes tigres'), 'salted')
  t.match(await verifyPassword('tres tristes tigres', hash), { matches: true, outdated: false })
})

t.test('for an address that nobody has, nothing matches', async (t) => {
  t.match(await verifyPassword(seedPassword, null), { matches: false, outdated: false })
})

t.test('an accent is an accent, however the keyboard composes it', async (t) => {
  const hash = await hashPassword('contrase\u00f1a larga')
  t.match(await verifyPassword('contrasen\u0303a larga', hash), { matches: true })
})

t.test('a hash of weaker parameters verifies, and is called outdated', async (t) => {
  t.match(await verifyPassword('secret', made('secret', 19_456, 1)), { matches: true, outdated: true })
  t.match(await verifyPassword('secret', made('secret', 9_216, 4)), { matches: true, outdated: true })
  t.match(await verifyPassword('secret', made('secret', 47_104, 2)), { matches: true, outdated: false })
})

t.test('what is no Argon2id hash is a fault of ours, and never a match', async (t) => {
  for (const stored of ['', 'secret', seeded.replace('argon2id', 'argon2i'), `${seeded}$`])
    await t.rejects(verifyPassword('secret', stored), /not one of Argon2id/)
})

t.test('a crowd is worked off a few at a time, and beyond a bound is asked to come again', async (t) => {
  let loops = 0
  const ticking = setInterval(() => loops++, 1)
  const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => verifyPassword('x', seeded)))
  clearInterval(ticking)
  const refusals = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  t.equal(refusals.length, 34)
  t.match(refusals[0], { kind: 'unavailable', status: 503, headers: { 'retry-after': /^\d+$/ } })
  t.ok(loops > 10, 'and the event loop went on meanwhile')
  t.match(await verifyPassword(seedPassword, seeded), { matches: true }, 'and then there is room again')
})
