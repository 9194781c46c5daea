// Forgets events that are old and that everybody has dealt with, some at a time.
import { and, asc, eq, gte, lt, lte, min, ne } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
import type { Pool } from '../../db/pool.ts'
import { outbox, outboxCursors, outboxRecipients } from '../../db/schema.ts'

/** So long may a client have been away and still be told one by one. */
const keptMs = 7 * 86_400_000
const batchSize = 500

/** Forgets a batch of events at most. @returns how many */
export async function forgetEvents(primary: Pool, now = Date.now()): Promise<number> {
  return primary.use(async (connection) => {
    const database = drizzle({ client: connection })
    await connection.query('START TRANSACTION')
    // Whoever forgets holds this row: two at once would wait for each other's rows.
    const [forgotten] = await database
      .select({ place: outboxCursors.place })
      .from(outboxCursors)
      .where(eq(outboxCursors.name, 'forgotten'))
      .for('update')
    const first = (forgotten?.place ?? 0) + 1
    const [consumed] = await database
      .select({ place: min(outboxCursors.place) })
      .from(outboxCursors)
      .where(ne(outboxCursors.name, 'forgotten'))
    const old = await database
      .select({ place: outbox.place })
      .from(outbox, { forceIndex: 'ux_out_place' })
      .where(
        and(
          gte(outbox.place, first),
          lte(outbox.place, Math.min(consumed?.place ?? 0, first + batchSize - 1)),
          lt(outbox.createdAt, new Date(now - keptMs).toISOString())
        )
      )
      .orderBy(asc(outbox.place))
    // From the beginning on and without a gap: behind a younger one, committed later than it was made, all wait for it.
    const last = old.findLast(({ place }, i) => place === first + i)?.place
    if (last === undefined || last === null) {
      await connection.query('COMMIT')
      return 0
    }
    await database.delete(outboxRecipients).where(lte(outboxRecipients.place, last))
    const [{ affectedRows }] = await database.delete(outbox).where(lte(outbox.place, last))
    await database.update(outboxCursors).set({ place: last }).where(eq(outboxCursors.name, 'forgotten'))
    await connection.query('COMMIT')
    return affectedRows
  })
}
