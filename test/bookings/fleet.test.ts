// Many at once, on three instances: what no single request can show.
import { randomUUIDv7 } from 'node:crypto'
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { countOverlaps } from '../../src/bookings/overlaps.ts'
import { fleet, type Instance, type Reply } from '../fleet.ts'
import { query } from '../statements.ts'
import { until } from '../until.ts'
import { booked, lucia, practice } from './practice.ts'

t.test('a crowd on three instances', { timeout: 240_000 }, async (t) => {
  const three = await fleet(t, 3)
  const { engines, instances } = three
  const { at, eventsOf, her, newClient, patch, post, send, service, sql } = await practice(three)
  const instanceOf = (i: number): Instance => instances[i % instances.length] ?? instances[0]
  const everybody = await Promise.all(Array.from({ length: 64 }, newClient))
  const statuses = (replies: readonly Reply[]) =>
    Object.fromEntries(
      [...Map.groupBy(replies, ({ status }) => status)].map(([status, { length }]) => [status, length])
    )
  const liveAt = async (start: string) => {
    const [row] = await sql<RowDataPacket & { n: number }>(
      'SELECT COUNT(*) AS n FROM bookings WHERE therapist_id = ? AND blocking = 1 AND starts_at = ?',
      [uuidToBytes(lucia), new Date(start).toISOString().slice(0, 19).replace('T', ' ')]
    )
    return Number(row?.n)
  }

  await t.test('64 want one slot: one has it, the others are told what is free', async (t) => {
    const start = at(5, '10:00')
    const replies = await Promise.all(
      everybody.map(({ headers }, i) =>
        post(
          { start, serviceId: service },
          { ...headers, 'idempotency-key': `"${randomUUIDv7()}"` },
          instanceOf(i)
        )
      )
    )
    t.same(statuses(replies), { 201: 1, 409: 63 })
    for (const { status, body } of replies) {
      if (status === 409) t.match(JSON.parse(body), { type: /slot-taken$/, alternatives: { length: 3 } })
    }
    t.equal(await liveAt(start), 1)
  })

  await t.test('one request sent 64 times is done once, and answered alike', async (t) => {
    const [{ headers } = await newClient()] = everybody
    const sent = { ...headers, 'idempotency-key': `"${randomUUIDv7()}"` }
    const start = at(5, '12:00')
    const replies = await Promise.all(
      everybody.map((_, i) => post({ start, serviceId: service }, sent, instanceOf(i)))
    )
    t.same(statuses(replies), { 201: 64 })
    t.equal(new Set(replies.map(({ body }) => body)).size, 1)
    t.equal(replies.filter((reply) => reply.headers['idempotency-replayed'] === 'true').length, 63)
    t.same(await eventsOf(booked(replies[0] as Reply).id), ['booking.created'])

    const refused = { ...headers, 'idempotency-key': `"${randomUUIDv7()}"` }
    const again = await Promise.all(
      everybody.map((_, i) => post({ start, serviceId: service }, refused, instanceOf(i)))
    )
    t.same(statuses(again), { 409: 64 })
    t.equal(new Set(again.map(({ body }) => body)).size, 1, 'a refusal too')
    const other = await post({ start: at(5, '13:00'), serviceId: service }, refused)
    t.match(JSON.parse(other.body), { status: 422, type: /idempotency-key-reused$/ })
  })

  await t.test('of two who move to one slot at once, one does', async (t) => {
    for (const [round, time] of ['09:00', '11:00', '13:00', '15:00', '17:00'].entries()) {
      const pair = [at(6, time), at(7, time)].map(async (start, i) => {
        const { headers } = everybody[i] ?? (await newClient())
        return { headers, booking: booked(await post({ start, serviceId: service }, headers)) }
      })
      const target = at(8, time)
      const replies = await Promise.all(
        (await Promise.all(pair)).map(({ headers, booking }, i) =>
          patch(booking, { start: target }, headers, instanceOf(round + i))
        )
      )
      t.same(statuses(replies), { 200: 1, 409: 1 })
      t.equal(await liveAt(target), 1)
    }
  })

  await t.test(
    'of two who change one booking at once, one does, and the other has to look again',
    async (t) => {
      const { headers } = await newClient()
      const held = booked(await post({ start: at(9, '10:00'), serviceId: service, status: 'held' }, headers))
      const replies = await Promise.all(
        Array.from({ length: 8 }, (_, i) => patch(held, { status: 'confirmed' }, headers, instanceOf(i)))
      )
      t.same(statuses(replies), { 200: 1, 412: 7 })
      t.same(await eventsOf(held.id), ['booking.created', 'booking.confirmed'])
    }
  )

  await t.test('who books for the first time, and twice at once, is one client', async (t) => {
    const { headers } = await newClient()
    const replies = await Promise.all(
      ['10:00', '12:00', '14:00'].map((time, i) =>
        post({ start: at(10, time), serviceId: service }, headers, instanceOf(i))
      )
    )
    t.same(statuses(replies), { 201: 3 })
    t.equal(new Set(replies.map((reply) => booked(reply).clientId)).size, 1)
  })

  await t.test(
    'what is booked on one instance is seen on the others, though the replicas stand still',
    async (t) => {
      const replicas = engines.mysql.replicas.map(({ url }) => url)
      const start = at(11, '10:00')
      const instant = new Date(start).toISOString().replace('.000', '')
      const day = `from=${start.slice(0, 10)}&to=${at(12, '00:00').slice(0, 10)}`
      const path = `/api/availability?therapistId=${lucia}&serviceId=${service}&${day}`
      const offered = async (instance: Instance) => {
        const { body } = await send('GET', path, {}, undefined, instance)
        const slots = JSON.parse(body).days.flatMap((one: { slots: { start: string }[] }) => one.slots)
        return slots.some((slot: { start: string }) => Date.parse(slot.start) === Date.parse(start))
      }
      const listed = async (instance: Instance) => {
        const reply = await send('GET', '/api/bookings?limit=100', her, undefined, instance)
        return reply.body.includes(instant)
      }
      for (const instance of instances) {
        t.equal(await offered(instance), true)
        t.equal(await listed(instance), false)
      }
      for (const replica of replicas) await query(replica, 'STOP SLAVE SQL_THREAD')
      const { headers } = await newClient()
      t.equal((await post({ start, serviceId: service }, headers)).status, 201)
      for (const instance of instances) {
        await until('the slot is gone', async () => !(await offered(instance)), 1_000)
        await until('the booking is in her list', () => listed(instance), 1_000)
      }
      for (const replica of replicas) await query(replica, 'START SLAVE SQL_THREAD')
    }
  )

  await t.test('a day takes as many sessions as it may, also when all are asked for at once', async (t) => {
    await sql('UPDATE calendars SET max_per_day = 3 WHERE therapist_id = ?', [uuidToBytes(lucia)])
    const hours = ['09', '10', '11', '12', '13', '14', '15', '16', '17', '18']
    const replies = await Promise.all(
      hours.map((hour, i) =>
        post({ start: at(26, `${hour}:00`), serviceId: service }, everybody[i]?.headers ?? {}, instanceOf(i))
      )
    )
    t.same(statuses(replies), { 201: 3, 422: 7 })
    await sql('UPDATE calendars SET max_per_day = NULL WHERE therapist_id = ?', [uuidToBytes(lucia)])
  })

  await t.test('there was no overlap and no deadlock', async (t) => {
    t.equal(await instances[0].app.mysql.primaryReads.use((connection) => countOverlaps(connection, null)), 0)
    // By the engine's own count: the service's own counts waits that took too long as well, which a busy machine has.
    const [deadlocks] = await query<RowDataPacket>(
      engines.mysql.primary.url,
      "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"
    )
    t.equal(Number(deadlocks?.Value), 0)
  })
})
