// The SQL that availability reads beside the calendar itself.
import { and, eq, gt, or, sql } from 'drizzle-orm'
import { bookings, calendars, clients, profiles } from '../../db/schema.ts'
import type { Database } from '../cache/view.ts'
import type { Calendar } from '../calendar/rules.ts'

/** The calendar of a therapist whom the public may know of. */
export async function findPublicCalendar(database: Database, therapistId: string): Promise<Calendar | null> {
  const [row] = await database
    .select({ calendar: calendars })
    .from(calendars)
    .innerJoin(profiles, eq(profiles.id, calendars.therapistId))
    .where(and(eq(calendars.therapistId, therapistId), eq(profiles.visibility, 'public')))
  return row?.calendar ?? null
}

/** Whether there is a profile, public or not: without one there is nothing to open. */
export async function hasProfile(database: Database, id: string): Promise<boolean> {
  const [row] = await database.select({ id: profiles.id }).from(profiles).where(eq(profiles.id, id))
  return row !== undefined
}

/** Whether this is a live hold of that user's, as the therapist or as the client. */
export async function holdsIt(
  database: Database,
  { userId, therapistId, holdId }: { userId: string; therapistId: string; holdId: string }
): Promise<boolean> {
  const [row] = await database
    .select({ id: bookings.id })
    .from(bookings)
    .innerJoin(clients, eq(clients.id, bookings.clientId))
    .where(
      and(
        eq(bookings.id, holdId),
        eq(bookings.therapistId, therapistId),
        eq(bookings.status, 'held'),
        gt(bookings.holdExpiresAt, sql`UTC_TIMESTAMP(3)`),
        or(eq(bookings.therapistId, userId), eq(clients.userId, userId))
      )
    )
  return row !== undefined
}
