// After a crowd of requests that are full of personal data and secrets: none of it is a name in Redis, in a line of the log,
// a metric, an event or an entry of the audit trail. A real process, told to say everything.
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import { buildApp } from '../../src/app.ts'
import { emailOf, seedPassword } from '../accounts/client.ts'
import { engines } from '../engines.ts'
import { operatorsUrl, runService, serviceUrl } from '../node.ts'
import { query } from '../statements.ts'
import { until } from '../until.ts'

type Answer = { status: number; body: string }

t.test('a service told everything about people', { timeout: 120_000 }, async (t) => {
  const { settings, mysql } = await engines(t)
  const { url } = mysql.primary
  const limits = {
    RATE_LIMIT_READS_PER_MINUTE: '100000',
    RATE_LIMIT_LOGINS: '500',
    RATE_LIMIT_LOGINS_PER_ADDRESS: '500'
  }
  const service = runService(t, settings, {
    ...limits,
    LOG_LEVEL: 'trace',
    LOG_SLOW_REQUEST_MS: '0',
    WORKER: 'in',
    RATE_LIMIT_API_KEYS: '',
    TRUST_PROXY: '127.0.0.1'
  })
  const at = await service.found(serviceUrl)
  const operators = await service.found(operatorsUrl)
  const signer = await buildApp(settings)
  t.teardown(() => signer.close())
  await signer.ready()

  const email = await emailOf(url, known.therapist.id)
  const [therapist] = await query<RowDataPacket & { name: string }>(
    url,
    'SELECT display_name AS name FROM profiles WHERE id = ?',
    [uuidToBytes(known.therapist.id)]
  )
  const [client] = await query<RowDataPacket & { name: string; email: string }>(
    url,
    'SELECT name, email FROM clients WHERE therapist_id = ? AND email IS NOT NULL ORDER BY id LIMIT 1',
    [uuidToBytes(known.therapist.id)]
  )
  const address = '203.0.113.77'
  const secrets = new Map([
    ['an e-mail address', email],
    ['its owner’s part', email.split('@')[0] ?? ''],
    ['the name of a therapist', therapist?.name ?? ''],
    ['the name of a client', client?.name ?? ''],
    ['the address of a client', client?.email ?? ''],
    ['a password', seedPassword],
    ['a network address', address],
    ['a new client’s name', 'Zuleica Wurzburg'],
    ['a new client’s address', 'zuleica.w@example.com'],
    ['a telephone', '+34600123987'],
    ['notes', 'Duerme muy mal desde marzo'],
    ['a device', 'TelefonoDeZuleica'],
    ['a guess', 'nadie.mas@example.com'],
    ['what was searched for', 'insomnioprofundo']
  ])

  const call = async (
    method: string,
    path: string,
    options: { token?: string; body?: unknown; headers?: Record<string, string> } = {}
  ): Promise<Answer> => {
    const reply = await fetch(at + path, {
      method,
      headers: {
        'x-forwarded-for': address,
        'user-agent': 'TelefonoDeZuleica',
        ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
        ...options.headers
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) })
    })
    return { status: reply.status, body: await reply.text() }
  }
  const ok = (what: string, { status, body }: Answer) => {
    t.ok(status < 300, `${what}: ${status} ${body.slice(0, 200)}`)
    return body === '' ? {} : JSON.parse(body)
  }

  const session = ok(
    'sign in',
    await call('POST', '/api/auth/login', { body: { email, password: seedPassword } })
  )
  const token: string = session.accessToken
  secrets
    .set('an access token', token)
    .set('its signature', token.split('.')[2] ?? '')
    .set('a refresh token', session.refreshToken)
  await call('POST', '/api/auth/login', { body: { email, password: 'not the password' } })
  await call('POST', '/api/auth/login', { body: { email: 'nadie.mas@example.com', password: seedPassword } })
  secrets.set('a refresh token, used', session.refreshToken)
  const renewed = ok(
    'refresh',
    await call('POST', '/api/auth/refresh', { body: { refreshToken: session.refreshToken } })
  )
  secrets.set('its successor', renewed.refreshToken)

  const found = `?q=${encodeURIComponent(client?.name ?? '')}`
  for (const path of [
    '/api/auth/me',
    '/api/auth/sessions',
    '/api/profile',
    '/api/clients',
    `/api/clients${found}`,
    '/api/clients?q=zuleica.w@example.com',
    '/api/bookings?expand=client,service',
    '/api/profiles?q=insomnioprofundo',
    `/api/profiles?q=${encodeURIComponent(therapist?.name ?? '')}`,
    '/api/availability/rules',
    '/api/webhooks'
  ]) {
    for (let time = 0; time < 3; time++) ok(path, await call('GET', path, { token }))
  }
  const person = {
    name: 'Zuleica Wurzburg',
    email: 'zuleica.w@example.com',
    phone: '+34600123987',
    notes: 'Duerme muy mal desde marzo'
  }
  const key = { 'idempotency-key': `"${randomUUID()}"` }
  ok('a client', await call('POST', '/api/clients', { token, body: person, headers: key }))
  t.equal(
    (await call('POST', '/api/clients', { token, body: person })).status,
    409,
    'a database quotes what it refuses'
  )
  t.equal((await call('POST', '/api/clients', { token, body: { ...person, phone: 'x' } })).status, 422)
  const feed = ok('a feed', await call('POST', '/api/calendar-feed', { token })).url
  secrets.set('a secret address', feed.split('/').at(-1).replace('.ics', ''))
  t.equal((await call('GET', feed)).status, 200)
  const webhook = ok(
    'a webhook',
    await call('POST', '/api/webhooks', {
      token,
      body: { url: 'https://hooks.invalid/turno', events: ['client.created'] }
    })
  )
  const { secret } = ok('its secret', await call('POST', `/api/webhooks/${webhook.id}/secret`, { token }))
  secrets.set('the secret of a webhook', secret.slice('whsec_'.length))
  ok('what it is told of', await call('POST', '/api/clients', { token, body: { name: person.name } }))
  for (const body of ['{"email":"zuleica.w@example.com"', '[]', '']) {
    await fetch(`${at}/api/clients`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body
    })
  }

  await t.test('has metrics that strangers cannot make grow', async (t) => {
    const series = async () =>
      (await (await fetch(`${operators}/metrics`)).text())
        .split('\n')
        .filter((line) => line && !line.startsWith('#'))
    const guess = async (n: number) => {
      const id = randomUUID()
      await call(n % 2 ? 'GET' : 'POST', n % 3 ? `/${id}/${email}?q=${id}` : `/api/profile/${id}`, {
        token: id
      })
    }
    // Once, so that each kind of answer has been counted.
    for (let n = 0; n < 12; n++) await guess(n)
    const before = await series()
    for (let n = 0; n < 2_000; n += 50) await Promise.all(Array.from({ length: 50 }, (_, i) => guess(n + i)))
    const after = await series()
    const names = (lines: string[]) => new Set(lines.map((line) => line.slice(0, line.lastIndexOf(' '))))
    const known = names(before)
    const grown = [...names(after)].filter((name) => !known.has(name))
    t.ok(grown.length < 60, `${grown.length} more of ${known.size}: ${grown.slice(0, 5)}`)
    tellsNothing(t, 'the metrics', after.join('\n'), secrets)
  })

  await t.test('has no personal datum among the names in Redis', async (t) => {
    const redis = new Redis(settings.redis.url ?? '')
    t.teardown(() => redis.disconnect())
    const kinds = ['account', 'clients', 'bookings', 'limits', 'jobs']
    let keys: string[] = []
    // What a busy machine loads while its proof is too old is answered and not shared: it is asked for again.
    await until(`names of ${kinds} are there`, async () => {
      for (const path of ['/api/auth/me', '/api/clients', '/api/bookings']) await call('GET', path, { token })
      keys = []
      for await (const some of redis.scanStream({ count: 1_000 })) keys.push(...some)
      return kinds.every((kind) => keys.some((key) => key.includes(kind)))
    })
    t.ok(keys.length > 20, `${keys.length} keys`)
    tellsNothing(t, 'the names', keys.join('\n'), secrets)
    const channels = await redis.pubsub('CHANNELS')
    tellsNothing(t, 'the channels', channels.join('\n'), secrets)
  })

  await t.test('writes none into its log, however much it is told to say', async (t) => {
    const lines = service.said.out.split('\n').filter((line) => line.startsWith('{'))
    t.ok(lines.length > 500, `${lines.length} lines`)
    t.ok(
      lines.some((line) => line.includes('/api/calendar/')),
      'the feed is among them'
    )
    tellsNothing(t, 'the log', service.said.out + service.said.err, secrets)
  })

  await t.test('writes none into events, webhooks or the audit trail', async (t) => {
    for (const [table, columns] of [
      ['outbox', 'type, subject, data'],
      ['webhook_deliveries', 'type, body, failure'],
      ['audit_log', 'action, resource, resource_id']
    ]) {
      const find = () => query(url, `SELECT ${columns} FROM ${table}`)
      await until(`rows of ${table}`, async () => (await find()).length > 0)
      const rows = await find()
      tellsNothing(t, table ?? '', JSON.stringify(rows), secrets)
    }
  })

  await t.test('keeps no token and no secret address in the database as it is', async (t) => {
    const keys = await query(url, 'SELECT ikey, route, headers, body FROM idempotency_keys')
    t.ok(keys.length > 0)
    const words = [
      'an access token',
      'a refresh token',
      'its successor',
      'a secret address',
      'the secret of a webhook'
    ]
    const credentials = new Map([...secrets].filter(([what]) => words.includes(what)))
    tellsNothing(t, 'kept answers', JSON.stringify(keys), credentials)
    const sessions = await query(url, 'SELECT HEX(token_hash) AS hash, device FROM sessions')
    t.ok(sessions.length > 0)
    tellsNothing(t, 'sessions', JSON.stringify(sessions), credentials)
  })

  await t.test('is sent to no address of its own network by a webhook', async (t) => {
    for (const target of [
      'http://hooks.invalid/',
      'https://127.0.0.1/',
      'https://[::1]/',
      'https://[::ffff:169.254.169.254]/',
      'https://169.254.169.254/latest/meta-data/',
      'https://10.0.0.7/',
      'https://2130706433/',
      'https://0177.0.0.1/',
      'https://localhost/',
      'https://redis.internal/',
      'https://user:secret@hooks.invalid/'
    ]) {
      const body = { url: target, events: ['client.created'] }
      const created = await call('POST', '/api/webhooks', { token, body })
      t.equal(created.status, 422, target)
      const changed = await call('PATCH', `/api/webhooks/${webhook.id}`, {
        token,
        body: { url: target },
        headers: { 'if-match': '*' }
      })
      t.equal(changed.status, 422, `${target}, changed`)
    }
  })
})

function tellsNothing(t: Test, where: string, text: string, secrets: ReadonlyMap<string, string>): void {
  const all = text.toLowerCase()
  for (const [what, secret] of secrets) {
    const spellings = [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(secret).toString('base64').replace(/=+$/, '')
    ]
    t.ok(secret.length > 5, `${what} is something to look for`)
    t.notOk(
      spellings.some((spelling) => all.includes(spelling.toLowerCase())),
      `${where}: ${what}`
    )
  }
}
