// The state machine, over all states, actors and times.
import fc from 'fast-check'
import t from 'tap'
import {
  type Actor,
  effective,
  lapsesAt,
  type Policy,
  type State,
  type Status,
  statuses,
  transition,
  type Wish
} from '../../src/bookings/transition.ts'

const minute = 60_000
const day = 24 * 60 * minute
const noon = Date.UTC(2026, 10, 23, 12)

const takesTime: readonly Status[] = ['held', 'pending', 'confirmed', 'completed', 'no_show']
const actors: readonly Actor[] = ['client', 'therapist', 'system']

const aBooking: fc.Arbitrary<State> = fc
  .record({
    status: fc.constantFrom(...statuses),
    startsAt: fc.integer({ min: -20, max: 20 }).map((days) => noon + days * (day / 2)),
    lasts: fc.constantFrom(30, 60, 90),
    agoMinutes: fc.integer({ min: 0, max: 5_000 }),
    ends: fc.option(fc.integer({ min: -20, max: 20 })),
    sequence: fc.integer({ min: 0, max: 5 }),
    needsApproval: fc.boolean()
  })
  .map(({ lasts, agoMinutes, ends, ...booking }) => ({
    ...booking,
    endsAt: booking.startsAt + lasts * minute,
    createdAt: noon - agoMinutes * minute,
    holdExpiresAt: ends === null ? null : noon + ends * minute
  }))
const aPolicy: fc.Arbitrary<Policy> = fc.record({
  cancelWindowMin: fc.constantFrom(0, 60, 1440),
  rescheduleWindowMin: fc.constantFrom(0, 60, 1440),
  maxReschedules: fc.integer({ min: 0, max: 3 })
})
const anActor = fc.constantFrom(...actors)
const aWish: fc.Arbitrary<Wish> = fc.oneof(
  fc.record({ status: fc.constantFrom(...statuses), reason: fc.constant('The train is late') }),
  fc.record({ start: fc.integer({ min: 1, max: 500 }).map((hours) => noon + hours * 60 * minute) })
)

function holds(
  property: (booking: State, wish: Wish, actor: Actor, policy: Policy) => boolean | undefined
): void {
  fc.assert(
    fc.property(
      aBooking,
      aWish,
      anActor,
      aPolicy,
      (booking, wish, actor, policy) => property(booking, wish, actor, policy) ?? true
    ),
    { numRuns: 3_000 }
  )
}

t.test('what takes no time never takes time again', async () => {
  holds((booking, wish, actor, policy) => {
    const decision = transition(booking, wish, actor, noon, policy)
    if (takesTime.includes(effective(booking, noon)) || decision.kind !== 'change') return
    return !takesTime.includes(decision.change.status) && decision.change.start === undefined
  })
})

t.test('what is allowed is what is possible', async () => {
  holds((booking, wish, actor, policy) => {
    const decision = transition(booking, wish, actor, noon, policy)
    if (decision.kind !== 'not-possible') return
    const again = (status: Status) => transition(booking, { status, reason: 'x' }, actor, noon, policy).kind
    return statuses.every((status) => !decision.allowed.includes(status) || again(status) !== 'not-possible')
  })
})

t.test('a hold or a request whose time has run out can only expire, and only by itself', async () => {
  holds((booking, wish, actor, policy) => {
    const lapses = lapsesAt(booking)
    if (lapses === null || noon < lapses) return
    const decision = transition(booking, wish, actor, noon, policy)
    return decision.kind === 'change'
      ? actor === 'system' && decision.change.status === 'expired'
      : decision.kind === 'not-possible'
  })
})

t.test('a move counts itself and changes no state; nothing else counts', async () => {
  holds((booking, wish, actor, policy) => {
    const decision = transition(booking, wish, actor, noon, policy)
    if (decision.kind !== 'change') return
    const { status, sequence, start } = decision.change
    if ('start' in wish) {
      return start === wish.start && status === booking.status && sequence === booking.sequence + 1
    }
    return start === undefined && sequence === booking.sequence
  })
})

t.test('a client is held to the windows and the number of moves; a therapist is not', async () => {
  holds((booking, wish, actor, policy) => {
    if (actor === 'system') return
    const decision = transition(booking, wish, actor, noon, policy)
    if (decision.kind !== 'change' || actor === 'therapist')
      return decision.kind !== 'moved-too-often' || actor === 'client'
    const left = (booking.startsAt - noon) / minute
    if ('start' in wish) {
      return left >= policy.rescheduleWindowMin && booking.sequence < policy.maxReschedules
    }
    return booking.status !== 'confirmed' || left >= policy.cancelWindowMin
  })
})

t.test('the table of the design, whole', async (t) => {
  const windows: Policy = { cancelWindowMin: 60, rescheduleWindowMin: 60, maxReschedules: 3 }
  const found: string[] = []
  for (const status of statuses) {
    for (const actor of actors) {
      for (const target of statuses) {
        for (const needsApproval of [false, true]) {
          const ways = [noon - 2 * day, noon + day].flatMap((startsAt) =>
            [noon - minute, noon + minute].map((holdExpiresAt) =>
              transition(
                {
                  status,
                  startsAt,
                  endsAt: startsAt + 60 * minute,
                  createdAt: noon - 5 * minute,
                  holdExpiresAt: status === 'held' || status === 'pending' ? holdExpiresAt : null,
                  sequence: 0,
                  needsApproval
                },
                { status: target, reason: 'a reason' },
                actor,
                noon,
                windows
              )
            )
          )
          for (const way of ways) {
            if (way.kind === 'change') found.push(`${status} → ${way.change.status} by ${actor}`)
          }
        }
      }
    }
  }
  t.same([...new Set(found)].sort(), [
    'completed → no_show by therapist',
    'confirmed → cancelled by client',
    'confirmed → cancelled by system',
    'confirmed → cancelled by therapist',
    'confirmed → completed by system',
    'confirmed → completed by therapist',
    'confirmed → no_show by therapist',
    'held → cancelled by client',
    'held → cancelled by therapist',
    'held → confirmed by client',
    'held → confirmed by therapist',
    'held → expired by system',
    'held → pending by client',
    'no_show → completed by therapist',
    'pending → cancelled by client',
    'pending → confirmed by therapist',
    'pending → declined by therapist',
    'pending → expired by system'
  ])
})

t.test('the moments at which a door closes or opens', async (t) => {
  const windows: Policy = { cancelWindowMin: 60, rescheduleWindowMin: 120, maxReschedules: 1 }
  const booking: State = {
    status: 'confirmed',
    startsAt: noon,
    endsAt: noon + 60 * minute,
    createdAt: noon - 9 * day,
    holdExpiresAt: null,
    sequence: 0,
    needsApproval: false
  }
  const at = (now: number, wish: Wish, actor: Actor, change: Partial<State> = {}) =>
    transition({ ...booking, ...change }, wish, actor, now, windows)
  const cancel = { status: 'cancelled' } as const
  const later = { start: noon + day }

  t.match(at(noon - 60 * minute, cancel, 'client'), { kind: 'change', change: { cancelledBy: 'client' } })
  t.same(at(noon - 60 * minute + 1, cancel, 'client'), { kind: 'too-late', deadline: noon - 60 * minute })
  t.same(at(noon - 60 * minute, cancel, 'therapist'), { kind: 'reason-missing' })
  t.match(at(noon, { ...cancel, reason: 'ill' }, 'therapist'), { change: { cancelReason: 'ill' } })

  t.match(at(noon - 120 * minute, later, 'client'), { change: { start: noon + day, sequence: 1 } })
  t.same(at(noon - 119 * minute, later, 'client'), { kind: 'too-late', deadline: noon - 120 * minute })
  t.same(at(noon - day, later, 'client', { sequence: 1 }), { kind: 'moved-too-often', limit: 1 })
  t.match(at(noon - 1, later, 'therapist', { sequence: 7 }), { kind: 'change' })

  t.same(at(noon - 1, { status: 'no_show' }, 'therapist'), { kind: 'too-early', earliest: noon })
  t.match(at(noon, { status: 'no_show' }, 'therapist'), { kind: 'change' })
  t.same(at(noon + day, { status: 'completed' }, 'system'), {
    kind: 'too-early',
    earliest: noon + 60 * minute + day
  })
  const corrected = { status: 'completed' } as const
  t.match(at(noon + 60 * minute + 7 * day, corrected, 'therapist', { status: 'no_show' }), { kind: 'change' })
  t.match(at(noon + 60 * minute + 7 * day + 1, corrected, 'therapist', { status: 'no_show' }), {
    kind: 'too-late'
  })
})
