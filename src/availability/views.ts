// How availability is read: a month of one service, whose hold it is, and the rules for their owner.
import { Type } from 'typebox'
import { findCalendar, findService, findSessions } from '../calendar/queries.ts'
import { calendarTag } from '../calendar/tags.ts'
import { view } from '../http/view.ts'
import { profileTag } from '../profiles/tags.ts'
import { boundsOf, Month, type MonthAsked, margin, monthOf } from './month.ts'
import { findPublicCalendar, holdsIt } from './queries.ts'
import { rulesOf } from './rules.ts'
import { Rules } from './schema.ts'

const seconds = 1_000

/** Answered with is what src/availability/offer.ts makes of months at the moment. */
export const monthView = view<MonthAsked, Month>({
  name: 'availability',
  schema: Month,
  key: ({ therapistId, serviceId, month }) => `${therapistId}:${serviceId}:${month}`,
  // A private profile has no availability, so that its visibility counts too.
  tags: ({ therapistId }) => [calendarTag(therapistId), profileTag(therapistId)],
  groups: ({ therapistId }) => [calendarTag(therapistId), profileTag(therapistId)],
  load: async (database, { therapistId, serviceId, month }) => {
    const calendar = await findPublicCalendar(database, therapistId)
    if (!calendar) return null
    const service = await findService(database, serviceId)
    if (!service?.active || service.therapistId !== therapistId) return null
    const { from, to } = boundsOf(month)
    const sessions = await findSessions(database, therapistId, from - margin, to + margin)
    return monthOf(calendar, service, sessions, month)
  },
  ttlMs: 600 * seconds,
  absentTtlMs: 30 * seconds,
  staleBudgetMs: 0,
  staleIfErrorMs: 0,
  browser: 'public, max-age=10, s-maxage=15, stale-while-revalidate=15',
  edge: 'max-age=15, stale-while-revalidate=15'
})

/** The same for somebody who holds a slot: nobody else's to see, and new each time. */
export const heldMonthView = { ...monthView, browser: 'private, no-store', edge: null }

/** Absent unless it is a live hold of this user's. */
export const ownHoldView = view<{ userId: string; therapistId: string; holdId: string }, { held: true }>({
  name: 'own-hold',
  schema: Type.Object({ held: Type.Boolean() }),
  key: ({ userId, therapistId, holdId }) => `${userId}:${therapistId}:${holdId}`,
  tags: ({ therapistId }) => [calendarTag(therapistId)],
  groups: () => [],
  load: async (database, asked) => ((await holdsIt(database, asked)) ? { held: true } : null),
  ttlMs: 60 * seconds,
  absentTtlMs: 30 * seconds,
  staleBudgetMs: 0,
  staleIfErrorMs: 0,
  browser: 'private, no-store',
  edge: null
})

export const rulesView = view<{ therapistId: string }, Rules>({
  name: 'availability-rules',
  schema: Rules,
  key: ({ therapistId }) => therapistId,
  tags: ({ therapistId }) => [calendarTag(therapistId)],
  groups: ({ therapistId }) => [calendarTag(therapistId)],
  load: async (database, { therapistId }) => {
    const calendar = await findCalendar(database, therapistId)
    return calendar && rulesOf(calendar)
  },
  version: ({ version }) => version,
  ttlMs: 300 * seconds,
  absentTtlMs: 30 * seconds,
  staleBudgetMs: 0,
  staleIfErrorMs: 0,
  browser: 'private, no-cache',
  edge: null
})
