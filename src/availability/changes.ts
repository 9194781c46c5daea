// The SQL that changes when a therapist can be booked. Touches its tags and records its event in the transaction that
// it is given.
import { isDeepStrictEqual } from 'node:util'
import { eq } from 'drizzle-orm'
import { duplicateKey, errnoOf } from '../../db/refusal.ts'
import { calendars } from '../../db/schema.ts'
import type { Transaction } from '../cache/cache.ts'
import { newCalendars } from '../calendar/changes.ts'
import { findCalendar, raiseCalendar } from '../calendar/queries.ts'
import type { Calendar } from '../calendar/rules.ts'
import { calendarTag } from '../calendar/tags.ts'
import { recordEvent } from '../events/outbox.ts'
import { Problem } from '../http/problem.ts'
import type { Change } from '../http/written.ts'
import { type RuleColumns, rulesOf } from './rules.ts'
import type { Rules } from './schema.ts'

/**
 * Replaces the rules of a calendar that `lockCalendar` has locked in this transaction. Rules that are the same already
 * raise no version, empty no cache and are no event. What is booked stays booked.
 */
export async function replaceRules(
  transaction: Transaction,
  therapistId: string,
  rules: RuleColumns
): Promise<Change<Rules>> {
  const current = await calendarOf(transaction, therapistId)
  const before: Record<string, unknown> = current
  const changed = Object.entries(rules).filter(([name, value]) => !isDeepStrictEqual(before[name], value))
  if (changed.length === 0) return { value: rulesOf(current), tags: [] }

  const at = new Date().toISOString()
  await transaction.database
    .update(calendars)
    .set({ ...rules, updatedAt: at })
    .where(eq(calendars.therapistId, therapistId))
  await raiseCalendar(transaction, therapistId)
  const replaced = await calendarOf(transaction, therapistId)
  recordEvent(transaction, {
    type: 'calendar.updated',
    subject: calendarTag(therapistId),
    actorId: therapistId,
    recipients: [therapistId],
    data: { version: replaced.version, changed: changed.map(([name]) => name) },
    at
  })
  return { value: rulesOf(replaced), tags: [calendarTag(therapistId)] }
}

/**
 * Makes the calendar of a practice that has none yet.
 * @throws Problem `precondition-failed` where somebody has made it in this very moment
 */
export async function openCalendar(
  transaction: Transaction,
  therapistId: string,
  timeZone: string
): Promise<void> {
  try {
    await transaction.send([newCalendars(transaction, [{ therapistId, timeZone, region: '' }])])
  } catch (error) {
    throw errnoOf(error) === duplicateKey ? rulesAreThere() : error
  }
}

/** Whoever wants the first rules finds others. */
export function rulesAreThere(): Problem {
  return new Problem('precondition-failed', 'You have rules: send If-Match with their ETag.')
}

async function calendarOf({ database }: Transaction, therapistId: string): Promise<Calendar> {
  const calendar = await findCalendar(database, therapistId)
  if (!calendar) throw new Error('the calendar that is locked is not there')
  return calendar
}
