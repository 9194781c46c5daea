// What falls due by itself, on real engines.
import { randomUUIDv7 } from 'node:crypto'
import { Redis } from 'ioredis'
import type { RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { bytesToUuid, instantToSql, uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import { placeEvents } from '../../src/events/order.ts'
import { forgetEvents } from '../../src/events/retention.ts'
import { buildWorker } from '../../src/jobs/app.ts'
import { remind } from '../../src/jobs/reminders.ts'
import { fleet } from '../fleet.ts'
import { query } from '../statements.ts'
import { until } from '../until.ts'

const lucia: string = known.therapist.id
const hour = 3_600_000
/** What the seed data set calls now. */
const now = Date.parse('2026-11-01T12:00:00Z')

t.test('jobs on real engines', { timeout: 200_000 }, async (t) => {
  const {
    engines,
    instances: [{ app }]
  } = await fleet(t, 1)
  const { url } = engines.mysql.primary
  const { cache, mysql } = app
  const { primary } = mysql

  const startWorker = async (t: Pick<Test, 'teardown'>) => {
    const worker = await buildWorker(engines.settings)
    t.teardown(() => worker.close())
    await worker.ready()
    return worker
  }
  let made = 0
  /** A confirmed session of hers so many hours after `now`; its client has an account. */
  async function session(hours: number, status = 'confirmed', base = now): Promise<string> {
    const id = randomUUIDv7()
    // A second apart: no two of a therapist begin at once.
    const start = base + hours * hour + ++made * 1_000
    const [from, to] = [start, start + hour].map((at) => instantToSql(new Date(at).toISOString()))
    await query(
      url,
      `INSERT INTO bookings (id, therapist_id, client_id, service_id, starts_at, ends_at, blocks_from, blocks_to, time_zone,
         utc_offset_min, status, price, mode, created_at, updated_at)
       SELECT ?, therapist_id, client_id, service_id, ?, ?, ?, ?, time_zone, utc_offset_min, ?, price, mode, created_at, updated_at
         FROM bookings WHERE therapist_id = ? AND client_id IN (SELECT id FROM clients WHERE user_id IS NOT NULL) LIMIT 1`,
      [uuidToBytes(id), from, to, from, to, status, uuidToBytes(lucia)]
    )
    return id
  }
  const remindersOf = async (bookingId: string) =>
    (
      await query<RowDataPacket & { user_id: Buffer; data: unknown }>(
        url,
        "SELECT user_id, data FROM notifications WHERE type = 'booking.reminder' AND data LIKE ?",
        [`%${bookingId}%`]
      )
    ).map(({ user_id, data }) => ({
      userId: bytesToUuid(user_id),
      ...(typeof data === 'string' ? JSON.parse(data) : (data as object))
    }))
  const remindAll = async (at = now) => {
    for (let after: Parameters<typeof remind>[1] = null; ; ) {
      const { next } = await remind({ cache, primary }, after, at)
      if (next === null) return
      after = next
    }
  }

  t.test('both sides are reminded once a day before, each in their own time', async (t) => {
    await query(url, "UPDATE users SET time_zone = 'Pacific/Auckland' WHERE id = ?", [uuidToBytes(lucia)])
    const soon = await session(23)
    const [later, past, held] = [await session(25), await session(-1), await session(20, 'held')]
    await Promise.all([remindAll(), remindAll(), remindAll()])
    await remindAll(now + 1_000)
    const told = await remindersOf(soon)
    t.equal(told.length, 2)
    const hers = told.find(({ userId }) => userId === lucia)
    t.match(hers, { bookingId: soon, timeZone: 'Pacific/Auckland', date: '2026-11-03', time: '00:00' })
    t.not(told.find(({ userId }) => userId !== lucia)?.timeZone, 'Pacific/Auckland')
    for (const other of [later, past, held]) t.same(await remindersOf(other), [])
    await remindAll(now + 2 * hour)
    t.equal((await remindersOf(later)).length, 2, 'its day has come')
    await query(url, 'UPDATE bookings SET sequence = 1 WHERE id = ?', [uuidToBytes(soon)])
    await remindAll()
    t.equal((await remindersOf(soon)).length, 4, 'who moves a session is reminded of it anew')
  })

  t.test('old events are forgotten once all have dealt with them, from the beginning on', async (t) => {
    const { head: given } = await placeEvents(primary)
    t.ok(given > 3)
    await query(url, "UPDATE outbox_cursors SET place = ? WHERE name = 'webhooks'", [given])
    const count = async () =>
      (await query<RowDataPacket & { n: number }>(url, 'SELECT COUNT(*) AS n FROM outbox'))[0]?.n ?? 0
    const all = await count()
    await query(url, 'UPDATE outbox SET created_at = UTC_TIMESTAMP(3)')
    t.equal(await forgetEvents(primary), 0, 'none is old')
    await query(url, 'UPDATE outbox SET created_at = UTC_TIMESTAMP(3) - INTERVAL 8 DAY WHERE place <> 3')
    t.equal(await forgetEvents(primary), 2, 'the third is young')
    await query(url, 'UPDATE outbox SET created_at = UTC_TIMESTAMP(3) - INTERVAL 8 DAY')
    await query(url, "UPDATE outbox_cursors SET place = 4 WHERE name = 'webhooks'")
    t.equal(await forgetEvents(primary), 2, 'nobody is overtaken')
    await query(url, "UPDATE outbox_cursors SET place = ? WHERE name = 'webhooks'", [given])
    t.equal(await forgetEvents(primary), all - 4)
    t.equal(await count(), 0)
    const [left] = await query<RowDataPacket>(url, 'SELECT COUNT(*) AS n FROM outbox_recipients')
    t.equal(left?.n, 0)
    const { head } = await placeEvents(primary)
    t.equal(head, given, 'and the order goes on from where it was')
  })

  t.test('a session of yesterday counts as having taken place, without anybody asking', async (t) => {
    await startWorker(t)
    const id = await session(-30, 'confirmed', Date.now())
    const rest = await session(-20, 'confirmed', Date.now())
    const statusOf = async (id: string) =>
      (
        await query<RowDataPacket & { status: string }>(url, 'SELECT status FROM bookings WHERE id = ?', [
          uuidToBytes(id)
        ])
      )[0]?.status
    await until('it is completed', async () => (await statusOf(id)) === 'completed', 90_000)
    t.equal(await statusOf(rest), 'confirmed')
  })

  t.test('jobs go on after Redis has forgotten all of them', async (t) => {
    const redis = new Redis(engines.redis.url)
    t.teardown(() => redis.disconnect())
    const workers = [await startWorker(t), await startWorker(t)]
    const runs = () =>
      workers.reduce((sum, { worker }) => sum + (worker.counters.get('webhooks')?.runs ?? 0), 0)
    await until('they are at work', () => runs() > 2)
    await redis.flushall()
    const before = runs()
    await until('they are said again', () => runs() > before + 3, 90_000)
  })
})
