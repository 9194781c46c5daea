// A therapist's rules between the wire and the row, and what is wrong with them that a schema cannot say. Pure.
import type { Hours, Overrides, Weekly } from '../../db/schema.ts'
import type { Calendar } from '../calendar/rules.ts'
import { type Fault, Problem } from '../http/problem.ts'
import { isDate, isTimeZone } from '../time/zones.ts'
import type { NewRules, Rules } from './schema.ts'

/** The columns that rules are kept in. */
export type RuleColumns = Omit<Calendar, 'therapistId' | 'version' | 'updatedAt'>

type Opening = { from: string; to: string }

export function rulesOf(calendar: Calendar): Rules {
  return {
    timeZone: calendar.timeZone,
    weekly: openings(calendar.weekly),
    overrides: openings(calendar.overrides),
    holidayRegion: calendar.holidayRegion,
    minNoticeMinutes: calendar.minNoticeMin,
    horizonDays: calendar.horizonDays,
    cancelWindowMinutes: calendar.cancelWindowMin,
    rescheduleWindowMinutes: calendar.rescheduleWindowMin,
    maxReschedules: calendar.maxReschedules,
    maxPerDay: calendar.maxPerDay,
    version: calendar.version,
    updatedAt: calendar.updatedAt
  }
}

/**
 * The columns of rules that hold together; what was left out is as db/schema.ts has it.
 * @throws Problem `invalid-time-zone`, or `validation` with the place of each fault
 */
export function columnsOf(rules: NewRules): RuleColumns {
  if (!isTimeZone(rules.timeZone)) {
    throw new Problem('invalid-time-zone', 'Name a zone of the IANA database, such as Europe/Madrid.', {
      errors: [{ pointer: '#/timeZone', detail: 'is no such name' }]
    })
  }
  const { weekly, overrides = {} } = rules
  const faults = [...faultsOfWeek(weekly), ...faultsOfDates(overrides)]
  if (faults.length > 0) throw new Problem('validation', undefined, { errors: faults })
  return {
    timeZone: rules.timeZone,
    weekly: pairs(weekly) satisfies Weekly,
    overrides: pairs(overrides) satisfies Overrides,
    holidayRegion: rules.holidayRegion ?? null,
    minNoticeMin: rules.minNoticeMinutes ?? 1440,
    horizonDays: rules.horizonDays ?? 60,
    cancelWindowMin: rules.cancelWindowMinutes ?? 1440,
    rescheduleWindowMin: rules.rescheduleWindowMinutes ?? 1440,
    maxReschedules: rules.maxReschedules ?? 3,
    maxPerDay: rules.maxPerDay ?? null
  }
}

function openings(hours: Readonly<Record<string, readonly Hours[]>>): Record<string, Opening[]> {
  return mapDays(hours, ([from, to]) => ({ from, to }))
}

function pairs(hours: Readonly<Record<string, readonly Opening[]>>): Record<string, Hours[]> {
  return mapDays(hours, ({ from, to }): Hours => [from, to])
}

function mapDays<From, To>(
  days: Readonly<Record<string, readonly From[]>>,
  change: (hours: From) => To
): Record<string, To[]> {
  return Object.fromEntries(Object.entries(days).map(([day, hours]) => [day, hours.map(change)]))
}

const day = 1440
const week = 7 * day

/** A week has neither end nor beginning: Sunday's night may reach into Monday. */
function faultsOfWeek(weekly: NewRules['weekly']): Fault[] {
  const days = Object.entries(weekly)
  const spans = days.flatMap(([weekday, hours]) =>
    spansOf(`#/weekly/${weekday}`, hours, (Number(weekday) - 1) * day)
  )
  const [first] = spans.toSorted((one, other) => one.from - other.from)
  const around = first ? [{ ...first, from: first.from + week, to: first.to + week }] : []
  return [
    ...days.flatMap(([weekday, hours]) => oddHours(`#/weekly/${weekday}`, hours)),
    ...overlaps([...spans, ...around])
  ]
}

function faultsOfDates(overrides: NonNullable<NewRules['overrides']>): Fault[] {
  return Object.entries(overrides).flatMap(([date, hours]) => {
    const pointer = `#/overrides/${date}`
    if (!isDate(date)) return [{ pointer, detail: 'is no date' }]
    return [...oddHours(pointer, hours), ...overlaps(spansOf(pointer, hours, 0))]
  })
}

function oddHours(pointer: string, hours: readonly Opening[]): Fault[] {
  return hours.flatMap(({ from, to }, i) => {
    if (from === '24:00')
      return [{ pointer: `${pointer}/${i}/from`, detail: 'begins at 00:00 of the next day' }]
    if (from === to)
      return [{ pointer: `${pointer}/${i}/to`, detail: 'is the beginning: a whole day is 00:00 to 24:00' }]
    return []
  })
}

type Span = { pointer: string; from: number; to: number }

function spansOf(pointer: string, hours: readonly Opening[], midnight: number): Span[] {
  return hours.map(({ from, to }, i) => ({
    pointer: `${pointer}/${i}`,
    from: midnight + minutesOf(from),
    to: midnight + minutesOf(to) + (to > from ? 0 : day)
  }))
}

function overlaps(spans: readonly Span[]): Fault[] {
  const ordered = spans.toSorted((one, other) => one.from - other.from)
  return ordered.flatMap(({ pointer, from }, i) =>
    from < (ordered[i - 1]?.to ?? from) ? [{ pointer, detail: 'overlaps other hours' }] : []
  )
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
}
