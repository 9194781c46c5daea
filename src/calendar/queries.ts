// The SQL of a therapist's time: rules, services, what is taken; and the row that every change of it locks first.
import { and, asc, eq, gt, lt, ne, or, type SQL, sql } from 'drizzle-orm'
import { bookings, calendars, services } from '../../db/schema.ts'
import type { Transaction } from '../cache/cache.ts'
import type { Database } from '../cache/view.ts'
import type { BookableService, Busy, Calendar } from './rules.ts'
import { calendarTag } from './tags.ts'

/** No booking blocks more than this, its buffers included (ck_bk): what bounds the search for overlaps from below. */
const longestBlockMs = 12 * 60 * 60_000

/** Whether it runs out is the clock's to say, not the sweeper's. */
const isLive = or(ne(bookings.status, 'held'), gt(bookings.holdExpiresAt, sql`UTC_TIMESTAMP(3)`))

/** The rules of a therapist; null where there are none. */
export async function findCalendar(database: Database, therapistId: string): Promise<Calendar | null> {
  const [row] = await database.select().from(calendars).where(eq(calendars.therapistId, therapistId))
  return row ?? null
}

/** A service, also one that is no longer offered (`active`); null where there is none. */
export async function findService(database: Database, serviceId: string): Promise<BookableService | null> {
  const [row] = await database.select().from(services).where(eq(services.id, serviceId))
  return row ?? null
}

/**
 * What is taken between two instants (epoch ms, half-open), in order. A hold that has run out takes nothing, whether or
 * not it has been cleared away. Reads the index alone.
 * @param exceptBookingId a booking that does not count: one that is being moved
 */
export async function findBusy(
  database: Database,
  therapistId: string,
  from: number,
  to: number,
  exceptBookingId?: string
): Promise<Busy[]> {
  const rows = await database
    .select({ from: bookings.blocksFrom, to: bookings.blocksTo })
    .from(bookings, { forceIndex: ['ix_bk_overlap'] })
    .where(
      and(
        blocksWithin(therapistId, from, to),
        isLive,
        exceptBookingId === undefined ? undefined : ne(bookings.id, exceptBookingId)
      )
    )
    .orderBy(asc(bookings.blocksFrom))
  return rows.map((row) => ({ from: Date.parse(row.from), to: Date.parse(row.to) }))
}

/** A session or hold: the time that it takes, when it begins, and, of a hold, when it runs out; epoch ms. */
export type Session = Busy & { id: string; startsAt: number; heldUntil: number | null }

/** The sessions and live holds that take time between two instants, in order of what they take. */
export async function findSessions(
  database: Database,
  therapistId: string,
  from: number,
  to: number
): Promise<Session[]> {
  const { id, startsAt, blocksFrom, blocksTo, status, holdExpiresAt } = bookings
  const rows = await database
    .select({ id, startsAt, from: blocksFrom, to: blocksTo, status, holdExpiresAt })
    .from(bookings, { forceIndex: ['ix_bk_overlap'] })
    .where(and(blocksWithin(therapistId, from, to), isLive))
    .orderBy(asc(blocksFrom))
  return rows.map((row) => ({
    id: row.id,
    startsAt: Date.parse(row.startsAt),
    from: Date.parse(row.from),
    to: Date.parse(row.to),
    heldUntil: row.status === 'held' && row.holdExpiresAt !== null ? Date.parse(row.holdExpiresAt) : null
  }))
}

/** Of the bookings that block time, holds that ran out among them, those whose blocks meet [from, to): a bounded range of `ix_bk_overlap`. */
export function blocksWithin(therapistId: string, from: number, to: number): SQL | undefined {
  const at = (epochMs: number) => new Date(epochMs).toISOString()
  return and(
    eq(bookings.therapistId, therapistId),
    eq(bookings.blocking, true),
    lt(bookings.blocksFrom, at(to)),
    gt(bookings.blocksFrom, at(from - longestBlockMs)),
    gt(bookings.blocksTo, at(from))
  )
}

/**
 * Locks a therapist's time until the transaction ends: whatever changes rules or bookings takes this row first. Of two
 * therapists the smaller id goes first.
 * @returns the calendar's version, null where there is no calendar
 */
export async function lockCalendar(database: Database, therapistId: string): Promise<number | null> {
  const [row] = await database
    .select({ version: calendars.version })
    .from(calendars)
    .where(eq(calendars.therapistId, therapistId))
    .for('update')
  return row?.version ?? null
}

/** Says that a therapist's time has changed. Under the lock, and for changes alone: a refusal must empty no cache. */
export async function raiseCalendar(transaction: Transaction, therapistId: string): Promise<void> {
  await transaction.database
    .update(calendars)
    .set({ version: sql`${calendars.version} + 1` })
    .where(eq(calendars.therapistId, therapistId))
  transaction.touch(calendarTag(therapistId))
}
