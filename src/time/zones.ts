// Between wall clocks and instants, by the IANA zones that this Node knows (tzdb: process.versions.tz). The one place
// that asks Temporal. Pure: the zone of the process plays no part.
//
// What Temporal knows of a zone is kept by the year as a few periods of constant offset; each conversion is then a
// look-up and an addition (a month of availability takes 120 of them).

/** What clocks show somewhere at an instant. */
export type Local = {
  /** YYYY-MM-DD */
  date: string
  /** HH:MM, the seconds dropped */
  time: string
  /** East of Greenwich is positive. */
  offsetMinutes: number
}

/** A stretch of time with one offset, in epoch ms, half-open. */
type Period = { from: number; to: number; offsetMs: number }

const minute = 60_000
/** No zone is further than this from UTC, and none jumps further. */
const furthest = 26 * 60 * minute

const dateForm = /^[12]\d{3}-\d{2}-\d{2}$/
const timeForm = /^(?:[01]\d|2[0-3]):[0-5]\d$/

/** Periods by zone and UTC year. Zones are those that `isTimeZone` accepts, in their one spelling: it stays small. */
const periodsOf = new Map<string, Map<number, readonly Period[]>>()

/**
 * Whether this is the name of a zone, spelt as IANA has it: `Europe/Madrid`, `Asia/Kolkata`, `UTC`; an offset such as
 * `+02:00` is none. Decided by constructing: `Intl.supportedValuesOf('timeZone')` lacks `UTC` and every newer spelling.
 */
export function isTimeZone(name: string): boolean {
  if (periodsOf.has(name)) return true
  if (name.length > 64 || !/^[A-Za-z]/.test(name)) return false
  try {
    return new Temporal.ZonedDateTime(0n, name).timeZoneId === name
  } catch {
    return false
  }
}

/** Whether this is a date, YYYY-MM-DD, of the years 1000 to 2999. */
export function isDate(text: string): boolean {
  const midnight = dateForm.test(text) ? Date.parse(`${text}T00:00Z`) : Number.NaN
  // 30 February parses as 2 March.
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(text)
}

/**
 * The instants at which clocks in this zone show this, in order: one mostly, none in the gap of a spring, two in the
 * fold of an autumn. Epoch ms.
 * @param date YYYY-MM-DD
 * @param time HH:MM, 00:00 to 23:59
 * @throws RangeError where it is no such date, time or zone
 */
export function instantsOf(date: string, time: string, zone: string): readonly number[] {
  const wall = wallOf(date, time)
  const instants: number[] = []
  for (const { from, to, offsetMs } of periodsAround(wall, zone)) {
    const instant = wall - offsetMs
    if (instant >= from && instant < to) instants.push(instant)
  }
  return instants
}

/**
 * The instant that rules mean by a wall-clock time: in a fold the first, in a gap as far after it as the time lies in
 * it (RFC 5545 §3.3.5; Temporal's `compatible`). Epoch ms.
 * @throws RangeError where it is no such date, time or zone
 */
export function toInstant(date: string, time: string, zone: string): number {
  const [first] = instantsOf(date, time, zone)
  if (first !== undefined) return first
  // In a gap: by the offset before it.
  const wall = wallOf(date, time)
  const before = periodsAround(wall, zone).findLast(({ from, offsetMs }) => wall - offsetMs >= from)
  if (!before) throw new RangeError('no offset is known')
  return wall - before.offsetMs
}

/** What clocks in this zone show at this instant. */
export function toLocal(epochMs: number, zone: string): Local {
  const { offsetMs } = periodAt(epochMs, zone)
  const shown = Math.floor((epochMs + offsetMs) / minute)
  const days = Math.floor(shown / minutesOfDay)
  return {
    date: dateOf(days),
    time: times[shown - days * minutesOfDay] ?? '',
    offsetMinutes: Math.round(offsetMs / minute)
  }
}

const minutesOfDay = 1440
const two = (number: number) => String(number).padStart(2, '0')
const times = Array.from({ length: minutesOfDay }, (_, i) => `${two(Math.floor(i / 60))}:${two(i % 60)}`)

/** Dates by their days since 1970: to write one takes longer than all the rest. */
const dates = new Map<number, string>()
const mostDates = 4_000

function dateOf(days: number): string {
  const kept = dates.get(days)
  if (kept !== undefined) return kept
  const date = new Date(days * minutesOfDay * minute).toISOString().slice(0, 10)
  if (dates.size === mostDates) dates.clear()
  dates.set(days, date)
  return date
}

function wallOf(date: string, time: string): number {
  if (!isDate(date) || !timeForm.test(time)) throw new RangeError('not a date and time')
  return Date.parse(`${date}T${time}Z`)
}

function periodAt(epochMs: number, zone: string): Period {
  const period = periodsIn(yearOf(epochMs), zone).find(({ from, to }) => epochMs >= from && epochMs < to)
  if (!period) throw new RangeError('not an instant')
  return period
}

/** Those in which an instant may lie that is shown as `wall`. */
function periodsAround(wall: number, zone: string): readonly Period[] {
  const first = yearOf(wall - furthest)
  const last = yearOf(wall + furthest)
  return first === last ? periodsIn(first, zone) : [...periodsIn(first, zone), ...periodsIn(last, zone)]
}

function periodsIn(year: number, zone: string): readonly Period[] {
  const kept = periodsOf.get(zone)?.get(year)
  if (kept) return kept
  if (!isTimeZone(zone)) throw new RangeError('not a time zone')
  const periods = askTemporal(year, zone)
  const ofZone = periodsOf.get(zone) ?? new Map<number, readonly Period[]>()
  periodsOf.set(zone, ofZone.set(year, periods))
  return periods
}

function askTemporal(year: number, zone: string): Period[] {
  const end = Date.UTC(year + 1, 0)
  const periods: Period[] = []
  for (let from = Date.UTC(year, 0); from < end; ) {
    const at = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(zone)
    const change = at.getTimeZoneTransition('next')?.epochMilliseconds ?? end
    const to = Math.min(change, end)
    periods.push({ from, to, offsetMs: at.offsetNanoseconds / 1e6 })
    from = to
  }
  return periods
}

function yearOf(epochMs: number): number {
  return new Date(epochMs).getUTCFullYear()
}
