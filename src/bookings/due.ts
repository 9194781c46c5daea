// What falls due with bookings by itself: holds and requests that have run out, sessions that took place a day ago. For
// a worker: nothing rests on it, as whatever has run out counts as gone whether or not that is written down.
import { and, asc, eq, isNull, lte, or } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
import type { Pool } from '../../db/pool.ts'
import { bookings } from '../../db/schema.ts'
import type { Cache } from '../cache/cache.ts'
import type { Database } from '../cache/view.ts'
import { settleBooking } from './changes.ts'
import { completionMs, requestMs } from './transition.ts'

type Due = { id: string; therapistId: string }

/**
 * Writes down what is due, each booking in a transaction of its own: several workers may be at it at once.
 * @param most how many of a kind
 * @returns how many were written; less than `most` of either kind: there are no more
 * @throws AggregateError when some could not be; the others are written all the same
 */
export async function settleDue(
  { cache, primary }: { cache: Cache; primary: Pool },
  most: number,
  now = Date.now()
): Promise<{ expired: number; completed: number }> {
  const { lapsed, past } = await primary.use(async (connection) => {
    const database = drizzle({ client: connection })
    return { lapsed: await findLapsed(database, now, most), past: await findPast(database, now, most) }
  })
  const [expired, completed] = await Promise.allSettled([
    settleAll(cache, lapsed, 'expired', now),
    settleAll(cache, past, 'completed', now)
  ])
  if (expired.status === 'rejected') throw expired.reason
  if (completed.status === 'rejected') throw completed.reason
  return { expired: expired.value, completed: completed.value }
}

async function settleAll(
  cache: Cache,
  due: readonly Due[],
  to: 'expired' | 'completed',
  now: number
): Promise<number> {
  let settled = 0
  const failures: unknown[] = []
  for (const one of due) {
    try {
      const { result } = await cache.write((transaction) => settleBooking(transaction, one, to, now))
      if (result) settled++
    } catch (error) {
      // One that cannot be settled must not keep those behind it from being.
      failures.push(error)
    }
  }
  if (failures.length > 0) {
    throw new AggregateError(failures, `${failures.length} of ${due.length} bookings could not be ${to}`)
  }
  return settled
}

const columns = { id: bookings.id, therapistId: bookings.therapistId }

/** Of `ix_bk_due` what is due alone. Requests of before they had an end of their own are as old as they are. */
async function findLapsed(database: Database, now: number, most: number): Promise<Due[]> {
  const at = new Date(now).toISOString()
  const ofStatus = (status: 'held' | 'pending') =>
    database
      .select(columns)
      .from(bookings, { forceIndex: ['ix_bk_due'] })
      .where(
        and(
          eq(bookings.status, status),
          or(
            lte(bookings.holdExpiresAt, at),
            and(
              isNull(bookings.holdExpiresAt),
              or(lte(bookings.createdAt, new Date(now - requestMs).toISOString()), lte(bookings.startsAt, at))
            )
          )
        )
      )
      .limit(most)
  return [...(await ofStatus('held')), ...(await ofStatus('pending'))].slice(0, most)
}

async function findPast(database: Database, now: number, most: number): Promise<Due[]> {
  const before = new Date(now - completionMs).toISOString()
  return database
    .select(columns)
    .from(bookings, { forceIndex: ['ix_bk_status'] })
    .where(
      and(eq(bookings.status, 'confirmed'), lte(bookings.startsAt, before), lte(bookings.endsAt, before))
    )
    .orderBy(asc(bookings.startsAt))
    .limit(most)
}
