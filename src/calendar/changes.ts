// The SQL that makes a therapist's calendar. What changes one takes its row first (queries.ts).
import { calendars } from '../../db/schema.ts'
import type { Transaction } from '../cache/cache.ts'
import { holidayRegions } from './holidays.ts'
import { calendarTag } from './tags.ts'

/**
 * The calendar of a new practice: closed until its owner says when it is open. Notice, horizon and windows are those of
 * db/schema.ts.
 * @param region whose holidays it keeps, where they are known
 */
export async function createCalendar(
  transaction: Transaction,
  therapistId: string,
  { timeZone, region }: { timeZone: string; region: string }
): Promise<void> {
  await transaction.database.insert(calendars).values({
    therapistId,
    timeZone,
    weekly: {},
    overrides: {},
    holidayRegion: holidayRegions.includes(region) ? region : null,
    updatedAt: new Date().toISOString()
  })
  transaction.touch(calendarTag(therapistId))
}
