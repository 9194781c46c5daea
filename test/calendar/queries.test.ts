// What the queries of a calendar find, and how little they read for it.
import { randomUUIDv7 } from 'node:crypto'
import { asc, count, desc, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { bookings } from '../../db/schema.ts'
import { findBusy, findSessions } from '../../src/calendar/queries.ts'
import { engines } from '../engines.ts'

const hour = 3_600_000
const month = 31 * 24 * hour
const at = (iso: string) => Date.parse(iso)

t.test('queries of a calendar', async (t) => {
  const { mysql } = await engines(t, { replicas: 0, scale: 'tiny' })
  const connection = await createConnection({ uri: mysql.primary.url, timezone: 'Z' })
  t.teardown(() => connection.destroy())
  await connection.query("SET time_zone = '+00:00'")
  await connection.query('ANALYZE TABLE bookings')
  const statements: { text: string; values: unknown[] }[] = []
  const logger = { logQuery: (text: string, values: unknown[]) => void statements.push({ text, values }) }
  const database = drizzle({ client: connection, logger })

  const [busiest] = await database
    .select({ id: bookings.therapistId })
    .from(bookings)
    .groupBy(bookings.therapistId)
    .orderBy(desc(count()))
    .limit(1)
  const therapistId = busiest?.id ?? ''
  const all = await database
    .select()
    .from(bookings)
    .where(eq(bookings.therapistId, therapistId))
    .orderBy(asc(bookings.blocksFrom))
  const [model] = all
  if (!model) throw new Error('somebody has bookings')
  const like: typeof bookings.$inferSelect = model

  /** What takes time, found without SQL. */
  const taken = (from: number, to: number) =>
    all
      .filter((row) => row.blocking && at(row.blocksFrom) < to && at(row.blocksTo) > from)
      .map((row) => ({ from: at(row.blocksFrom), to: at(row.blocksTo) }))

  /** A booking as far away from all others as 2030, like one that there is but for what changes. */
  async function insert(change: Partial<typeof bookings.$inferInsert>): Promise<string> {
    const id = randomUUIDv7()
    const { blocking: _, activeStart: __, ...row } = { ...like, ...change, id }
    await database.insert(bookings).values(row)
    return id
  }
  const lasting = (from: string, to: string) => ({
    startsAt: from,
    endsAt: to,
    blocksFrom: from,
    blocksTo: to
  })

  t.test('what is taken in a month is read from the index alone, and nothing else with it', async (t) => {
    const from = at('2026-09-15T00:00Z')
    await connection.query('FLUSH STATUS')
    const busy = await findBusy(database, therapistId, from, from + month)
    const [read] = await connection.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Handler_read%'")
    t.same(busy, taken(from, from + month))
    t.ok(busy.length > 10, `${busy.length} of ${all.length} bookings`)
    const rows = read.reduce((sum, { Value }) => sum + Number(Value), 0)
    t.ok(rows <= busy.length + 4, `${rows} read for ${busy.length}`)

    const { text, values } = statements.findLast(({ text }) => text.includes('ix_bk_overlap')) ?? { text: '' }
    const [[plan]] = await connection.query<RowDataPacket[]>(`EXPLAIN ${text}`, values)
    t.match(plan, { key: 'ix_bk_overlap', Extra: /Using index/ })
  })

  t.test(
    'a session of the night before is found, and one that ends when the search begins is not',
    async (t) => {
      const id = await insert({
        status: 'confirmed',
        ...lasting('2030-05-01T14:00:00Z', '2030-05-02T02:00:00Z')
      })
      const block = { from: at('2030-05-01T14:00Z'), to: at('2030-05-02T02:00Z') }
      const between = (from: string, to: string, except?: string) =>
        findBusy(database, therapistId, at(from), at(to), except)
      t.same(await between('2030-05-02T01:59Z', '2030-05-02T09:00Z'), [block])
      t.same(await between('2030-05-02T02:00Z', '2030-05-02T09:00Z'), [])
      t.same(await between('2030-05-01T10:00Z', '2030-05-01T14:00Z'), [])
      t.same(await between('2030-05-01T10:00Z', '2030-05-01T14:01Z'), [block])
      t.same(
        await between('2030-05-01T10:00Z', '2030-05-02T10:00Z', id),
        [],
        'itself does not count when it moves'
      )
      t.same(await findBusy(database, randomUUIDv7(), block.from, block.to), [], 'nor anybody else’s')
    }
  )

  t.test('a hold takes time until it runs out, without anybody clearing it away', async (t) => {
    const held = (holdExpiresAt: string, from: string, to: string) =>
      insert({ status: 'held', holdExpiresAt, ...lasting(from, to) })
    const soon = new Date(Date.now() + hour).toISOString()
    const gone = new Date(Date.now() - 1_000).toISOString()
    const live = await held(soon, '2030-06-01T09:00:00Z', '2030-06-01T10:00:00Z')
    await held(gone, '2030-06-01T10:00:00Z', '2030-06-01T11:00:00Z')
    await insert({ status: 'cancelled', ...lasting('2030-06-01T11:00:00Z', '2030-06-01T12:00:00Z') })
    const [from, to] = [at('2030-06-01T00:00Z'), at('2030-06-02T00:00Z')]
    const block = { from: at('2030-06-01T09:00Z'), to: at('2030-06-01T10:00Z') }
    t.same(await findBusy(database, therapistId, from, to), [block])
    t.same(await findSessions(database, therapistId, from, to), [
      { ...block, id: live, startsAt: block.from, heldUntil: at(soon) }
    ])
  })
})
