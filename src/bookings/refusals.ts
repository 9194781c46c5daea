// Why a booking or a change of one is refused, with what would be possible instead.
import type { Database } from '../cache/view.ts'
import { findBusy } from '../calendar/queries.ts'
import {
  type BookableService,
  bookable,
  type Calendar,
  freeStarts,
  type Unavailable
} from '../calendar/rules.ts'
import { Problem } from '../http/problem.ts'
import { toLocal } from '../time/zones.ts'
import type { Decision, Status } from './transition.ts'

const minute = 60_000
const day = 24 * 60 * minute
const mostAlternatives = 3
/** Alternatives are looked for so far before what was wanted, and so far after it: further only where they are few. */
const lookBackMs = 2 * day
const lookAheadMs = [4 * day, 31 * day]

/** Somebody was quicker. `calendarVersion` is what an availability that is any good has at least. */
export async function slotTaken(
  database: Database,
  calendar: Calendar,
  service: BookableService,
  start: number,
  now: number,
  calendarVersion: number,
  exceptBookingId?: string
): Promise<Problem> {
  const alternatives = await findAlternatives(database, calendar, service, start, now, exceptBookingId)
  return new Problem('slot-taken', 'Somebody else has this time.', {
    extension: { alternatives, calendarVersion }
  })
}

/** The therapist's rules do not allow it, whether or not it is free. */
export async function slotUnavailable(
  database: Database,
  calendar: Calendar,
  service: BookableService,
  start: number,
  now: number,
  reason: Unavailable | 'day-full',
  exceptBookingId?: string
): Promise<Problem> {
  const alternatives = await findAlternatives(database, calendar, service, start, now, exceptBookingId)
  return new Problem('slot-unavailable', reasons[reason], { extension: { reason, alternatives } })
}

const reasons: Record<Unavailable | 'day-full', string> = {
  'off-grid': 'Sessions begin at other times.',
  closed: 'The therapist does not work then.',
  'inside-notice': 'It is too soon: the therapist wants to know earlier.',
  'beyond-horizon': 'It is too far ahead: it cannot be booked yet.',
  'day-full': 'The therapist takes no more sessions on that day.'
}

/** What `transition` says no to. @param status as the booking stands now, its time run out or not */
export function refusalOf(decision: Exclude<Decision, { kind: 'change' }>, status: Status): Problem {
  switch (decision.kind) {
    case 'not-possible':
      return new Problem('invalid-transition', `The booking is ${status.replace('_', '-')}.`, {
        extension: { status, allowed: decision.allowed }
      })
    case 'too-late':
      return new Problem('outside-policy-window', 'It is too late for that.', {
        extension: { deadline: iso(decision.deadline) }
      })
    case 'too-early':
      return new Problem('outside-policy-window', 'It is too early for that.', {
        extension: { earliest: iso(decision.earliest) }
      })
    case 'moved-too-often':
      return new Problem('limit-reached', 'It has been moved as often as the therapist allows.', {
        extension: { limit: decision.limit }
      })
    case 'reason-missing':
      return new Problem('validation', 'One part of the body is not valid.', {
        errors: [{ pointer: '#/cancelReason', detail: 'is required: the client has to be told why' }]
      })
  }
}

type Alternative = { start: string; end: string }

/** The free starts nearest to what was wanted, in order of time. */
async function findAlternatives(
  database: Database,
  calendar: Calendar,
  service: BookableService,
  wanted: number,
  now: number,
  exceptBookingId: string | undefined
): Promise<Alternative[]> {
  const { earliest, latest } = bookable(calendar, now)
  const near = Math.min(Math.max(wanted, earliest), latest)
  let free: number[] = []
  for (const ahead of lookAheadMs) {
    const from = Math.max(near - lookBackMs, earliest)
    const to = Math.min(near + ahead, latest)
    if (from >= to) return []
    const busy = await findBusy(database, calendar.therapistId, from - day, to + day, exceptBookingId)
    const isFull = fullDays(
      calendar,
      busy.map((one) => one.from)
    )
    free = freeStarts(calendar, service, busy, from, to).filter((start) => !isFull(start))
    if (free.length >= mostAlternatives) break
  }
  return free
    .sort((one, other) => Math.abs(one - wanted) - Math.abs(other - wanted))
    .slice(0, mostAlternatives)
    .sort((one, other) => one - other)
    .map((start) => ({ start: iso(start), end: iso(start + service.durationMin * minute) }))
}

/** Days that have as many sessions as the therapist takes. */
function fullDays({ maxPerDay, timeZone }: Calendar, starts: readonly number[]): (start: number) => boolean {
  if (maxPerDay === null) return () => false
  const dateOf = (epochMs: number) => toLocal(epochMs, timeZone).date
  const counts = Map.groupBy(starts, dateOf)
  return (start) => (counts.get(dateOf(start))?.length ?? 0) >= maxPerDay
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('.000Z', 'Z')
}
