import { execFile } from 'node:child_process'
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import auth from '../../plugins/auth.ts'
import errors from '../../plugins/errors.ts'
import { newTokenKey, publicKeySet, readTokenKeys, tokenKeysOf } from '../../src/token-keys.ts'
import { bareSettings } from '../bare-app.ts'
import { until } from '../until.ts'

const settings = bareSettings()
const { secret } = settings.auth
const id = '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'

async function service(t: Test, settings = bareSettings()) {
  const app = Fastify()
  t.teardown(() => app.close())
  app.decorate('settings', settings)
  await app.register(errors)
  await app.register(auth)
  app.get('/me', { onRequest: app.authenticate }, async (request) => request.caller)
  app.get('/open', async (request) => ({ caller: request.caller }))
  await app.ready()
  const me = (authorization?: string) =>
    app.inject({ url: '/me', headers: authorization ? { authorization } : {} })
  return { app, me }
}

const now = () => Math.floor(Date.now() / 1000)
const claims = () => ({
  sub: id,
  role: 'therapist',
  iss: 'turno',
  aud: 'turno-api',
  iat: now(),
  nbf: now(),
  exp: now() + 600
})

const [key] = tokenKeysOf(settings.auth)

/** Signs whatever it is told to, as someone would who has our key but not our rules. */
function forge(
  changes: Record<string, unknown>,
  header: Record<string, unknown> = {},
  signature: (input: string) => Buffer = signedWith(key.privatePem)
) {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${part({ alg: 'ES256', typ: 'at+jwt', kid: key.id, ...header })}.${part({ ...claims(), ...changes })}`
  return `${input}.${signature(input).toString('base64url')}`
}

/** RFC 7518 §3.4, or §3.3 where the key is one for RSA. */
function signedWith(pem: string) {
  return (input: string) => sign('sha256', Buffer.from(input), { key: pem, dsaEncoding: 'ieee-p1363' })
}

t.test('a token of ours says who is calling', async (t) => {
  const { app, me } = await service(t)
  const token = app.signToken({ id, role: 'client' }, 60)
  t.same((await me(`Bearer ${token}`)).json(), { id, role: 'client' })
  t.same((await me(`bearer ${token}`)).json(), { id, role: 'client' }, 'the scheme has no case')
  t.same((await me(`Bearer ${forge({})}`)).json(), { id, role: 'therapist' })
  t.same((await app.inject({ url: '/open', headers: { authorization: 'nonsense' } })).json(), {
    caller: null
  })
})

t.test('without a token one is asked for one', async (t) => {
  const { me } = await service(t)
  const response = await me()
  t.equal(response.statusCode, 401)
  t.equal(response.json().type, 'https://turno.example/problems/unauthorized')
  t.equal(response.headers['www-authenticate'], 'Bearer realm="turno"')
})

t.test('whatever is not exactly a token of ours is refused', async (t) => {
  const { me } = await service(t)
  const unsigned = (alg: string) => forge({}, { alg }, () => Buffer.alloc(0))
  const hmac = (secret: string) => (input: string) => createHmac('sha256', secret).update(input).digest()
  const stranger = readTokenKeys(JSON.stringify({ keys: [newTokenKey()] }))[0]
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const rsaPem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const jwks = JSON.stringify(publicKeySet([key]))
  const [head = '', body = '', signature = ''] = forge({}).split('.')
  const otherBody = forge({ role: 'admin' }).split('.')[1]
  const refused: Record<string, string> = {
    'an empty header': ' ',
    'another scheme': `Basic ${Buffer.from('ana:secret').toString('base64')}`,
    'no token in it': 'Bearer ',
    'two tokens': `Bearer ${forge({})} ${forge({})}`,
    'no JWT': 'Bearer abc',
    'a part too few': `Bearer ${head}.${body}`,
    'a part too many': `Bearer ${head}.${body}.${signature}.`,
    'a huge one': `Bearer ${forge({ padding: 'x'.repeat(12_000) }, {}, hmac('x'))}`,
    'no signature': `Bearer ${head}.${body}.`,
    'the signature of another': `Bearer ${head}.${otherBody}.${signature}`,
    'alg none': `Bearer ${unsigned('none')}`,
    'alg None': `Bearer ${unsigned('None')}`,
    'no alg': `Bearer ${forge({}, { alg: undefined })}`,
    'alg none, and our signature': `Bearer ${forge({}, { alg: 'none' })}`,
    'our public key as a shared secret': `Bearer ${forge({}, { alg: 'HS256' }, hmac(key.publicPem))}`,
    'our published keys as a shared secret': `Bearer ${forge({}, { alg: 'HS256' }, hmac(jwks))}`,
    'the secret of this service as a shared one': `Bearer ${forge({}, { alg: 'HS256' }, hmac(settings.auth.secret))}`,
    'that under our own algorithm': `Bearer ${forge({}, {}, hmac(key.publicPem))}`,
    RSA: `Bearer ${forge({}, { alg: 'RS256' }, signedWith(rsaPem))}`,
    'a key of one’s own': `Bearer ${forge({}, {}, signedWith(stranger.privatePem))}`,
    'a key of one’s own, named': `Bearer ${forge({}, { kid: stranger.id }, signedWith(stranger.privatePem))}`,
    'a key of one’s own, enclosed': `Bearer ${forge({}, { jwk: stranger.publicJwk }, signedWith(stranger.privatePem))}`,
    'a key from elsewhere': `Bearer ${forge({}, { jku: 'https://evil.example/jwks.json' }, signedWith(stranger.privatePem))}`,
    'no key': `Bearer ${forge({}, { kid: undefined })}`,
    'a path for a key': `Bearer ${forge({}, { kid: '../../../../dev/null' }, hmac(''))}`,
    'SQL for a key': `Bearer ${forge({}, { kid: "' UNION SELECT 'x" }, hmac('x'))}`,
    'what every object has for a key': `Bearer ${forge({}, { kid: '__proto__' }, hmac(''))}`,
    'an extension that it calls critical': `Bearer ${forge({}, { crit: ['exp'] })}`,
    'another type': `Bearer ${forge({}, { typ: 'JWT' })}`,
    'no type': `Bearer ${forge({}, { typ: undefined })}`,
    'another issuer': `Bearer ${forge({ iss: 'other' })}`,
    'no issuer': `Bearer ${forge({ iss: undefined })}`,
    'another audience': `Bearer ${forge({ aud: 'other-api' })}`,
    'no audience': `Bearer ${forge({ aud: undefined })}`,
    'no end': `Bearer ${forge({ exp: undefined })}`,
    'an end that is no number': `Bearer ${forge({ exp: String(now() + 600) })}`,
    'no beginning': `Bearer ${forge({ iat: undefined })}`,
    'no moment from which it is valid': `Bearer ${forge({ nbf: undefined })}`,
    'not yet valid': `Bearer ${forge({ nbf: now() + 600 })}`,
    'a subject that is no id': `Bearer ${forge({ sub: 'ana' })}`,
    'a session that is no id': `Bearer ${forge({ sid: "' OR 1=1" })}`,
    'a role that there is not': `Bearer ${forge({ role: 'root' })}`
  }
  for (const [what, authorization] of Object.entries(refused)) {
    const response = await me(authorization)
    t.equal(response.statusCode, 401, what)
    t.match(response.headers['www-authenticate'], /error="invalid_token"/, what)
    t.match(response.json().detail, 'The access token is not valid.', what)
  }
})

t.test(
  'in production a token belongs to a session, and none lives longer than a quarter of an hour',
  async (t) => {
    const keys = JSON.stringify({ keys: [newTokenKey()] })
    const { app, me } = await service(
      t,
      bareSettings({ NODE_ENV: 'production', JWT_KEYS: keys, JWT_SECRET: secret })
    )
    t.equal((await me(`Bearer ${app.signToken({ id, role: 'client' }, 60)}`)).statusCode, 401)
    const [own] = readTokenKeys(keys)
    const times = { iat: now() - 1000, exp: now() + 3600 }
    const old = forge({ sid: id, ...times }, { kid: own.id }, signedWith(own.privatePem))
    t.equal((await me(`Bearer ${old}`)).json().detail, 'The access token has expired.')
  }
)

t.test('a token is looked at again when its time has come, however well it is known', async (t) => {
  const { app, me } = await service(t)
  // It ends with its tolerance: half a minute from its exp.
  const token = app.signToken({ id, role: 'client' }, -29)
  t.equal((await me(`Bearer ${token}`)).statusCode, 200)
  t.equal((await me(`Bearer ${token}`)).statusCode, 200)
  await until('it has ended', async () => (await me(`Bearer ${token}`)).statusCode === 401)
})

t.test('keys follow one another under load, and no token is refused', { timeout: 60_000 }, async (t) => {
  const [old, next] = [newTokenKey(), newTokenKey()]
  // What `npm run keys -- --add`, `--switch` and `--retire` print; each on one instance after the other.
  const steps = [[old], [old, next], [next, old], [next]].map((keys) => JSON.stringify({ keys }))
  const start = async (step: number) => {
    const { app, me } = await service(t, bareSettings({ JWT_KEYS: steps[step] ?? '' }))
    return { sign: () => app.signToken({ id, role: 'client' }, 600), me }
  }
  const instances = [await start(0), await start(0)]
  const statuses: number[] = []
  const load = { goesOn: true }
  const clients = Array.from({ length: 8 }, async (_, i) => {
    while (load.goesOn) {
      const token = instances[i % 2]?.sign() ?? ''
      for (const instance of instances) statuses.push((await instance.me(`Bearer ${token}`)).statusCode)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
  const requests = async (count: number) => {
    const goal = statuses.length + count
    await until('they were answered', () => statuses.length >= goal)
  }
  for (const step of [1, 2, 3]) {
    for (const slot of [0, 1]) {
      await requests(100)
      instances[slot] = await start(step)
    }
  }
  await requests(100)
  load.goesOn = false
  await Promise.all(clients)
  t.same(new Set(statuses), new Set([200]))

  const retired = await start(3)
  const stale = forge(
    {},
    { kid: readTokenKeys(steps[0] ?? '')[0].id },
    signedWith(readTokenKeys(steps[0] ?? '')[0].privatePem)
  )
  t.equal((await retired.me(`Bearer ${stale}`)).statusCode, 401, 'a key that is gone is believed no more')
})

t.test('who comes with an old token is told that it has expired', async (t) => {
  const { me } = await service(t)
  const old = {
    'one that has ended': { iat: now() - 1000, exp: now() - 100 },
    'one that grants itself a day, two hours later': { iat: now() - 7200, exp: now() + 86_400 }
  }
  for (const [what, times] of Object.entries(old)) {
    const response = await me(`Bearer ${forge(times)}`)
    t.equal(response.statusCode, 401, what)
    t.equal(response.json().detail, 'The access token has expired.', what)
    t.match(response.headers['www-authenticate'], /error="invalid_token"/, what)
  }
})

t.test('the command prints a token that works, or one line', async (t) => {
  const { me } = await service(t)
  const script = fileURLToPath(new URL('../../bin/token.ts', import.meta.url))
  const environment = { ...process.env, NODE_ENV: 'test', JWT_SECRET: settings.auth.secret, JWT_KEYS: '' }
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [script, ...args], { env: environment, timeout: 30_000 })

  const { stdout } = await run('--user', id.toUpperCase(), '--role', 'therapist', '--expires', '60')
  t.same((await me(`Bearer ${stdout.trim()}`)).json(), { id, role: 'therapist' })

  const mistakes: [RegExp, ...string[]][] = [
    [/^Both --user <uuid> and --role <role> are needed\.\n$/],
    [/^--user ana is not a UUID\.\n$/, '--user', 'ana', '--role', 'client'],
    [/^--role boss is none of client, therapist, admin\.\n$/, '--user', id, '--role', 'boss'],
    [
      /^--expires 7200 is not a whole number of seconds from 1 to 3600\.\n$/,
      '--user',
      id,
      '--role',
      'client',
      '--expires',
      '7200'
    ],
    [/^Unknown option '--rôle'.*\n$/, '--rôle', 'client']
  ]
  for (const [line, ...args] of mistakes) await t.rejects(run(...args), { code: 1, stdout: '', stderr: line })
})
