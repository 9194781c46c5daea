import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import auth from '../../plugins/auth.ts'
import errors from '../../plugins/errors.ts'
import { bareSettings } from '../bare-app.ts'

const settings = bareSettings()
const id = '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'

async function service(t: Test) {
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
  exp: now() + 600
})

/** Signs whatever it is told to, as someone would who has the secret but not our rules. */
function forge(
  changes: Record<string, unknown>,
  header: { alg?: string; typ?: string | undefined } = {},
  secret = settings.auth.secret
) {
  const { alg = 'HS256' } = header
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg, typ: 'at+jwt', ...header })}.${part({ ...claims(), ...changes })}`
  const digest = alg === 'HS512' ? 'sha512' : 'sha256'
  return `${signed}.${createHmac(digest, secret).update(signed).digest('base64url')}`
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
  const unsigned = `${forge({}, { alg: 'none' }).split('.').slice(0, 2).join('.')}.`
  const refused: Record<string, string> = {
    'an empty header': ' ',
    'another scheme': `Basic ${Buffer.from('ana:secret').toString('base64')}`,
    'no token in it': 'Bearer ',
    'two tokens': `Bearer ${forge({})} ${forge({})}`,
    'no JWT': 'Bearer abc',
    'no signature': `Bearer ${unsigned}`,
    'an algorithm of its own': `Bearer ${forge({}, { alg: 'HS512' })}`,
    'another secret': `Bearer ${forge({}, {}, 'x'.repeat(32))}`,
    'another type': `Bearer ${forge({}, { typ: 'JWT' })}`,
    'no type': `Bearer ${forge({}, { typ: undefined })}`,
    'another issuer': `Bearer ${forge({ iss: 'other' })}`,
    'another audience': `Bearer ${forge({ aud: 'other-api' })}`,
    'no end': `Bearer ${forge({ exp: undefined })}`,
    'no beginning': `Bearer ${forge({ iat: undefined })}`,
    'not yet valid': `Bearer ${forge({ nbf: now() + 600 })}`,
    'a subject that is no id': `Bearer ${forge({ sub: 'ana' })}`,
    'a role that there is not': `Bearer ${forge({ role: 'root' })}`
  }
  for (const [what, authorization] of Object.entries(refused)) {
    const response = await me(authorization)
    t.equal(response.statusCode, 401, what)
    t.match(response.headers['www-authenticate'], /error="invalid_token"/, what)
    t.match(response.json().detail, 'The access token is not valid.', what)
  }
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
  const environment = { ...process.env, NODE_ENV: 'test', JWT_SECRET: settings.auth.secret }
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
