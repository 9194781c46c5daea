// Signing in and registering, as honest people and those who guess meet it.
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import { engines } from '../engines.ts'
import { query } from '../statements.ts'
import { clientOf, emailOf, newEmail, seedPassword } from './client.ts'

// Before anything of the service is loaded: each hashing is counted.
const { argon2 } = crypto
let hashings = 0
crypto.argon2 = (...parameters: Parameters<typeof argon2>) => {
  hashings++
  argon2(...parameters)
}
syncBuiltinESMExports()
const { buildApp } = await import('../../src/app.ts')

t.test('accounts over HTTP', { timeout: 120_000 }, async (t) => {
  const { settings, mysql } = await engines(t, { replicas: 1, scale: 'tiny' })
  const { url } = mysql.primary
  const app = await buildApp(settings)
  t.teardown(() => app.close())
  await app.ready()
  const client = clientOf(app)
  const email = await emailOf(url, known.therapist.id)
  const signIn = (email: string, password: string) => client.post('/api/auth/login', { email, password })

  t.test('an unknown address and a wrong password are answered alike', async (t) => {
    const [wrong, unknown] = [await signIn(email, 'wrong'), await signIn(newEmail(), seedPassword)]
    const shown = ({ statusCode, headers, body }: typeof wrong) => {
      const { instance: _, ...problem } = JSON.parse(body)
      const { date: _date, 'content-length': _length, 'x-request-id': _id, ...others } = headers
      return { statusCode, problem, headers: others }
    }
    t.equal(wrong.statusCode, 401)
    t.equal(wrong.json().type, 'https://turno.example/problems/invalid-credentials')
    t.same(shown(unknown), shown(wrong))
  })

  t.test('and cost the same work: one hashing', async (t) => {
    const workOf = async (email: string, password: string) => {
      const before = hashings
      await signIn(email, password)
      return hashings - before
    }
    t.equal(await workOf(email, 'wrong'), 1)
    t.equal(await workOf(newEmail(), 'wrong'), 1)
    t.equal(await workOf(email, seedPassword), 1)
    await query(url, 'UPDATE users SET erased_at = UTC_TIMESTAMP() WHERE id = ?', [
      uuidToBytes(known.client.id)
    ])
    t.equal(await workOf(await emailOf(url, known.client.id), seedPassword), 1, 'one that was erased, too')
  })

  t.test('and take times that cannot be told apart', async (t) => {
    const timeOf = async (email: string) => {
      const startedAt = performance.now()
      await signIn(email, 'wrong')
      return performance.now() - startedAt
    }
    const times: { wrong: number[]; unknown: number[] } = { wrong: [], unknown: [] }
    // By turns, so that whatever else the machine does falls on both alike.
    for (let i = 0; i < 20; i++) {
      times.wrong.push(await timeOf(email))
      times.unknown.push(await timeOf(newEmail()))
    }
    // The share of pairs in which the wrong password took longer: a half, give or take 0.09 (one sigma of 20 by 20),
    // where it makes no difference; 1 where one of them hashes nothing.
    const pairs = times.wrong.flatMap((one) => times.unknown.map((other) => (one > other ? 1 : 0)))
    const share = pairs.reduce((sum: number, longer) => sum + longer, 0) / pairs.length
    t.ok(share > 0.05 && share < 0.95, `in ${share} of pairs`)
  })

  t.test('a hash of weaker parameters is replaced when its owner signs in', async (t) => {
    const email = newEmail()
    const body = { email, password: seedPassword, role: 'client' }
    const { id } = (await client.post('/api/auth/register', body)).json()
    const options = { message: seedPassword, nonce: Buffer.alloc(16, 7), parallelism: 1, tagLength: 32 }
    const weak = crypto.argon2Sync('argon2id', { ...options, memory: 4096, passes: 1 })
    const stored = async () =>
      String(
        (await query(url, 'SELECT password_hash FROM users WHERE id = ?', [uuidToBytes(id)]))[0]
          ?.password_hash
      )
    const phc = [Buffer.alloc(16, 7), weak].map((bytes) => bytes.toString('base64').replaceAll('=', ''))
    await query(url, 'UPDATE users SET password_hash = ? WHERE id = ?', [
      `$argon2id$v=19$m=4096,t=1,p=1$${phc.join('$')}`,
      uuidToBytes(id)
    ])
    t.equal((await signIn(email, 'wrong')).statusCode, 401)
    t.match(await stored(), 'm=4096', 'not by somebody else')
    await client.signIn(email)
    t.match(await stored(), 'm=19456')
    await client.signIn(email)
  })

  t.test('who registers may sign in then', async (t) => {
    const email = newEmail()
    const body = {
      email,
      password: 'cuatro gatos en el tejado',
      role: 'therapist',
      timeZone: 'Atlantic/Canary'
    }
    const reply = await client.post('/api/auth/register', body)
    t.equal(reply.statusCode, 201)
    t.equal(reply.headers.location, '/api/auth/me')
    t.match(reply.json(), { email, role: 'therapist', verificationStatus: 'unverified', version: 1 })
    t.notMatch(reply.body, /gatos|argon2|token/i)
    const { accessToken } = await client.signIn(email, body.password)
    t.same((await client.get('/api/auth/me', accessToken)).json(), reply.json())

    const again = await client.post('/api/auth/register', { ...body, email: email.toUpperCase() })
    t.equal(again.statusCode, 409)
    t.equal(again.json().type, 'https://turno.example/problems/duplicate')
    t.equal(again.headers.location, undefined)
  })

  t.test('nobody registers as what he chooses, or with what can be guessed', async (t) => {
    const body = { email: 'maribel@example.com', password: 'tres tristes tigres', role: 'client' }
    const refused: [string, object][] = [
      ['an administrator', { role: 'admin' }],
      ['verified', { verificationStatus: 'verified' }],
      ['an id', { id: known.admin.id }],
      ['a hash', { passwordHash: 'x' }],
      ['fourteen characters', { password: 'tres tristes t' }],
      ['too long to hash', { password: 'x1y2z'.repeat(26) }],
      ['a single letter', { password: 'aaaaaaaaaaaaaaaa' }],
      ['the own name', { password: 'Maribel-Maribel-1' }],
      ['no address', { email: 'maribel' }],
      ['an address of look-alikes', { email: 'mаribel@example.com' }],
      ['no time zone', { timeZone: 'Mars/Olympus' }]
    ]
    for (const [what, change] of refused) {
      const reply = await client.post('/api/auth/register', { ...body, ...change })
      t.equal(reply.statusCode, 422, what)
      t.notMatch(reply.body, /tristes|Maribel-/, `${what}: not repeated`)
    }
    t.equal((await client.post('/api/auth/register', body)).statusCode, 201)
  })

  t.test('the keys by which others check our tokens are public, and only those', async (t) => {
    const reply = await client.get('/.well-known/jwks.json')
    t.equal(reply.headers['content-type'], 'application/jwk-set+json')
    const { keys } = reply.json()
    t.match(keys, [{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: String }])
    t.same(Object.keys(keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    const [header = '', body = '', signature = ''] = (await client.signIn(email)).accessToken.split('.')
    t.match(JSON.parse(Buffer.from(header, 'base64url').toString()), { typ: 'at+jwt', kid: keys[0].kid })
    const key = crypto.createPublicKey({ key: keys[0], format: 'jwk' })
    const bytes = Buffer.from(signature, 'base64url')
    t.ok(crypto.verify('sha256', Buffer.from(`${header}.${body}`), { key, dsaEncoding: 'ieee-p1363' }, bytes))
  })

  t.test('what happens to accounts and sessions is in the audit trail', async (t) => {
    const { sessionId } = await client.signIn(email)
    const rows = () =>
      query(url, 'SELECT action, outcome, resource_id, HEX(actor_id) AS actor FROM audit_log')
    const { until } = await import('../until.ts')
    await until('the sign-in is written', async () =>
      (await rows()).some((row) => row.action === 'session.begin' && row.resource_id === sessionId)
    )
    const found = (await rows()).map(({ action, outcome }) => `${action} ${outcome}`)
    t.ok(found.includes('session.begin refused'))
    t.ok(found.includes('user.create success'))
  })
})

t.test('who guesses is slowed down, for an address as for many', { timeout: 60_000 }, async (t) => {
  const { settings, mysql } = await engines(t, { replicas: 0, scale: 'tiny' })
  const app = await buildApp({ ...settings, limits: { ...settings.limits, logins: 5, loginsPerAddress: 8 } })
  t.teardown(() => app.close())
  await app.ready()
  const client = clientOf(app)
  const email = await emailOf(mysql.primary.url, known.therapist.id)
  const guess = async (email: string) =>
    (await client.post('/api/auth/login', { email, password: 'guess' })).statusCode
  for (let i = 0; i < 5; i++) t.equal(await guess(email), 401)
  t.equal(await guess(email), 429)
  t.equal(await guess(email.toUpperCase()), 429)
  const right = await client.post('/api/auth/login', { email, password: seedPassword })
  t.equal(right.statusCode, 429, 'knowing it by now helps nobody')
  for (let i = 0; i < 3; i++) t.equal(await guess(newEmail()), 401)
  t.equal(await guess(newEmail()), 429, 'as many from one address')
})
