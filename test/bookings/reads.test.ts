// What lists and checks cost the database: rows that its storage engine was asked for, counted by itself. The bounds do
// not depend on how much there is.
import { randomUUIDv7 } from 'node:crypto'
import { drizzle } from 'drizzle-orm/mysql2'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { bytesToUuid, uuidToBytes } from '../../db/columns.ts'
import { buildApp } from '../../src/app.ts'
import { settleDue } from '../../src/bookings/due.ts'
import { countOverlaps } from '../../src/bookings/overlaps.ts'
import { countOnDay, findBooking, findFeed, findPage, isTaken } from '../../src/bookings/queries.ts'
import type { Party, Search } from '../../src/bookings/search.ts'
import type { Database } from '../../src/cache/view.ts'
import { findBusy } from '../../src/calendar/queries.ts'
import { findPage as findClients } from '../../src/clients/queries.ts'
import type { Start as ClientStart } from '../../src/clients/search.ts'
import { engines } from '../engines.ts'
import { runNode } from '../node.ts'
import { countStatements } from '../statements.ts'

const day = 86_400_000
const iso = (ms: number) => new Date(ms).toISOString()

/** Databases with the seed data of this scale, somebody in it who has much to read, and what statements read. */
async function seeded(t: Test, scale: 'tiny' | 'seed') {
  const { mysql, settings } = await engines(t, { replicas: 0, scale })
  const connection = await createConnection({ uri: mysql.primary.url, timezone: 'Z' })
  t.teardown(() => connection.destroy())
  const database = drizzle({ client: connection })
  await connection.query('ANALYZE TABLE bookings, clients, calendars')

  const [[busiest]] = await connection.query<(RowDataPacket & { id: Buffer; n: number; at: string })[]>(
    `SELECT therapist_id AS id, COUNT(*) AS n, DATE_FORMAT(MAX(starts_at) - INTERVAL 60 DAY, '%Y-%m-%dT%H:%i:%sZ') AS at
       FROM bookings GROUP BY therapist_id ORDER BY n DESC LIMIT 1`
  )
  const [[regular]] = await connection.query<(RowDataPacket & { user: Buffer; id: Buffer; n: number })[]>(
    `SELECT clients.user_id AS user, clients.id AS id, COUNT(*) AS n FROM bookings JOIN clients ON clients.id = client_id
      WHERE user_id IS NOT NULL AND bookings.therapist_id = ? GROUP BY clients.user_id, clients.id ORDER BY n DESC LIMIT 1`,
    [busiest?.id]
  )
  if (!busiest || !regular) throw new Error('the seed data has a busy therapist and their regular client')
  const therapistId = bytesToUuid(busiest.id)
  const therapist: Party = { as: 'therapist', id: therapistId }
  const client: Party = { as: 'client', id: bytesToUuid(regular.user) }
  const middle = Date.parse(busiest.at)

  /** Rows and index entries that the statements of `work` read, whether or not they passed them on. */
  async function reads(work: (database: Database) => Promise<unknown>): Promise<number> {
    await connection.query('FLUSH STATUS')
    await work(database)
    const [rows] = await connection.query<(RowDataPacket & { Variable_name: string; Value: string })[]>(
      "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Handler_icp_attempts'"
    )
    const value = (name: string) => Number(rows.find((row) => row.Variable_name === name)?.Value ?? 0)
    const read = rows
      .filter(({ Variable_name }) => Variable_name.startsWith('Handler_read'))
      .reduce((sum, { Value }) => sum + Number(Value), 0)
    return Math.max(read, value('Handler_icp_attempts'))
  }
  return { mysql, settings, connection, busiest, regular, therapistId, therapist, client, middle, reads }
}

t.test('what lists and checks read on the seed data set', { timeout: 240_000 }, async (t) => {
  const { connection, busiest, regular, therapistId, therapist, client, middle, reads } = await seeded(
    t,
    'seed'
  )
  const page =
    (party: Party, search: Partial<Search>, after = false) =>
    (database: Database) =>
      findPage(database, {
        party,
        search: { sort: 'start', ...search },
        after: after ? { startsAt: iso(middle), id: '00000000-0000-7000-8000-000000000000' } : null,
        limit: 20
      })
  const clientPage = (start: ClientStart) => (database: Database) =>
    findClients(database, { search: { therapistId, statuses: ['active', 'inactive'] }, start, limit: 20 })
  const [[mine]] = await connection.query<(RowDataPacket & { n: number })[]>(
    'SELECT COUNT(*) AS n FROM clients WHERE therapist_id = ?',
    [busiest.id]
  )
  const week = { from: iso(middle), to: iso(middle + 7 * day) }
  const zone = 'Europe/Madrid'

  // 21 rows of a page, and what InnoDB fetches ahead: eight at a time.
  const onePage = 21 + 8
  t.ok(busiest.n > 150 && regular.n > 5, 'there is something to read too much of')
  for (const [what, most, work] of [
    ['a page of a therapist’s', onePage, page(therapist, {})],
    ['the last page of them', onePage, page(therapist, { sort: '-start' })],
    ['the page after some row', onePage, page(therapist, {}, true)],
    ['the page before some row', onePage, page(therapist, { sort: '-start' }, true)],
    ['a week', onePage, page(therapist, week)],
    ['a day of the own zone', onePage, page(therapist, { date: iso(middle).slice(0, 10) })],
    ['one status', onePage, page(therapist, { status: 'cancelled' })],
    [
      'a status that nothing has',
      2,
      page(therapist, { status: 'declined', from: iso(Date.now() + 999 * day) })
    ],
    ['one client’s', onePage, page(therapist, { clientId: bytesToUuid(regular.id) })],
    ['a user’s own', onePage + 4, page(client, { sort: '-start' })],
    [
      'one booking of somebody else',
      4,
      (database: Database) => findBooking(database, client, randomUUIDv7())
    ],
    [
      'a check for overlaps',
      2,
      (database: Database) => isTaken(database, therapistId, middle, middle + 3_600_000, therapistId)
    ],
    [
      'the sessions of a day',
      14,
      (database: Database) => countOnDay(database, therapistId, middle, zone, undefined)
    ],
    [
      'what is taken in 31 days',
      100,
      (database: Database) => findBusy(database, therapistId, middle, middle + 31 * day)
    ],
    ['the first clients', onePage, clientPage(null)],
    // A numbered page says how many there are: all of this therapist's are counted, and no more than 5,000.
    ['the second page of clients', 2 * (Number(mine?.n) + onePage), clientPage({ page: 2 })],
    [
      'the clients after some row',
      onePage,
      clientPage({ after: { status: 'active', name: 'M', id: therapistId } })
    ],
    [
      'a calendar file of the future',
      60,
      (database: Database) => findFeed(database, therapistId, iso(Date.now()))
    ]
  ] as const) {
    const count = await reads(work)
    t.ok(count <= most, `${what}: ${count} of ${most}`)
  }
})

t.test('what is done to all bookings', { timeout: 120_000 }, async (t) => {
  const { mysql, settings, connection, busiest, therapistId, reads } = await seeded(t, 'tiny')

  await t.test(
    'overlaps are found, in time that grows no faster than the data; and by the command',
    async (t) => {
      const [[all]] = await connection.query<(RowDataPacket & { n: number })[]>(
        'SELECT COUNT(*) AS n FROM bookings WHERE blocking = 1'
      )
      const cost = await reads(() => countOverlaps(connection, null))
      t.ok(cost < 12 * Number(all?.n), `${cost} for ${all?.n}`)
      const recent = await reads(() => countOverlaps(connection, new Date(Date.now() + 300 * day)))
      t.ok(recent <= 3 * 20 + 4, `${recent} for what is to come`)
      t.equal(await countOverlaps(connection, null), 0)

      const command = () => {
        const { PATH } = process.env
        return runNode(t, '../bin/overlaps.ts', { PATH, MYSQL_PRIMARY_URL: mysql.primary.url }).ended
      }
      t.match(await command(), { code: 0, out: '0: no two bookings overlap\n' })
      // As somebody would who had forgotten the lock, and begins ten minutes later.
      await connection.query(
        `INSERT INTO bookings (id, therapist_id, client_id, service_id, starts_at, ends_at, blocks_from, blocks_to, time_zone,
                             utc_offset_min, status, price, mode, created_at, updated_at)
       SELECT ?, therapist_id, client_id, service_id, starts_at + INTERVAL 10 MINUTE, ends_at, starts_at + INTERVAL 10 MINUTE,
              blocks_to, time_zone, utc_offset_min, status, price, mode, created_at, updated_at
         FROM bookings WHERE therapist_id = ? AND status = 'completed' LIMIT 1`,
        [uuidToBytes(randomUUIDv7()), busiest.id]
      )
      t.equal(await countOverlaps(connection, null), 1)
      t.match(await command(), { code: 1, out: '1: so many bookings begin before another has ended\n' })
    }
  )

  await t.test('a page with its clients and services is no statement for each of them', async (t) => {
    const app = await buildApp(settings)
    t.teardown(() => app.close())
    await app.ready()
    const authorization = `Bearer ${app.signToken({ id: therapistId, role: 'therapist' }, 600)}`
    const ofKind = (table: string) =>
      countStatements([mysql.primary.url], `%from \`${table}\` where%\`id\` in (%`)
    const [clients, services] = [await ofKind('clients'), await ofKind('services')]
    const reply = await app.inject({
      url: '/api/bookings?limit=50&expand=client,service',
      headers: { authorization }
    })
    const names = new Set(reply.json().data.map((one: { client: { name: string } }) => one.client.name))
    t.ok(names.size > 6, 'of many clients')
    t.match(await app.metrics.text(), /^turno_bookings_overlaps(\{.*\})? 0/m)
    // One for all that Redis said together that it has not: its answers may come in two or three parts.
    for (const count of [await clients(), await services()]) t.ok(count >= 1 && count <= 3, String(count))
  })

  await t.test('what falls due is written down once, and takes no time any more', async (t) => {
    const app = await buildApp(settings)
    t.teardown(() => app.close())
    await app.ready()
    const parts = { cache: app.cache, primary: app.mysql.primary }
    const states = async () => {
      const [rows] = await connection.query<(RowDataPacket & { status: string; n: number })[]>(
        'SELECT status, COUNT(*) AS n FROM bookings GROUP BY status'
      )
      return new Map(rows.map(({ status, n }) => [status, Number(n)]))
    }
    const far = Date.now() + 400 * day
    const before = await states()
    const waiting = (before.get('held') ?? 0) + (before.get('pending') ?? 0)
    t.ok(waiting > 0 && (before.get('confirmed') ?? 0) > 0)
    const workers = await Promise.all([settleDue(parts, 1_000, far), settleDue(parts, 1_000, far)])
    t.equal(
      workers.reduce((sum, { expired }) => sum + expired, 0),
      waiting
    )
    t.equal(
      workers.reduce((sum, { completed }) => sum + completed, 0),
      before.get('confirmed')
    )
    const after = await states()
    t.notOk(after.get('held') || after.get('pending') || after.get('confirmed'))
    const [[told]] = await connection.query<(RowDataPacket & { n: number })[]>(
      "SELECT COUNT(*) AS n FROM outbox WHERE type IN ('booking.expired', 'booking.completed') AND actor_id IS NULL"
    )
    t.equal(Number(told?.n), waiting + (before.get('confirmed') ?? 0))
    t.same(await settleDue(parts, 1_000, far), { expired: 0, completed: 0 })
  })
})
