// What is applied after the cache, against the same worked out at once; and how long it stands.
import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { type Month, monthOf, monthsBetween } from '../../src/availability/month.ts'
import { offerOf } from '../../src/availability/offer.ts'
import type { Session } from '../../src/calendar/queries.ts'
import { bookable, freeStarts } from '../../src/calendar/rules.ts'
import { toLocal } from '../../src/time/zones.ts'
import { calendarWith, daily, serviceWith } from '../calendar/practice.ts'

const minute = 60_000
const day = 1440 * minute
const at = (iso: string) => Date.parse(iso)

// The end of a month, in which Madrid changes its clocks too.
const from = at('2026-10-24T00:00Z')
const to = at('2026-11-04T00:00Z')
const now = at('2026-10-23T09:30Z')

const anySession = fc
  .record({ start: fc.integer({ min: -1440, max: 12 * 1440 }), length: fc.integer({ min: 15, max: 300 }) })
  .map(({ start, length }): Session => {
    const startsAt = from + start * minute
    return { id: randomUUIDv7(), startsAt, from: startsAt, to: startsAt + length * minute, heldUntil: null }
  })
const anyHold = fc
  .tuple(anySession, fc.integer({ min: -60, max: 5 * 1440 }))
  .map(([session, minutes]): Session => ({ ...session, heldUntil: now + minutes * minute }))

const anyPractice = fc.record({
  timeZone: fc.constantFrom('Europe/Madrid', 'Pacific/Auckland', 'America/Los_Angeles'),
  minNoticeMin: fc.constantFrom(0, 720, 2880),
  horizonDays: fc.constantFrom(3, 10, 60),
  maxPerDay: fc.constantFrom(null, 1, 3),
  stepMin: fc.constantFrom(20, 60),
  bufferAfterMin: fc.constantFrom(0, 15),
  firm: fc.uniqueArray(anySession, { maxLength: 10, selector: ({ startsAt }) => startsAt }),
  holds: fc.array(anyHold, { maxLength: 4 })
})
type AnyPractice = typeof anyPractice extends fc.Arbitrary<infer Value> ? Value : never

const parts = ({ stepMin, bufferAfterMin, firm, holds, ...rules }: AnyPractice) => ({
  calendar: calendarWith({ ...rules, weekly: daily(['09:00', '14:00'], ['22:00', '02:00']) }),
  service: serviceWith({ durationMin: 60, stepMin, bufferAfterMin }),
  sessions: [...firm, ...holds].sort((one, other) => one.from - other.from)
})

/** As the cache has them: what meets the month or the days around it. */
function monthsOf(practice: AnyPractice): [Month, ...Month[]] {
  const { calendar, service, sessions } = parts(practice)
  const [first = '', ...others] = monthsBetween(from, to)
  const of = (month: string) => {
    const [begins, ends] = [at(`${month}-01T00:00Z`), Date.UTC(2026, Number(month.slice(5)))]
    const near = sessions.filter((session) => session.to > begins - day && session.from < ends + day)
    return monthOf(calendar, service, near, month)
  }
  return [of(first), ...others.map(of)]
}

/** All at once, with nothing kept from before. */
function atOnce(practice: AnyPractice, moment: number, ownHoldId?: string): number[] {
  const { calendar, service, sessions } = parts(practice)
  const others = sessions.filter(
    ({ id, heldUntil }) => id !== ownHoldId && (heldUntil === null || heldUntil > moment)
  )
  const own = sessions.find(({ id, heldUntil }) => id === ownHoldId && (heldUntil ?? 0) > moment)
  const dateOf = (start: number) => toLocal(start, calendar.timeZone).date
  const perDay = Map.groupBy(new Set(others.map(({ startsAt }) => startsAt)), dateOf)
  const { earliest, latest } = bookable(calendar, moment)
  return freeStarts(calendar, service, others, from, to).filter((start) => {
    if (start === own?.startsAt) return true
    const full = calendar.maxPerDay !== null && (perDay.get(dateOf(start))?.length ?? 0) >= calendar.maxPerDay
    return start >= earliest && start < latest && !full
  })
}

t.test('what is applied after the cache is what would have been worked out at once', async () => {
  fc.assert(
    fc.property(anyPractice, fc.nat(), (practice, which) => {
      const months = monthsOf(practice)
      assert.deepEqual(offerOf(months, { from, to }, now).starts, atOnce(practice, now))
      const own = practice.holds[which % Math.max(1, practice.holds.length)]
      if (own) {
        const offer = offerOf(months, { from, to }, now, own.id)
        assert.deepEqual(offer.starts, atOnce(practice, now, own.id))
      }
    }),
    { numRuns: 500 }
  )
})

t.test('an offer stands until it says, and then the clock alone has made another of it', async (t) => {
  let changes = 0
  fc.assert(
    fc.property(
      anyPractice,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (practice, share) => {
        const months = monthsOf(practice)
        const offer = offerOf(months, { from, to }, now)
        if (offer.until === Number.POSITIVE_INFINITY) {
          assert.deepEqual(offerOf(months, { from, to }, now + 400 * day).starts, offer.starts)
          return
        }
        const before = now + Math.floor((offer.until - now) * share)
        assert.deepEqual(offerOf(months, { from, to }, before).starts, offer.starts)
        assert.deepEqual(offerOf(months, { from, to }, offer.until - 1).starts, offer.starts)
        const after = offerOf(months, { from, to }, offer.until).starts
        if (after.length !== offer.starts.length) changes++
      }
    ),
    { numRuns: 500 }
  )
  t.ok(changes > 50, 'it did change')
})
