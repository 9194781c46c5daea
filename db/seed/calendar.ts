// When a practice is open, as the seed data sees it: its weekly hours cut into cells of one session with its pause.
// One booking takes one cell (a long one two that follow each other), so two of them cannot overlap.

import holidays from '../holidays.es.json' with { type: 'json' }
import type { Overrides, Weekly } from '../schema.ts'
import type { Region } from './places.ts'
import type { Stream } from './random.ts'

/** The moment at which the data set was taken: what is before it has happened. */
export const now = Date.parse('2026-11-01T00:00:00Z')
/** The first day of the history. */
export const beginning = Date.parse('2024-01-01T00:00:00Z')
/** How far ahead sessions are booked, days. */
export const horizonDays = 60

export const minute = 60_000
export const hour = 60 * minute
export const day = 24 * hour

const morning = ['09:00', '14:00'] as const
const lateMorning = ['10:00', '14:00'] as const
const afternoon = ['16:00', '20:00'] as const
const evening = ['16:00', '21:00'] as const

const weeks = [
  [[morning, afternoon], [morning, evening], [morning, afternoon], [morning, evening], [morning], [], []],
  [[lateMorning, evening], [lateMorning, evening], [evening], [lateMorning, evening], [lateMorning], [], []],
  [[morning], [morning], [morning], [morning], [morning], [], []],
  [[evening], [evening], [evening], [evening], [], [], []],
  [[], [lateMorning, evening], [], [lateMorning, evening], [], [lateMorning], []],
  [[morning, afternoon], [morning], [morning, afternoon], [morning], [morning], [lateMorning], []]
] as const

const weekdays = ['1', '2', '3', '4', '5', '6', '7'] as const

/** Opening hours of a week, out of those that practices keep. */
export function weeklyHours(random: Stream): Weekly {
  const week = random.pick(weeks)
  const weekly: Weekly = {}
  for (const [index, weekday] of weekdays.entries()) {
    const hours = week[index] ?? []
    if (hours.length > 0) weekly[weekday] = hours.map(([from, to]) => [from, to])
  }
  return weekly
}

/** The days to come on which a practice departs from its week: Christmas closed, a Saturday opened. */
export function comingOverrides(random: Stream): Overrides {
  const overrides: Overrides = {}
  if (random.chance(0.5)) {
    for (const date of ['2026-12-24', '2026-12-28', '2026-12-29', '2026-12-30', '2026-12-31'])
      overrides[date] = []
  }
  if (random.chance(0.15))
    overrides[random.pick(['2026-11-14', '2026-11-21', '2026-11-28'])] = [[...lateMorning]]
  return overrides
}

/** One place for a session. `adjoins`: the cell before it ends where it begins. */
export type Cell = { startsAt: number; utcOffsetMin: number; adjoins: boolean; weight: number }

export type Hours = {
  weekly: Weekly
  overrides: Overrides
  region: Region
  timeZone: string
  /** A cell, minutes: a session and the pause after it. */
  stepMin: number
  /** The session itself, minutes: it ends within the opening hours, its pause need not. */
  durationMin: number
}

/** The cells of a practice from `fromMs` to `toMs` in order, weighted by how much they are sought. */
export function openCells(hours: Hours, fromMs: number, toMs: number): Cell[] {
  const cells: Cell[] = []
  const closed = closedDays(hours.region)
  for (const { date, weekday, midnight, utcOffsetMin, demand } of days(hours.timeZone)) {
    if (midnight + day <= fromMs || midnight >= toMs) continue
    const windows = hours.overrides[date] ?? (closed.has(date) ? [] : (hours.weekly[weekday] ?? []))
    for (const [from, to] of windows) {
      const last = minutesOf(to) - hours.durationMin
      for (let at = minutesOf(from); at <= last; at += hours.stepMin) {
        const startsAt = midnight + at * minute
        if (startsAt < fromMs || startsAt >= toMs) continue
        const weight = demand * (at >= 17 * 60 ? 1.7 : 1)
        cells.push({ startsAt, utcOffsetMin, adjoins: at > minutesOf(from), weight })
      }
    }
  }
  return cells
}

type Day = {
  date: string
  weekday: (typeof weekdays)[number]
  midnight: number
  utcOffsetMin: number
  demand: number
}

const daysOf = new Map<string, readonly Day[]>()

/** The days of the data set in a zone: practices grow by 40 % a year, August is quiet, the weeks to come fill slowly. */
function days(timeZone: string): readonly Day[] {
  const kept = daysOf.get(timeZone)
  if (kept) return kept
  const list: Day[] = []
  const end = Temporal.PlainDate.from('2027-01-02')
  for (
    let date = Temporal.PlainDate.from('2024-01-01');
    Temporal.PlainDate.compare(date, end) < 0;
    date = date.add({ days: 1 })
  ) {
    // Nobody opens at night, so the offset at noon holds for every session of the day, also where clocks change.
    const noon = date.toZonedDateTime({ timeZone, plainTime: '12:00' })
    const midnight = noon.epochMilliseconds - 12 * hour
    const growth = 1.4 ** ((midnight - beginning) / (365 * day))
    const ahead = Math.max(0, midnight - now) / day
    list.push({
      date: date.toString(),
      weekday: weekdays[date.dayOfWeek - 1] ?? '1',
      midnight,
      utcOffsetMin: noon.offsetNanoseconds / 60e9,
      demand: growth * (date.month === 8 ? 0.35 : 1) * Math.exp(-ahead / 14)
    })
  }
  daysOf.set(timeZone, list)
  return list
}

const regionalHolidays = new Map<string, readonly string[]>(Object.entries(holidays.regions))
const closedDaysOf = new Map<Region, ReadonlySet<string>>()

function closedDays(region: Region): ReadonlySet<string> {
  const kept = closedDaysOf.get(region)
  if (kept) return kept
  const closed = new Set([...holidays.national, ...(regionalHolidays.get(region) ?? [])])
  closedDaysOf.set(region, closed)
  return closed
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
}
