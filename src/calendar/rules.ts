// When a session may begin: weekly hours, single dates, holidays, steps, buffers, notice, horizon. Pure: what is booked
// and what time it is come in from outside. Instants are epoch ms; hours are wall clocks of the calendar's own zone.
import type { calendars, services } from '../../db/schema.ts'
import { toInstant, toLocal } from '../time/zones.ts'
import { isHoliday } from './holidays.ts'

/** One therapist's rules, and the version that each change of rules or bookings raises: a row of `calendars`. */
export type Calendar = typeof calendars.$inferSelect

/** What can be booked: a row of `services`. */
export type BookableService = typeof services.$inferSelect

/** Time that is taken, its buffers included; half-open, epoch ms. */
export type Busy = { from: number; to: number }

/** Why nobody may begin then, whether or not it is free. */
export type Unavailable = 'off-grid' | 'closed' | 'inside-notice' | 'beyond-horizon'

const minute = 60_000
const day = 24 * 60 * minute

/**
 * The instants in [from, to) at which a session may begin that meets nothing busy, in order. Notice, horizon and the
 * limit of a day are not looked at: they move with the clock and are the caller's to apply.
 * @param busy in order of `from`
 */
export function freeStarts(
  calendar: Calendar,
  service: BookableService,
  busy: readonly Busy[],
  from: number,
  to: number
): number[] {
  const { durationMin, stepMin, bufferBeforeMin, bufferAfterMin } = service
  const before = bufferBeforeMin * minute
  const lasts = durationMin * minute
  const after = lasts + bufferAfterMin * minute
  const isFree = againstBusy(busy)
  const starts: number[] = []
  for (const window of openingHours(calendar, from, to)) {
    // In elapsed time from the opening: a grid of the wall clock would lose or repeat an hour when clocks change.
    for (let start = window.from; start + lasts <= window.to; start += stepMin * minute) {
      if (start < from || start >= to) continue
      if (isFree(start - before, start + after)) starts.push(start)
    }
  }
  return inOrder(starts)
}

/**
 * Why a session may not begin at `start` by the rules alone, or null. `closed`: it would not lie within opening hours;
 * `off-grid`: it would, but sessions begin at other times.
 * @param now epoch ms
 */
export function whyUnavailable(
  calendar: Calendar,
  service: BookableService,
  start: number,
  now: number
): Unavailable | null {
  const end = start + service.durationMin * minute
  const windows = openingHours(calendar, start, start + 1).filter(
    ({ from, to }) => start >= from && end <= to
  )
  if (windows.length === 0) return 'closed'
  const step = service.stepMin * minute
  if (!windows.some(({ from }) => (start - from) % step === 0)) return 'off-grid'
  const { earliest, latest } = bookable(calendar, now)
  if (start < earliest) return 'inside-notice'
  return start < latest ? null : 'beyond-horizon'
}

/** The starts that notice and horizon allow at this moment: `earliest` up to, not including, `latest`. */
export function bookable(
  { minNoticeMin, horizonDays }: Pick<Calendar, 'minNoticeMin' | 'horizonDays'>,
  now: number
): { earliest: number; latest: number } {
  return { earliest: now + minNoticeMin * minute, latest: now + horizonDays * day }
}

/** Opening hours that may hold a start in [from, to): those of each local date that it touches, and of the night before. */
function openingHours(calendar: Calendar, from: number, to: number): Busy[] {
  const { timeZone } = calendar
  const windows: Busy[] = []
  const last = toLocal(to, timeZone).date
  for (let date = nextDate(toLocal(from, timeZone).date, -1); date <= last; date = nextDate(date, 1)) {
    for (const [opens, closes] of hoursOn(calendar, date)) {
      const opening = toInstant(date, opens, timeZone)
      const closing =
        closes === '24:00'
          ? toInstant(nextDate(date, 1), '00:00', timeZone)
          : toInstant(closes > opens ? date : nextDate(date, 1), closes, timeZone)
      // Hours within a gap of the clock may end before they begin: nothing fits into them.
      windows.push({ from: opening, to: closing })
    }
  }
  return windows
}

/** A single date's own hours replace all others, a holiday's closing included: never an intersection. */
function hoursOn({ weekly, overrides, holidayRegion }: Calendar, date: string) {
  const own = overrides[date]
  if (own) return own
  if (holidayRegion !== null && isHoliday(date, holidayRegion)) return []
  return weekly[weekdayOf(date)] ?? []
}

const weekdays = ['7', '1', '2', '3', '4', '5', '6'] as const

function weekdayOf(date: string): (typeof weekdays)[number] {
  return weekdays[new Date(`${date}T00:00Z`).getUTCDay()] ?? '7'
}

function nextDate(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00Z`) + days * day).toISOString().slice(0, 10)
}

/** Asked in order of start within a window: what has ended before one session is not looked at for the next. */
function againstBusy(busy: readonly Busy[]): (from: number, to: number) => boolean {
  let passed = 0
  let asked = Number.NEGATIVE_INFINITY
  return (from, to) => {
    if (from < asked) passed = 0
    asked = from
    for (let taken = busy[passed]; taken && taken.to <= from; taken = busy[passed]) passed++
    for (let i = passed; ; i++) {
      const taken = busy[i]
      if (!taken || taken.from >= to) return true
      if (taken.to > from) return false
    }
  }
}

/** Windows that meet or overlap (a late night and an early morning) may give one start twice, or out of order. */
function inOrder(starts: number[]): number[] {
  const ordered = starts.every((start, i) => i === 0 || start > (starts[i - 1] ?? start))
  return ordered ? starts : [...new Set(starts)].sort((a, b) => a - b)
}
