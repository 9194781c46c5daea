// Environment → typed settings. `settingsFrom` names each variable once, with its meaning, default and form; the
// Settings type, .env.example and the README's table all come from it.

import { isIP } from 'node:net'
import { readTokenKeys, type TokenKeys, UnusableKeys } from './token-keys.ts'

export type Settings = ReturnType<typeof settingsFrom>

/** Settings that cannot be used: every one of them, a line each that says what to do. Never holds a secret. */
export class SettingsError extends Error {
  override name = 'SettingsError'
  readonly lines: readonly string[]
  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

/** Reads one variable: its value, or that of `fallback` where it is unset or empty. */
type Read = <Value>(
  name: string,
  meaning: string,
  fallback: Fallback,
  parse: (text: string) => Value
) => Value

/** What an unset variable stands for, as it would be written; or what one that has to be set looks like. */
type Fallback = string | { required: string }

function settingsFrom(read: Read) {
  const environment = read(
    'NODE_ENV',
    'development, production or test; production refuses a weak JWT_SECRET',
    'development',
    oneOf('development', 'production', 'test')
  )
  const host = read('HOST', 'address the API listens on', '127.0.0.1', word)
  const port = read('PORT', 'port of the API; 0 takes any free one', '4000', integer(0, 65_535))
  return {
    environment,
    host,
    port,
    operators: {
      host: read('OPERATORS_HOST', 'address of metrics and health for operators', '127.0.0.1', word),
      port:
        read('OPERATORS_PORT', 'port for operators; unset: PORT + 1000', '', optional(integer(0, 65_535))) ??
        (port === 0 ? 0 : port + 1000),
      allow: read(
        'ADMIN_ALLOW',
        'addresses that operators and administrators may come from: addresses or CIDR blocks, comma between',
        '127.0.0.0/8,::1',
        listOf(cidr)
      )
    },
    mysql: {
      primaryUrl: read(
        'MYSQL_PRIMARY_URL',
        'takes all writes; unset: npm start runs a MariaDB and a Redis of its own',
        { required: 'mysql://user:password@host:3306/database' },
        mysqlUrl
      ),
      replicaUrls: read('MYSQL_REPLICA_URLS', 'replicas to read from, comma between', '', listOf(mysqlUrl)),
      poolSize: read('MYSQL_POOL_SIZE', 'connections to each server', '10', integer(1, 1000)),
      connectTimeoutMs: read('MYSQL_CONNECT_TIMEOUT_MS', 'limit of a connect', '1000', integer(10, 60_000)),
      queryTimeoutMs: read('MYSQL_QUERY_TIMEOUT_MS', 'limit of a query', '2000', integer(10, 60_000)),
      maxLagMs: read(
        'MYSQL_MAX_LAG_MS',
        'a replica further behind is not read',
        '5000',
        integer(0, 3_600_000)
      )
    },
    redis: {
      url: read('REDIS_URL', 'redis://:password@host:6379; unset: run without', '', optional(redisUrl)),
      commandTimeoutMs: read('REDIS_COMMAND_TIMEOUT_MS', 'limit of a command', '50', integer(1, 10_000))
    },
    events: {
      streams: read(
        'EVENTS_STREAMS',
        'streams of events open in one instance at most',
        '2000',
        integer(0, 1_000_000)
      )
    },
    webhooks: {
      keys: read(
        'WEBHOOKS_KEYS',
        'encrypt the secrets of webhooks: 32 random bytes in base64, the first encrypts, all decrypt, comma between; unset: one made from JWT_SECRET',
        '',
        listOf(encryptionKey)
      ),
      insecure:
        read(
          'WEBHOOKS_INSECURE',
          'allow: webhooks may lead to http and to private addresses; never in production',
          'refuse',
          oneOf('refuse', 'allow')
        ) === 'allow'
    },
    worker: read(
      'WORKER',
      'in: this instance also does the jobs of npm run worker; npm start says so',
      'apart',
      oneOf('apart', 'in')
    ),
    cache: {
      l1Bytes: read('CACHE_L1_BYTES', 'memory for entries in this process', '150994944', integer(0, 2 ** 40))
    },
    http: {
      trustProxy: read(
        'TRUST_PROXY',
        'proxies whose X-Forwarded-* counts: addresses or CIDR blocks, comma between',
        '',
        listOf(cidr)
      ),
      bodyLimitBytes: read('HTTP_BODY_LIMIT_BYTES', 'largest request body', '102400', integer(1, 2 ** 30)),
      requestTimeoutMs: read(
        'HTTP_REQUEST_TIMEOUT_MS',
        'limit for a request to arrive in full',
        '10000',
        integer(100, 600_000)
      ),
      shedDelayMs: read(
        'SHED_DELAY_MS',
        'where the event loop is this late on average, requests are refused so that others are in time; 0: never',
        '300',
        integer(0, 60_000)
      ),
      drainMs: read('DRAIN_MS', 'after SIGTERM, time for balancers to notice', '5000', integer(0, 600_000)),
      shutdownMs: read('SHUTDOWN_MS', 'limit from SIGTERM to the end', '15000', integer(100, 600_000))
    },
    limits: {
      readsPerMinute: read(
        'RATE_LIMIT_READS_PER_MINUTE',
        'requests a minute from one address, where a route says nothing else; 0: any number',
        '100',
        integer(0, 100_000_000)
      ),
      apiKeys: read(
        'RATE_LIMIT_API_KEYS',
        'who sends such an X-API-Key has a number of its own: name:per-minute:SHA-256 in hex, comma between',
        '',
        listOf(apiKeyLimit)
      ),
      logins: read(
        'RATE_LIMIT_LOGINS',
        'sign-in attempts in 15 minutes for one e-mail address, and for it from one address; 0: any number',
        '5',
        integer(0, 1_000_000)
      ),
      loginsPerAddress: read(
        'RATE_LIMIT_LOGINS_PER_ADDRESS',
        'the same from one address, for all e-mail addresses together; 0: any number',
        '5',
        integer(0, 1_000_000)
      ),
      payments: read(
        'RATE_LIMIT_PAYMENTS',
        'payments of one caller in 15 minutes; 0: any number',
        '10',
        integer(0, 1_000_000)
      )
    },
    auth: {
      secret: read(
        'JWT_SECRET',
        'signs cursors and consistency tokens: 32 random bytes or more; unset: npm start makes one for development',
        { required: 'openssl rand -base64 32 prints one' },
        secret(environment)
      ),
      keys: read(
        'JWT_KEYS',
        'JWK set: the first key signs access tokens, all are believed; unset: one made from JWT_SECRET, in development',
        '',
        optional(tokenKeys)
      ),
      issuer: read('JWT_ISSUER', 'iss of access tokens', 'turno', word),
      audience: read('JWT_AUDIENCE', 'aud of access tokens', 'turno-api', word)
    },
    audit: {
      consumer: read(
        'AUDIT_CONSUMER',
        'on: this instance writes audit entries to MySQL; off: others do',
        'on',
        oneOf('on', 'off')
      ),
      retentionDays: read(
        'AUDIT_RETENTION_DAYS',
        'audit entries are kept this long; 2557 are seven years',
        '2557',
        integer(1, 36_525)
      ),
      spoolDirectory: read(
        'AUDIT_SPOOL_DIR',
        'folder of this host where audit entries wait while Redis is away',
        '.local/audit',
        word
      ),
      spoolBytes: read('AUDIT_SPOOL_BYTES', 'limit of that folder', '67108864', integer(0, 2 ** 40))
    },
    telemetry: {
      serviceName: read('OTEL_SERVICE_NAME', 'name in telemetry', 'turno', word),
      otlpEndpoint: read(
        'OTEL_EXPORTER_OTLP_ENDPOINT',
        'collector, http://host:4318; unset: nothing is sent',
        '',
        optional(httpUrl)
      ),
      traceRatio: read(
        'OTEL_TRACES_SAMPLER_ARG',
        'share of requests traced, 0 to 1 (of repeated hits, those whose caller traces)',
        '0.01',
        ratio
      )
    },
    log: {
      level: read(
        'LOG_LEVEL',
        'fatal, error, warn, info, debug, trace or silent',
        'info',
        oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')
      ),
      slowRequestMs: read('LOG_SLOW_REQUEST_MS', 'slower requests are logged', '500', integer(0, 600_000))
    }
  }
}

/**
 * Reads the settings from an environment such as process.env.
 * @throws SettingsError with a line for each variable that is missing or unusable
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const lines: string[] = []
  const settings = settingsFrom((name, meaning, fallback, parse) => {
    const written = environment[name]?.trim()
    // After a trouble the reading goes on with what would be right, to find the others too.
    const standIn = typeof fallback === 'string' ? fallback : fallback.required
    if (!written) {
      if (typeof fallback !== 'string') lines.push(`${name} is not set: ${meaning}`)
      return parse(standIn)
    }
    try {
      return parse(written)
    } catch (error) {
      if (!(error instanceof Unusable)) throw error
      lines.push(`${name} ${error.message}`)
      return parse(standIn)
    }
  })
  if (lines.length === 0) lines.push(...contradictions(settings))
  if (lines.length > 0) throw new SettingsError(lines)
  return settings
}

function contradictions({
  environment,
  host,
  port,
  operators,
  http,
  auth,
  webhooks,
  worker,
  redis
}: Settings): string[] {
  const lines: string[] = []
  if (environment === 'production' && auth.keys === null)
    lines.push(
      'JWT_KEYS is not set: production signs access tokens with keys of its own, npm run keys prints one'
    )
  if (environment === 'production' && webhooks.insecure)
    lines.push('WEBHOOKS_INSECURE is allow: production refuses private addresses, leave it out')
  if (worker === 'in' && redis.url === null)
    lines.push('WORKER is in, but REDIS_URL is not set: jobs are queued there')
  if (operators.port > 65_535) lines.push(`OPERATORS_PORT is not set and PORT + 1000 is no port: set it`)
  if (port !== 0 && port === operators.port && host === operators.host)
    lines.push('OPERATORS_PORT is the same as PORT: set it to another one')
  if (http.drainMs >= http.shutdownMs) lines.push('DRAIN_MS has to be less than SHUTDOWN_MS')
  return lines
}

/** The text of .env.example. */
export function environmentExample(): string {
  const entries = describeSettings().map((one) => `# ${one.meaning}\n# ${one.name}=${one.default}\n`)
  const how = 'Copy to .env and uncomment what you change. The environment wins over .env.'
  return `# Every setting with its default. ${how}\n\n${entries.join('\n')}`
}

/** The same as a table in Markdown. */
export function settingsTable(): string {
  const rows = describeSettings().map(
    (one) => `| \`${one.name}\` | ${one.default && `\`${one.default}\``} | ${one.meaning} |`
  )
  return ['| variable | default | meaning |', '|---|---|---|', ...rows, ''].join('\n')
}

/** Every variable, in order; `default` is empty for those that have none. */
export function describeSettings(): { name: string; meaning: string; default: string }[] {
  const described: ReturnType<typeof describeSettings> = []
  settingsFrom((name, meaning, fallback, parse) => {
    described.push({ name, meaning, default: typeof fallback === 'string' ? fallback : '' })
    return parse(typeof fallback === 'string' ? fallback : fallback.required)
  })
  return described
}

/** Says what is wrong with a variable's text: the rest of a line that begins with its name. Never quotes a secret. */
class Unusable extends Error {}

function oneOf<const Choice extends string>(...choices: readonly Choice[]) {
  return (text: string): Choice => {
    const choice = choices.find((one) => one === text)
    if (choice === undefined) throw new Unusable(`is ${quoted(text)}: use one of ${choices.join(', ')}`)
    return choice
  }
}

function integer(least: number, most: number) {
  return (text: string): number => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (number >= least && number <= most) return number
    throw new Unusable(`is ${quoted(text)}: use a whole number from ${least} to ${most}`)
  }
}

function ratio(text: string): number {
  const number = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN
  if (number >= 0 && number <= 1) return number
  throw new Unusable(`is ${quoted(text)}: use a number from 0 to 1`)
}

function word(text: string): string {
  if (/^\S+$/.test(text)) return text
  throw new Unusable(`is ${quoted(text)}: use a name without spaces`)
}

function cidr(text: string): string {
  const [address = '', bits, ...rest] = text.split('/')
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most)
  if (most > 0 && fits && rest.length === 0) return text
  throw new Unusable(`has ${quoted(text)}: use addresses or blocks such as 10.0.0.0/8`)
}

function apiKeyLimit(text: string): { name: string; perMinute: number; sha256: string } {
  const [, name, perMinute, sha256] = /^([a-z][a-z0-9-]{0,39}):(\d{1,7}):([0-9a-f]{64})$/i.exec(text) ?? []
  if (name && perMinute && sha256) return { name, perMinute: Number(perMinute), sha256: sha256.toLowerCase() }
  throw new Unusable('is not of the form name:1000:SHA-256 of the key in hex')
}

function mysqlUrl(text: string): string {
  const url = URL.parse(text)
  const whole = url?.protocol === 'mysql:' && url.hostname && url.username && url.pathname.length > 1
  if (whole) return text
  throw new Unusable('is not of the form mysql://user:password@host:port/database')
}

function redisUrl(text: string): string {
  const url = URL.parse(text)
  if (url && ['redis:', 'rediss:'].includes(url.protocol) && url.hostname) return text
  throw new Unusable('is not of the form redis://user:password@host:port')
}

function httpUrl(text: string): string {
  const url = URL.parse(text)
  if (url && ['http:', 'https:'].includes(url.protocol)) return text
  throw new Unusable('is not of the form http://host:port')
}

/** 32 bytes is what HS256 asks for (RFC 7518 §3.2). A secret that others know, or could guess, is none in production. */
function secret(environment: string) {
  return (text: string): string => {
    if (Buffer.byteLength(text) < 32)
      throw new Unusable('is shorter than 32 bytes: make one with openssl rand -base64 32')
    const guessable =
      /change.?me|example|default|password|secret|develop/i.test(text) || new Set(text).size < 10
    if (environment === 'production' && guessable)
      throw new Unusable('can be guessed: make one with openssl rand -base64 32')
    return text
  }
}

function tokenKeys(text: string): TokenKeys {
  try {
    return readTokenKeys(text)
  } catch (error) {
    if (error instanceof UnusableKeys) throw new Unusable(`${error.message}: npm run keys prints a good one`)
    throw error
  }
}

function encryptionKey(text: string): Buffer {
  const key = Buffer.from(text, 'base64')
  if (key.length === 32 && /^[\w+/-]+=*$/.test(text)) return key
  throw new Unusable('has a key that is not 32 bytes in base64: make one with openssl rand -base64 32')
}

function optional<Value>(parse: (text: string) => Value) {
  return (text: string): Value | null => (text === '' ? null : parse(text))
}

function listOf<Value>(parse: (text: string) => Value) {
  return (text: string): readonly Value[] =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
      .map(parse)
}

/** A long or strange text would spoil the line it stands in. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
