// The SQL that makes a therapist's calendar. What changes one takes its row first (queries.ts).
import { calendars } from '../../db/schema.ts'
import { insertInto, type Statement } from '../../db/statements.ts'
import type { Transaction } from '../cache/transaction.ts'
import { holidayRegions } from './holidays.ts'
import { calendarTag } from './tags.ts'

export type NewCalendar = {
  therapistId: string
  timeZone: string
  /** Whose holidays it keeps, where they are known. */
  region: string
}

/**
 * What makes the calendars of new practices, at least one: closed until their owners say when they are open. Notice, horizon
 * and windows are those of db/schema.ts. Whoever asks for the statement sends it in the same transaction.
 */
export function newCalendars(
  transaction: Pick<Transaction, 'touch'>,
  practices: readonly NewCalendar[]
): Statement {
  const updatedAt = new Date().toISOString()
  transaction.touch(...practices.map(({ therapistId }) => calendarTag(therapistId)))
  return insertInto(
    calendars,
    practices.map(({ therapistId, timeZone, region }) => ({
      therapistId,
      timeZone,
      weekly: {},
      overrides: {},
      holidayRegion: holidayRegions.includes(region) ? region : null,
      updatedAt
    }))
  )
}
