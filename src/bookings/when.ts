// When a session shall begin, from either form that a request may say it in. Pure. For a booking a wall-clock time has to
// mean one instant: one that does not exist, or exists twice, is refused, where rules would take the next best.
import { type Fault, Problem } from '../http/problem.ts'
import { instantsOf, isTimeZone, toLocal } from '../time/zones.ts'

/** As a body has it. */
export type When = {
  start?: string
  date?: string
  startTime?: string
  endTime?: string
  timeZone?: string
}

export type Asked = {
  /** Epoch ms. */
  start: number
  /** How long it shall take, where it was said; minutes. */
  minutes: number | null
}

const minute = 60_000
// RFC 3339 §5.6 with the time zone of RFC 9557 §4.1; seconds may be there, but nothing begins between two minutes.
const instantForm =
  /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2})(?::00(?:\.0+)?)?([Zz]|[+-]\d{2}:\d{2})(?:\[!?([A-Za-z][\w+/-]*)\])?$/

/** Whether a body says when at all. */
export function saysWhen(body: When): boolean {
  return body.start !== undefined || body.date !== undefined || body.startTime !== undefined
}

/**
 * The instant that a body asks for.
 * @param zone of the therapist's calendar: what a date and a time without a zone are read in
 * @throws Problem `invalid-time-zone`, `nonexistent-local-time`, `ambiguous-local-time`, `invalid-interval`, `validation`
 */
export function askedFor(body: When, zone: string): Asked {
  const { start, date, startTime, endTime, timeZone = zone } = body
  if (!isTimeZone(timeZone)) throw noZone('#/timeZone')
  if (start !== undefined) {
    if (date !== undefined || startTime !== undefined || endTime !== undefined) {
      throw invalid('#/start', 'says it already: leave out date, startTime and endTime')
    }
    return { start: instantOf(start), minutes: null }
  }
  if (date === undefined || startTime === undefined) {
    throw invalid(date === undefined ? '#/date' : '#/startTime', 'is required, unless there is `start`')
  }
  const begin = only(date, startTime, timeZone)
  if (endTime === undefined) return { start: begin, minutes: null }
  const minutes = (only(date, endTime, timeZone, '#/endTime') - begin) / minute
  if (minutes <= 0) {
    throw new Problem('invalid-interval', 'It would end before it begins.', {
      errors: [{ pointer: '#/endTime', detail: 'is not after startTime' }]
    })
  }
  return { start: begin, minutes }
}

function instantOf(text: string): number {
  const [, date = '', time = '', offset = '', zone] = instantForm.exec(text) ?? []
  const epochMs = offset === '' ? Number.NaN : Date.parse(`${date}T${time}${offset.toUpperCase()}`)
  // 30 February parses as 2 March, and an offset of 99 hours as nothing.
  if (Number.isNaN(epochMs) || !isDate(date)) {
    throw invalid('#/start', 'has to be a whole minute in RFC 3339 with an offset: 2026-11-25T16:00:00+01:00')
  }
  if (zone === undefined) return epochMs
  if (!isTimeZone(zone)) throw noZone('#/start')
  const local = toLocal(epochMs, zone)
  if (local.date !== date || local.time !== time) {
    throw new Problem('invalid-time-zone', 'The offset is not that of the time zone then.', {
      errors: [{ pointer: '#/start', detail: `clocks in ${zone} show ${local.date}T${local.time} then` }]
    })
  }
  return epochMs
}

function isDate(date: string): boolean {
  const epochMs = Date.parse(`${date}T00:00Z`)
  return !Number.isNaN(epochMs) && new Date(epochMs).toISOString().startsWith(date)
}

/** The one instant at which clocks show this. */
function only(date: string, time: string, zone: string, pointer = '#/startTime'): number {
  if (!isDate(date)) throw invalid('#/date', 'is no date')
  const instants = instantsOf(date, time, zone)
  const [first] = instants
  if (first === undefined) {
    throw new Problem('nonexistent-local-time', `Clocks in ${zone} skip ${date} ${time}.`, {
      errors: [{ pointer, detail: 'does not exist on that day' }]
    })
  }
  if (instants.length === 1) return first
  throw new Problem('ambiguous-local-time', `Clocks in ${zone} show ${date} ${time} twice.`, {
    errors: [{ pointer, detail: 'happens twice on that day: send `start` with the offset that you mean' }],
    extension: { candidates: instants.map((instant) => withOffset(instant, zone)) }
  })
}

/** RFC 3339 with the offset that the zone has then. */
export function withOffset(epochMs: number, zone: string): string {
  const { date, time, offsetMinutes } = toLocal(epochMs, zone)
  const size = Math.abs(offsetMinutes)
  const two = (number: number) => String(number).padStart(2, '0')
  return `${date}T${time}:00${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

function noZone(pointer: string): Problem {
  return new Problem('invalid-time-zone', 'There is no such time zone.', {
    errors: [{ pointer, detail: 'is no name of a time zone such as Europe/Madrid; an offset is none' }]
  })
}

function invalid(pointer: string, detail: string): Problem {
  const errors: Fault[] = [{ pointer, detail }]
  return new Problem('validation', 'One part of the body is not valid.', { errors })
}
