import { readFile } from 'node:fs/promises'
import t from 'tap'
import { environmentExample, readSettings, SettingsError, settingsTable } from '../src/config.ts'
import { newTokenKey } from '../src/token-keys.ts'

const secret = 'bX3vJt0pZq8Lw5cRk2Yh9Nf6Sd1Ga4Ue7Mi='
const keys = JSON.stringify({ keys: [newTokenKey()] })
const least = { MYSQL_PRIMARY_URL: 'mysql://turno:pw@db.internal/turno', JWT_SECRET: secret }

const complaints = (environment: NodeJS.ProcessEnv): readonly string[] => {
  try {
    readSettings(environment)
  } catch (error) {
    if (error instanceof SettingsError) return error.lines
    throw error
  }
  return []
}

t.test('with a database and a secret everything else has a default', async (t) => {
  t.match(readSettings(least), {
    environment: 'development',
    host: '127.0.0.1',
    port: 4000,
    operators: { host: '127.0.0.1', port: 5000 },
    mysql: { primaryUrl: least.MYSQL_PRIMARY_URL, replicaUrls: [], poolSize: 10, queryTimeoutMs: 2000 },
    redis: { url: null, commandTimeoutMs: 50 },
    http: { trustProxy: [], bodyLimitBytes: 102_400, drainMs: 5000, shutdownMs: 15_000 },
    auth: { secret, keys: null, issuer: 'turno', audience: 'turno-api' },
    telemetry: { otlpEndpoint: null, traceRatio: 0.01 },
    log: { level: 'info' }
  })
})

t.test('an empty variable is one that is not set', async (t) => {
  t.same(readSettings({ ...least, PORT: '', REDIS_URL: ' ', MYSQL_REPLICA_URLS: '' }), readSettings(least))
})

t.test('port 0 asks for any free port, for operators too', async (t) => {
  t.match(readSettings({ ...least, PORT: '0' }), { port: 0, operators: { port: 0 } })
})

t.test('lists are separated by commas, spaces do not matter', async (t) => {
  const settings = readSettings({
    ...least,
    MYSQL_REPLICA_URLS: 'mysql://u@a/turno, mysql://u@b/turno,',
    TRUST_PROXY: '10.0.0.0/8, ::1'
  })
  t.same(settings.mysql.replicaUrls, ['mysql://u@a/turno', 'mysql://u@b/turno'])
  t.same(settings.http.trustProxy, ['10.0.0.0/8', '::1'])
})

t.test('several bad settings are told together, a line each', async (t) => {
  const lines = complaints({
    NODE_ENV: 'staging',
    PORT: '70000',
    TRUST_PROXY: '10.0.0.0/33',
    MYSQL_REPLICA_URLS: 'postgres://u:pw@host/db',
    REDIS_URL: 'localhost',
    OTEL_TRACES_SAMPLER_ARG: '2',
    LOG_LEVEL: 'loud'
  })
  const names = lines.map((line) => line.split(' ')[0])
  t.same(names.sort(), [
    'JWT_SECRET',
    'LOG_LEVEL',
    'MYSQL_PRIMARY_URL',
    'MYSQL_REPLICA_URLS',
    'NODE_ENV',
    'OTEL_TRACES_SAMPLER_ARG',
    'PORT',
    'REDIS_URL',
    'TRUST_PROXY'
  ])
  for (const line of lines) t.notMatch(line, '\n', line)
})

for (const [name, value] of [
  ['PORT', '1e3'],
  ['PORT', '-1'],
  ['PORT', '4000x'],
  ['MYSQL_POOL_SIZE', '0'],
  ['MYSQL_PRIMARY_URL', 'mysql://host-without-user/turno'],
  ['MYSQL_PRIMARY_URL', 'mysql://user@host-without-database'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4317'],
  ['OTEL_TRACES_SAMPLER_ARG', 'NaN'],
  ['TRUST_PROXY', 'true'],
  ['TRUST_PROXY', '10.0.0.0/8/8'],
  ['HOST', 'two words']
] as const) {
  t.test(`${name}=${value} is refused`, async (t) => {
    const lines = complaints({ ...least, [name]: value })
    t.equal(lines.length, 1)
    t.match(lines[0], new RegExp(`^${name} `))
  })
}

t.test('settings that contradict each other are refused', async (t) => {
  t.match(complaints({ ...least, PORT: '65000' }), [/^OPERATORS_PORT is not set and PORT \+ 1000 is no port/])
  t.match(complaints({ ...least, OPERATORS_PORT: '4000' }), [/^OPERATORS_PORT is the same as PORT/])
  t.match(complaints({ ...least, DRAIN_MS: '15000' }), [/^DRAIN_MS has to be less than SHUTDOWN_MS/])
})

t.test('in production a secret that is missing, short or guessable refuses to start', async (t) => {
  const withSecret = (JWT_SECRET: string | undefined) =>
    complaints({ ...least, NODE_ENV: 'production', JWT_KEYS: keys, JWT_SECRET })
  t.same(withSecret(secret), [])
  t.match(withSecret(undefined), [/^JWT_SECRET is not set/])
  t.match(withSecret(secret.slice(0, 31)), [/^JWT_SECRET is shorter than 32 bytes/])
  t.match(withSecret('a'.repeat(64)), [/^JWT_SECRET can be guessed/])
  t.match(withSecret('please-change-me-0123456789-abcdefgh'), [/^JWT_SECRET can be guessed/])
  t.same(complaints({ ...least, JWT_SECRET: 'a'.repeat(32) }), [], 'development is not as strict')
})

t.test('production wants keys of its own, and keys have to be some', async (t) => {
  const { d: _, ...publicHalf } = newTokenKey()
  const withKeys = (JWT_KEYS: unknown, NODE_ENV = 'production') =>
    complaints({
      ...least,
      NODE_ENV,
      JWT_KEYS: typeof JWT_KEYS === 'string' ? JWT_KEYS : JSON.stringify(JWT_KEYS)
    })
  t.same(withKeys(keys), [])
  t.same(
    withKeys({ keys: [newTokenKey(), publicHalf, newTokenKey()] }),
    [],
    'with one that only checks, and one to come'
  )
  t.same(withKeys('', 'development'), [])
  t.match(withKeys(''), [/^JWT_KEYS is not set: production/])
  const key = newTokenKey()
  const bad: [unknown, RegExp][] = [
    ['-----BEGIN PRIVATE KEY-----', /^JWT_KEYS is not JSON/],
    [[key], /^JWT_KEYS is no JWK set/],
    [{ keys: [] }, /^JWT_KEYS has no key in it/],
    [{ keys: [null] }, /^JWT_KEYS has a key in it that is not of kty EC/],
    [{ keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }, /^JWT_KEYS has a key in it that is not of kty EC/],
    [{ keys: [publicHalf, key] }, /^JWT_KEYS has no private half \("d"\) in its first key/],
    [{ keys: [key, key] }, /^JWT_KEYS has the same key twice/],
    [{ keys: [{ ...key, d: newTokenKey().d }] }, /^JWT_KEYS has a key in it whose parts do not fit/],
    [{ keys: [{ ...key, x: key.y }] }, /^JWT_KEYS has a key in it whose parts do not fit/]
  ]
  for (const [value, line] of bad) {
    const lines = withKeys(value, 'development')
    t.match(lines, [line])
    t.notMatch(lines.join(), key.d, 'and does not show it')
  }
})

t.test('no complaint shows a secret', async (t) => {
  const lines = complaints({
    JWT_SECRET: 'hunter2',
    MYSQL_PRIMARY_URL: 'mysql//turno:hunter2@db/turno',
    MYSQL_REPLICA_URLS: 'mysql://turno:hunter2@db',
    REDIS_URL: 'http://:hunter2@cache'
  })
  t.equal(lines.length, 4)
  t.notMatch(lines.join('\n'), 'hunter2')
})

t.test('.env.example says what the code says (npm run settings writes it)', async (t) => {
  t.equal(await readFile(new URL('../.env.example', import.meta.url), 'utf8'), environmentExample())
})

t.test('so does the README', async (t) => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  t.ok(readme.includes(`<!-- settings -->\n${settingsTable()}<!-- end of settings -->`))
})
