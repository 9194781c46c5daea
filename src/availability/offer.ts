// What of some months may be booked at this moment: holds that live, notice, horizon and the limit of a day are applied
// here, after the cache, for they change by the clock alone. Pure.
import { bookable } from '../calendar/rules.ts'
import { toLocal } from '../time/zones.ts'
import type { Month } from './month.ts'
import type { Availability } from './schema.ts'

export type Range = { from: number; to: number }

export type Offer = {
  /** Starts that may be booked, in order, epoch ms. */
  starts: number[]
  /** Which of them the caller himself holds. */
  held: number | null
  /** Until then the clock alone changes nothing in it, epoch ms. */
  until: number
}

const minute = 60_000

/**
 * @param months that have a part of the range, in order; at least one
 * @param range of starts asked for, half-open, epoch ms
 * @param ownHoldId the caller's own hold: it takes nothing from him, and its start is his whatever the clock says
 */
export function offerOf(
  months: readonly [Month, ...Month[]],
  { from, to }: Range,
  now: number,
  ownHoldId?: string
): Offer {
  const [first] = months
  // Sessions near the edge of a month are in both.
  const holds = new Map(months.flatMap(({ holds }) => holds).map((hold) => [hold.id, hold]))
  const live = [...holds.values()].filter(({ heldUntil }) => heldUntil > now)
  const own = live.find(({ id }) => id === ownHoldId)
  const others = live.filter((hold) => hold !== own)
  const full = fullDays(
    months,
    others.map(({ startsAt }) => startsAt)
  )
  const { earliest, latest } = bookable(first, now)

  const before = first.bufferBeforeMin * minute
  const after = (first.durationMin + first.bufferAfterMin) * minute
  const meetsHold = (start: number) =>
    others.some((hold) => hold.from < start + after && hold.to > start - before)

  const free = months
    .flatMap(({ starts }) => starts)
    .filter((start) => start >= from && start < to && !meetsHold(start))
  const starts = free.filter(
    (start) =>
      start === own?.startsAt || (start >= earliest && start < latest && !full.has(dayOf(start, first)))
  )
  const next = [
    ...live.map(({ heldUntil }) => heldUntil),
    ...starts.slice(0, 1).map((start) => now + (start - earliest) + 1),
    ...free
      .filter((start) => start >= latest)
      .slice(0, 1)
      .map((start) => now + (start - latest) + 1)
  ]
  return {
    starts,
    held: own !== undefined && starts.includes(own.startsAt) ? own.startsAt : null,
    until: Math.min(Number.POSITIVE_INFINITY, ...next)
  }
}

/** The offer as its reader sees it: by the days of his own zone. */
export function availabilityOf(
  asked: { therapistId: string; serviceId: string; timeZone: string },
  months: readonly [Month, ...Month[]],
  { starts, held }: Offer
): Availability {
  const { therapistId, serviceId, timeZone } = asked
  const lasts = months[0].durationMin * minute
  const slots = starts.map((start) => ({
    start: written(start, timeZone),
    end: written(start + lasts, timeZone),
    ...(start === held && { held: true })
  }))
  const byDate = Map.groupBy(slots, ({ start }) => start.slice(0, 10))
  const days = [...byDate].map(([date, slots]) => ({ date, slots }))
  // Of several months the oldest: whoever compares it with a version of his own must not be told more than is so.
  const version = Math.min(...months.map((month) => month.version))
  return { therapistId, serviceId, timeZone, version, days }
}

/** The days of the practice on which no more sessions may begin. */
function fullDays(months: readonly [Month, ...Month[]], held: readonly number[]): ReadonlySet<string> {
  const [first] = months
  const { maxPerDay } = first
  if (maxPerDay === null) return new Set()
  const perDay = new Map<string, number>()
  // A session near the edge of a month is in both: no two of a therapist begin at once, so its start tells it apart.
  for (const start of new Set([...months.flatMap(({ booked }) => booked), ...held])) {
    const date = dayOf(start, first)
    perDay.set(date, (perDay.get(date) ?? 0) + 1)
  }
  return new Set([...perDay].flatMap(([date, count]) => (count >= maxPerDay ? [date] : [])))
}

function dayOf(start: number, { timeZone }: Month): string {
  return toLocal(start, timeZone).date
}

/** RFC 3339 with the offset that clocks have there. */
function written(epochMs: number, timeZone: string): string {
  const { date, time, offsetMinutes } = toLocal(epochMs, timeZone)
  return `${date}T${time}:00${offsetText(offsetMinutes)}`
}

function offsetText(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`
}
