// A calendar and a service to vary, for tests of the rules.
import type { BookableService, Calendar } from '../../src/calendar/rules.ts'

const therapistId = '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'

/** Madrid, closed all week, a day's notice, 60 days ahead; unless `rules` say otherwise. */
export function calendarWith(rules: Partial<Calendar> = {}): Calendar {
  return {
    therapistId,
    version: 1,
    timeZone: 'Europe/Madrid',
    weekly: {},
    overrides: {},
    holidayRegion: null,
    minNoticeMin: 1440,
    horizonDays: 60,
    cancelWindowMin: 1440,
    rescheduleWindowMin: 1440,
    maxReschedules: 3,
    maxPerDay: null,
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...rules
  }
}

/** An hour, each hour, without pauses; unless `terms` say otherwise. */
export function serviceWith(terms: Partial<BookableService> = {}): BookableService {
  return {
    id: '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e51',
    therapistId,
    name: 'Sesión individual',
    durationMin: 60,
    bufferBeforeMin: 0,
    bufferAfterMin: 0,
    stepMin: 60,
    price: 6000,
    currency: 'EUR',
    mode: 'either',
    needsApproval: false,
    active: true,
    ...terms
  }
}

/** The same hours each day of the week. */
export function daily(...hours: [from: string, to: string][]): Calendar['weekly'] {
  return { 1: hours, 2: hours, 3: hours, 4: hours, 5: hours, 6: hours, 7: hours }
}
