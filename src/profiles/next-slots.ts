// Keeps `next_slot_at`, by which lists are ordered and searched, near the truth: what is free next is worked out for some
// profiles at a time, by whoever calls now and then. Nothing is booked by it.
import { and, asc, eq, gt } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
import type { Pool } from '../../db/pool.ts'
import { calendars, profiles, services } from '../../db/schema.ts'
import { monthOf, monthsBetween } from '../availability/month.ts'
import { offerOf } from '../availability/offer.ts'
import type { Cache } from '../cache/cache.ts'
import type { Database } from '../cache/view.ts'
import { findSessions, type Session } from '../calendar/queries.ts'
import { type BookableService, bookable, type Calendar } from '../calendar/rules.ts'
import { profilesTag, profileTag } from './tags.ts'

const day = 86_400_000

export type Refreshed = {
  looked: number
  changed: number
  /** The id to go on after; null when this was the end. */
  next: string | null
}

/**
 * Looks at so many public profiles in order of their ids, and brings those up to date whose next free slot is another
 * than they say; only of these is anything touched. Three statements a profile and one transaction in all.
 * @param after where the last call ended; null to begin anew
 */
export async function refreshNextSlots(
  { cache, mysql }: { cache: Cache; mysql: { primaryReads: Pool } },
  limit: number,
  after: string | null,
  now = Date.now()
): Promise<Refreshed> {
  const read = <T>(work: (database: Database) => Promise<T>) =>
    mysql.primaryReads.use((connection) => work(drizzle({ client: connection })))

  const rows = await read((database) => findPractices(database, limit, after))
  const stale: { id: string; nextSlotAt: string | null }[] = []
  for (const { calendar, nextSlotAt } of rows) {
    const next = await read((database) => findNextSlot(database, calendar, now))
    if (next !== (nextSlotAt === null ? null : Date.parse(nextSlotAt))) {
      stale.push({
        id: calendar.therapistId,
        nextSlotAt: next === null ? null : new Date(next).toISOString()
      })
    }
  }
  if (stale.length > 0) {
    // No edit of the owner's: neither the version nor the day of the last change moves.
    await cache.write(async (transaction) => {
      for (const { id, nextSlotAt } of stale) {
        await transaction.database.update(profiles).set({ nextSlotAt }).where(eq(profiles.id, id))
        transaction.touch(profileTag(id))
      }
      transaction.touch(profilesTag)
    })
  }
  const last = rows.length < limit ? undefined : rows.at(-1)
  return { looked: rows.length, changed: stale.length, next: last?.calendar.therapistId ?? null }
}

function findPractices(database: Database, limit: number, after: string | null) {
  return database
    .select({ calendar: calendars, nextSlotAt: profiles.nextSlotAt })
    .from(profiles)
    .innerJoin(calendars, eq(calendars.therapistId, profiles.id))
    .where(and(eq(profiles.visibility, 'public'), after === null ? undefined : gt(profiles.id, after)))
    .orderBy(asc(profiles.id))
    .limit(limit)
}

async function findNextSlot(database: Database, calendar: Calendar, now: number): Promise<number | null> {
  const { therapistId } = calendar
  const offered = await database
    .select()
    .from(services)
    .where(and(eq(services.therapistId, therapistId), eq(services.active, true)))
  const { earliest, latest } = bookable(calendar, now)
  const sessions = await findSessions(database, therapistId, earliest - day, latest + day)
  return nextSlot(calendar, offered, sessions, now)
}

/** The first start at which any of these services may be booked at this moment, epoch ms; null where there is none. */
export function nextSlot(
  calendar: Calendar,
  offered: readonly BookableService[],
  sessions: readonly Session[],
  now: number
): number | null {
  const { earliest, latest } = bookable(calendar, now)
  for (const month of monthsBetween(earliest, latest)) {
    const firsts = offered.flatMap((service) => {
      const { starts } = offerOf(
        [monthOf(calendar, service, sessions, month)],
        { from: earliest, to: latest },
        now
      )
      return starts.slice(0, 1)
    })
    if (firsts.length > 0) return Math.min(...firsts)
  }
  return null
}
