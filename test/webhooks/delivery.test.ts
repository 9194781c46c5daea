// Webhooks from the API to a receiver, with real engines, a real worker and a real HTTP server at the other end.
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import { fanOut } from '../../src/webhooks/deliveries.ts'
import { fleet } from '../fleet.ts'
import { operatorsUrl, runNode } from '../node.ts'
import { query } from '../statements.ts'
import { until } from '../until.ts'
import { receiver, verifies } from './receiver.ts'

const lucia: string = known.therapist.id

t.test('webhooks over a fleet with one worker', { timeout: 200_000 }, async (t) => {
  const { engines, instances } = await fleet(t, 2, (settings) => ({
    ...settings,
    webhooks: { ...settings.webhooks, insecure: true }
  }))
  const [a] = instances
  const b = instances[1] ?? a
  const { url } = engines.mysql.primary
  const { settings } = engines
  const startWorker = () =>
    runNode(t, '../bin/worker.ts', {
      PATH: process.env.PATH,
      NODE_ENV: 'test',
      PORT: '0',
      MYSQL_PRIMARY_URL: settings.mysql.primaryUrl,
      MYSQL_REPLICA_URLS: settings.mysql.replicaUrls.join(','),
      REDIS_URL: settings.redis.url ?? '',
      JWT_SECRET: settings.auth.secret,
      WEBHOOKS_INSECURE: 'allow'
    })
  let worker = startWorker()
  await worker.found(/(working)/)

  type Wish = {
    method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
    body?: object
    headers?: Record<string, string>
    as?: string
  }
  /** As a client that comes again when an instance has too much to do. */
  async function call(path: string, { method = 'GET', body, headers = {}, as = lucia }: Wish = {}) {
    const authorization = `Bearer ${a.app.signToken({ id: as, role: 'therapist' }, 600)}`
    for (let attempt = 1; ; attempt++) {
      const reply = await a.app.inject({
        method,
        url: path,
        headers: { authorization, ...headers },
        ...(body && { payload: body })
      })
      if (reply.statusCode !== 503 || attempt === 20) return reply
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  const create = async (target: string, events: string[] = ['profile.updated']) => {
    const reply = await call('/api/webhooks', { method: 'POST', body: { url: target, events } })
    t.equal(reply.statusCode, 201, reply.body)
    const path = String(reply.headers.location)
    const { secret } = (await call(`${path}/secret`, { method: 'POST' })).json()
    return { path, etag: String(reply.headers.etag), webhook: reply.json(), secret: String(secret) }
  }
  let changes = 0
  const change = async () => {
    const reply = await call(`/api/profile/${lucia}`, {
      method: 'PATCH',
      body: { headline: `Cambio ${++changes}` }
    })
    t.equal(reply.statusCode, 200)
  }
  const log = async (path: string) => (await call(`${path}/deliveries`)).json().data
  const remove = async (path: string) => {
    const { headers } = await call(path)
    await call(path, { method: 'DELETE', headers: { 'if-match': String(headers.etag) } })
  }

  t.test('an event arrives once, signed, and says nothing but what and which', async (t) => {
    const at = await receiver(t)
    const { path, secret, webhook } = await create(at.url)
    t.notOk(JSON.stringify(webhook).includes('whsec'))
    const [row] = await query<RowDataPacket & { secret_enc: Buffer }>(
      url,
      'SELECT secret_enc FROM webhooks WHERE id = ?',
      [uuidToBytes(webhook.id)]
    )
    t.notOk(row?.secret_enc.includes(Buffer.from(secret.slice(6), 'base64')), 'encrypted at rest')
    await change()
    await until('it arrives', () => at.received.length > 0)
    const [message] = at.received
    t.ok(message && verifies(secret, message))
    t.same(Object.keys(JSON.parse(message?.body ?? '')), ['type', 'timestamp', 'data'])
    t.match(JSON.parse(message?.body ?? ''), { type: 'profile.updated', data: { id: lucia } })
    t.match(message?.headers, { 'content-type': 'application/json', 'user-agent': /Turno/ })
    await until('the log says so', async () => (await log(path))[0]?.status === 'delivered')
    t.match(await log(path), [
      {
        eventId: message?.headers['webhook-id'],
        attempts: 1,
        responseStatus: 204,
        failure: null,
        nextAttemptAt: null
      }
    ])

    const [{ id } = { id: '' }] = await log(path)
    const again = await call(`${path}/deliveries/${id}/redeliver`, { method: 'POST' })
    t.equal(again.statusCode, 202)
    await until('it arrives once more', () => at.received.length === 2)
    t.equal(at.received[1]?.headers['webhook-id'], message?.headers['webhook-id'], 'known by its id')
    t.equal(at.received[1]?.body, message?.body)

    const { secret: next } = (await call(`${path}/secret`, { method: 'POST' })).json()
    t.equal((await call(`${path}/ping`, { method: 'POST' })).statusCode, 202)
    await until('the test event arrives', () => at.received.length === 3)
    const ping = at.received[2]
    t.match(JSON.parse(ping?.body ?? ''), { type: 'webhook.ping' })
    t.ok(ping && verifies(secret, ping) && verifies(next, ping), 'both secrets sign while they change over')
    await remove(path)
  })

  t.test('what was answered with 500 comes again, the same and later', async (t) => {
    const at = await receiver(t)
    at.answers.push(500)
    const { path, secret } = await create(at.url)
    await change()
    await until('the first attempt', () => at.received.length === 1)
    await until('it waits', async () => (await log(path))[0]?.failure === 'status-500')
    const [waiting] = await log(path)
    t.match(waiting, { status: 'pending', attempts: 1, responseStatus: 500 })
    const pause = Date.parse(waiting.nextAttemptAt) - Date.parse(waiting.updatedAt)
    t.ok(pause >= 3_900 && pause <= 6_100, `${pause} ms`)
    await until('the second', () => at.received.length === 2, 30_000)
    const [first, second] = at.received
    t.equal(second?.body, first?.body)
    t.equal(second?.headers['webhook-id'], first?.headers['webhook-id'])
    t.ok(second && verifies(secret, second), 'signed anew, of this moment')
    await remove(path)
  })

  t.test('an attempt whose worker was killed is made by another', async (t) => {
    const at = await receiver(t)
    at.answers.push('silence')
    const { path } = await create(at.url)
    await change()
    await until('it is being sent', () => at.received.length === 1)
    worker.kill('SIGKILL')
    await worker.ended
    const [claim] = await query<RowDataPacket>(
      url,
      `SELECT next_attempt_at > UTC_TIMESTAMP(3) AND next_attempt_at < UTC_TIMESTAMP(3) + INTERVAL 31 SECOND AS held
         FROM webhook_deliveries WHERE status = 'pending'`
    )
    t.same({ ...claim }, { held: 1 }, 'the claim of the dead one ends by itself')
    // The rest of it is not waited for here.
    await query(
      url,
      "UPDATE webhook_deliveries SET next_attempt_at = UTC_TIMESTAMP(3) WHERE status = 'pending'"
    )
    worker = startWorker()
    await until('the other one sends it', () => at.received.length === 2, 40_000)
    await until('and notes it', async () => (await log(path))[0]?.status === 'delivered')
    await query(
      url,
      "UPDATE webhook_deliveries SET status = 'pending', attempts = 8, next_attempt_at = UTC_TIMESTAMP(3)"
    )
    await until('whose last attempt nobody survived is given up', async () => {
      return (await log(path))[0]?.failure === 'abandoned'
    })
    t.equal(at.received.length, 2)
    await remove(path)
  })

  t.test('each event is written down once for each webhook, however many write', async (t) => {
    const at = await receiver(t)
    const { path, webhook } = await create(at.url)
    await Promise.all(Array.from({ length: 10 }, change))
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).app).map(async (app) => {
        app.events.tail.committed()
        await fanOut(app.cache)
      })
    )
    await until('all have arrived', () => at.received.length >= 10)
    const [row] = await query<RowDataPacket>(
      url,
      'SELECT COUNT(*) AS n, COUNT(DISTINCT event_id) AS events FROM webhook_deliveries WHERE webhook_id = ?',
      [uuidToBytes(webhook.id)]
    )
    t.same({ ...row }, { n: 10, events: 10 })
    t.equal(new Set(at.received.map(({ headers }) => headers['webhook-id'])).size, 10)
    await remove(path)
  })

  t.test('a receiver that takes nothing for a day is left alone, and its owner is told', async (t) => {
    const at = await receiver(t)
    at.answers.push(...Array<number>(5).fill(503))
    const { path, webhook } = await create(at.url)
    await change()
    await until('the first attempt is noted', async () => (await log(path))[0]?.responseStatus === 503)
    // The other six, a day later.
    await query(
      url,
      "UPDATE webhook_deliveries SET attempts = 7, next_attempt_at = UTC_TIMESTAMP(3) WHERE status = 'pending'"
    )
    await until('it is switched off', async () => (await call(path)).json().active === false)
    t.match((await call(path)).json(), { disabledReason: 'failures' })
    t.match(await log(path), [{ status: 'failed', attempts: 8 }])
    const told = await query<RowDataPacket>(
      url,
      "SELECT data FROM notifications WHERE user_id = ? AND type = 'webhook.disabled'",
      [uuidToBytes(lucia)]
    )
    t.equal(told.length, 1)
    t.match(JSON.stringify(told[0]), new RegExp(webhook.id))
    t.equal((await call(`${path}/ping`, { method: 'POST' })).statusCode, 409)
    const { headers } = await call(path)
    const again = await call(path, {
      method: 'PATCH',
      body: { active: true },
      headers: { 'if-match': String(headers.etag) }
    })
    t.match(again.json(), { active: true, failures: 0, disabledReason: null })
    await remove(path)
  })

  t.test('another account’s webhook is absent, and of its events nobody else is told', async (t) => {
    const at = await receiver(t)
    const { path, etag } = await create(at.url, ['client.created'])
    const as = known.client.id
    for (const [method, suffix] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/secret'],
      ['POST', '/ping'],
      ['GET', '/deliveries'],
      ['POST', '/deliveries/0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50/redeliver']
    ] as const) {
      const body = method === 'PATCH' ? { active: false } : undefined
      const reply = await call(path + suffix, {
        method,
        as,
        headers: { 'if-match': etag },
        ...(body && { body })
      })
      t.equal(reply.statusCode, 404, `${method} ${suffix}`)
    }
    t.same((await call('/api/webhooks', { as })).json().data, [])
    await change()
    t.equal((await call('/api/clients', { method: 'POST', body: { name: 'Nueva' } })).statusCode, 201)
    await until('what was asked for arrives', () => at.received.length > 0)
    t.equal(JSON.parse(at.received[0]?.body ?? '').type, 'client.created')
    // Written down in the order in which they happened: the other one would be there by now.
    t.same(
      (await log(path)).map(({ type }: { type: string }) => type),
      ['client.created'],
      'and nothing else'
    )
    await remove(path)
  })

  t.test('what cannot be a webhook is refused, and there are only so many', async (t) => {
    for (const body of [
      { url: 'https://hooks.example.com/', events: [] },
      { url: 'https://hooks.example.com/', events: ['everything'] },
      { url: 'https://u:p@hooks.example.com/', events: ['booking.created'] },
      { url: 'javascript:alert(1)', events: ['booking.created'] }
    ]) {
      t.equal((await call('/api/webhooks', { method: 'POST', body })).statusCode, 422, JSON.stringify(body))
    }
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        call('/api/webhooks', {
          method: 'POST',
          body: { url: `https://hooks.example.com/${i}`, events: ['booking.created'] }
        })
      )
    )
    t.ok(all.every(({ statusCode }) => statusCode === 201 || statusCode === 409))
    const [kept] = await query<RowDataPacket & { n: number }>(
      url,
      'SELECT COUNT(*) AS n FROM webhooks WHERE owner_id = ?',
      [uuidToBytes(lucia)]
    )
    t.equal(Number(kept?.n), 10, 'asked for at once, too')
    t.equal(
      (
        await call('/api/webhooks', {
          method: 'POST',
          body: { url: 'https://hooks.example.com/', events: ['booking.created'] }
        })
      ).statusCode,
      409
    )
  })

  t.test('a worker that is asked to leave ends what it is at, and tells how it was', async (t) => {
    const operators = await worker.found(operatorsUrl)
    const metrics = await (await fetch(`${operators}/metrics`)).text()
    t.match(metrics, /turno_jobs_runs_total\{.*turno_job="webhooks"/)
    t.match(metrics, /turno_jobs_done_total\{.*turno_job="deliveries"/)
    worker.kill('SIGTERM')
    t.equal((await worker.ended).code, 0)
  })
})
