// What somebody asks of availability: from when to when, by whose clocks. Pure.
import { Problem } from '../http/problem.ts'
import { isDate, isTimeZone, toInstant } from '../time/zones.ts'
import type { Range } from './offer.ts'
import type { AvailabilityQuery } from './schema.ts'

const hour = 3_600_000
const day = 24 * hour
/** A month in which clocks go back has an hour more. */
const longestMs = 31 * day + hour
/** Where a date begins first, and where last. */
const [easternmost, westernmost] = ['Pacific/Kiritimati', 'Etc/GMT+12'] as const

/** What was asked. The practice's zone may still have to say where its dates begin. */
export type Question = {
  therapistId: string
  serviceId: string
  /** Whose days are shown; undefined: the practice's own. */
  timeZone: string | undefined
  /** Within which the range lies in any zone. */
  around: Range
  /** @throws Problem `invalid-interval` or `range-too-long` */
  within(timeZone: string): Range
  /** The same for the same question. */
  text: string
}

/**
 * @throws Problem `invalid-parameter` for what is no date or instant, `invalid-time-zone`, `invalid-interval` or
 *   `range-too-long`
 */
export function questionOf(query: AvailabilityQuery): Question {
  const { timeZone } = query
  const therapistId = query.therapistId.toLowerCase()
  const serviceId = query.serviceId.toLowerCase()
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    throw new Problem('invalid-time-zone', 'Name a zone of the IANA database, such as Europe/Madrid.', {
      errors: [{ parameter: 'timeZone', detail: 'is no such name' }]
    })
  }
  const from = momentOf('from', query.from)
  const to = momentOf('to', query.to)
  const within = (zone: string) => checked({ from: from(zone), to: to(zone) })
  // A range that is wrong in one zone is wrong, give or take an hour, in all: how much is looked for has a bound.
  const around = timeZone === undefined ? { from: from(easternmost), to: to(westernmost) } : within(timeZone)
  if (timeZone === undefined) within('UTC')
  const text = [therapistId, serviceId, query.from, query.to, timeZone].join(' ')
  return { therapistId, serviceId, timeZone, around, within, text }
}

function checked(range: Range): Range {
  if (range.to <= range.from) {
    throw new Problem('invalid-interval', 'The end has to be after the beginning.', {
      errors: [{ parameter: 'to', detail: 'is not after from' }]
    })
  }
  if (range.to - range.from > longestMs) {
    throw new Problem('range-too-long', 'Ask for 31 days at most.', {
      errors: [{ parameter: 'to', detail: 'is more than 31 days after from' }]
    })
  }
  return range
}

function momentOf(parameter: 'from' | 'to', text: string): (zone: string) => number {
  const [date = ''] = text.split('T')
  // A + that nobody encoded arrives as a space.
  const instant = Date.parse(text.replace(' ', '+'))
  if (!isDate(date) || Number.isNaN(instant)) {
    throw new Problem('invalid-parameter', undefined, {
      errors: [{ parameter, detail: 'is no date or instant' }]
    })
  }
  return text === date ? (zone) => toInstant(date, '00:00', zone) : () => instant
}
