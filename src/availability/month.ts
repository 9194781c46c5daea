// One month of what can be booked, as the cache keeps it: free by rules and bookings, whatever time it is. Holds are
// apart in it, for they run out by themselves. No part of it leaves as it is: src/availability/offer.ts.
//
// The months are UTC's, though hours are the practice's own: which entries a question needs is then known before
// anything is known of the practice, and stays so when the practice moves to another zone.
import { type Static, Type } from 'typebox'
import type { Session } from '../calendar/queries.ts'
import { type BookableService, type Calendar, freeStarts } from '../calendar/rules.ts'

const EpochMs = Type.Integer()

export const Month = Type.Object(
  {
    /** The calendar's. */
    version: Type.Integer(),
    timeZone: Type.String(),
    minNoticeMin: Type.Integer(),
    horizonDays: Type.Integer(),
    maxPerDay: Type.Union([Type.Integer(), Type.Null()]),
    durationMin: Type.Integer(),
    bufferBeforeMin: Type.Integer(),
    bufferAfterMin: Type.Integer(),
    /** Free of all but the holds. */
    starts: Type.Array(EpochMs),
    holds: Type.Array(
      Type.Object({
        id: Type.String(),
        startsAt: EpochMs,
        from: EpochMs,
        to: EpochMs,
        heldUntil: EpochMs
      })
    ),
    /** Starts of all sessions that are no holds, where their number on a day is limited; the days around included. */
    booked: Type.Array(EpochMs)
  },
  { additionalProperties: false }
)
export type Month = Static<typeof Month>

export type MonthAsked = { therapistId: string; serviceId: string; month: string }

const day = 86_400_000

/** The months (YYYY-MM, of UTC) that have a part of [from, to), epoch ms. */
export function monthsBetween(from: number, to: number): string[] {
  const months: string[] = []
  for (let at = from; at < to; ) {
    const month = new Date(at).toISOString().slice(0, 7)
    months.push(month)
    at = endOf(month)
  }
  return months
}

/** The bounds of a month, epoch ms, half-open. */
export function boundsOf(month: string): { from: number; to: number } {
  return { from: Date.parse(`${month}-01T00:00Z`), to: endOf(month) }
}

function endOf(month: string): number {
  const [year = 0, number = 0] = month.split('-').map(Number)
  return Date.UTC(year, number)
}

/** A local day may reach this far out of a month. */
export const margin = day

/** @param sessions that meet the month or the days around it, in order of `from` */
export function monthOf(
  calendar: Calendar,
  service: BookableService,
  sessions: readonly Session[],
  month: string
): Month {
  const { from, to } = boundsOf(month)
  const { version, timeZone, minNoticeMin, horizonDays, maxPerDay } = calendar
  const { durationMin, bufferBeforeMin, bufferAfterMin } = service
  const firm = sessions.filter(({ heldUntil }) => heldUntil === null)
  return {
    version,
    timeZone,
    minNoticeMin,
    horizonDays,
    maxPerDay,
    durationMin,
    bufferBeforeMin,
    bufferAfterMin,
    starts: freeStarts(calendar, service, firm, from, to),
    holds: sessions.flatMap(({ heldUntil, ...session }) =>
      heldUntil === null ? [] : { ...session, heldUntil }
    ),
    booked: maxPerDay === null ? [] : firm.map(({ startsAt }) => startsAt)
  }
}
