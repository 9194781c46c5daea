// What may happen to a booking: one pure function that every change of state goes through, whoever asks for it.
// Instants are epoch ms. It knows neither HTTP nor the database; whether a slot is free is not decided here.

/** Every state there is; the last three are ends. */
export const statuses = [
  'held',
  'pending',
  'confirmed',
  'completed',
  'no_show',
  'cancelled',
  'declined',
  'expired'
] as const
export type Status = (typeof statuses)[number]

/** Who asks. `system` is the service itself: what falls due. */
export type Actor = 'client' | 'therapist' | 'system'

/** As much of a booking as decides. */
export type State = {
  status: Status
  startsAt: number
  endsAt: number
  createdAt: number
  /** When a hold or a request that nobody answers ends; null for what does not end by itself. */
  holdExpiresAt: number | null
  /** How often it has been moved. */
  sequence: number
  /** The therapist confirms each request for this service. */
  needsApproval: boolean
}

/** What is wanted: another state, or another time. */
export type Wish = { status: Status; reason?: string } | { start: number }

/** A therapist's own limits, of the calendar. */
export type Policy = { cancelWindowMin: number; rescheduleWindowMin: number; maxReschedules: number }

/** What to write; nothing of the booking but this changes. */
export type Change = {
  status: Status
  sequence: number
  holdExpiresAt: number | null
  /** Where it moves to. */
  start?: number
  cancelledBy?: Actor
  cancelReason?: string
}

export type Decision =
  | { kind: 'change'; change: Change }
  /** Not from this state, not by this actor. `allowed`: the states that this actor could ask for now. */
  | { kind: 'not-possible'; allowed: readonly Status[] }
  | { kind: 'too-late'; deadline: number }
  | { kind: 'too-early'; earliest: number }
  | { kind: 'moved-too-often'; limit: number }
  /** Whoever cancels on a client tells why. */
  | { kind: 'reason-missing' }

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** So long is a slot kept for somebody who fills in a form. */
export const holdMs = 10 * minute
/** So long does a request wait for the therapist. */
export const requestMs = day
/** What has taken place may be set right for so long after its end. */
const correctionMs = 7 * day
/** So long after its end a session that nobody has spoken of counts as having taken place. */
export const completionMs = day

/** Decides whether `actor` may do this now, and what to write. */
export function transition(booking: State, wish: Wish, actor: Actor, now: number, policy: Policy): Decision {
  const from = effective(booking, now)
  if ('start' in wish) return move(booking, from, wish.start, actor, now, policy)
  const target = targetOf(booking, from, wish.status, actor)
  const allowed = reachable(booking, from, actor)
  if (!allowed.includes(target)) return { kind: 'not-possible', allowed }
  return (
    tooLateOrEarly(booking, from, target, actor, now, policy) ??
    change(booking, target, actor, wish.reason, now)
  )
}

/** A new booking's beginning. */
export function beginning(
  wish: 'held' | 'booked',
  startsAt: number,
  actor: Actor,
  needsApproval: boolean,
  now: number
): { status: Status; holdExpiresAt: number | null } {
  if (wish === 'held') return { status: 'held', holdExpiresAt: now + holdMs }
  if (actor === 'client' && needsApproval) {
    return { status: 'pending', holdExpiresAt: Math.min(now + requestMs, startsAt) }
  }
  return { status: 'confirmed', holdExpiresAt: null }
}

/** When it ends by itself; null where it does not. */
export function lapsesAt({ status, holdExpiresAt, createdAt, startsAt }: State): number | null {
  if (status === 'held') return holdExpiresAt ?? createdAt + holdMs
  if (status === 'pending') return holdExpiresAt ?? Math.min(createdAt + requestMs, startsAt)
  return null
}

/** Its state, whether or not somebody has written down that its time has run out. */
export function effective(booking: State, now: number): Status {
  const lapses = lapsesAt(booking)
  return lapses !== null && now >= lapses ? 'expired' : booking.status
}

// Who may ask for what, from where. Ends have no way out, and nothing leads back to a hold.
const ways: Record<Status, Partial<Record<Actor, readonly Status[]>>> = {
  held: { client: ['pending', 'confirmed', 'cancelled'], therapist: ['confirmed', 'cancelled'] },
  pending: { client: ['cancelled'], therapist: ['confirmed', 'declined'] },
  confirmed: {
    client: ['cancelled'],
    therapist: ['completed', 'no_show', 'cancelled'],
    system: ['completed', 'cancelled']
  },
  completed: { therapist: ['no_show'] },
  no_show: { therapist: ['completed'] },
  cancelled: {},
  declined: {},
  expired: {}
}

function reachable(booking: State, from: Status, actor: Actor): readonly Status[] {
  // Its time has run out, and all that is left to do is to write that down.
  if (from === 'expired' && booking.status !== 'expired') return actor === 'system' ? ['expired'] : []
  const targets = ways[from][actor] ?? []
  if (from !== 'held' || actor !== 'client') return targets
  return targets.filter((target) => target !== (booking.needsApproval ? 'confirmed' : 'pending'))
}

/** A client who confirms a hold of a service that needs approval has asked for it: nobody need know that beforehand. */
function targetOf({ needsApproval }: State, from: Status, wanted: Status, actor: Actor): Status {
  const asks = from === 'held' && wanted === 'confirmed' && actor === 'client' && needsApproval
  return asks ? 'pending' : wanted
}

function tooLateOrEarly(
  { startsAt, endsAt }: State,
  from: Status,
  target: Status,
  actor: Actor,
  now: number,
  { cancelWindowMin }: Policy
): Decision | null {
  if (from === 'confirmed' && target === 'cancelled' && actor === 'client') {
    return notAfter(startsAt - cancelWindowMin * minute, now)
  }
  if (target !== 'completed' && target !== 'no_show') return null
  if (from !== 'confirmed') return notAfter(endsAt + correctionMs, now)
  const earliest = actor === 'system' ? endsAt + completionMs : startsAt
  return now < earliest ? { kind: 'too-early', earliest } : null
}

function move(
  booking: State,
  from: Status,
  start: number,
  actor: Actor,
  now: number,
  { rescheduleWindowMin, maxReschedules }: Policy
): Decision {
  const { sequence, startsAt } = booking
  if (actor === 'system' || (from !== 'pending' && from !== 'confirmed')) {
    return { kind: 'not-possible', allowed: reachable(booking, from, actor) }
  }
  const window = actor === 'client' ? rescheduleWindowMin * minute : 0
  const late = notAfter(startsAt - window, now)
  if (late) return late
  if (actor === 'client' && sequence >= maxReschedules)
    return { kind: 'moved-too-often', limit: maxReschedules }
  const holdExpiresAt = from === 'pending' ? Math.min(lapsesAt(booking) ?? start, start) : null
  return { kind: 'change', change: { status: from, sequence: sequence + 1, holdExpiresAt, start } }
}

function notAfter(deadline: number, now: number): Decision | null {
  return now > deadline ? { kind: 'too-late', deadline } : null
}

function change(
  { sequence, startsAt, holdExpiresAt }: State,
  status: Status,
  actor: Actor,
  reason: string | undefined,
  now: number
): Decision {
  if (status === 'cancelled' && actor !== 'client' && reason === undefined) return { kind: 'reason-missing' }
  const ends = status === 'pending' ? Math.min(now + requestMs, startsAt) : null
  return {
    kind: 'change',
    change: {
      status,
      sequence,
      // What has run out keeps the moment at which it did.
      holdExpiresAt: status === 'expired' ? holdExpiresAt : ends,
      ...(status === 'cancelled' && { cancelledBy: actor }),
      ...(reason !== undefined && { cancelReason: reason })
    }
  }
}
