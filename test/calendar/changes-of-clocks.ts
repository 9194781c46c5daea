// Days on which clocks change, and what they offer: starts in UTC, `MM-DDTHH:MM`. Run by itself it prints what the rules
// make of them, for a test that does so in processes of other zones.
import { freeStarts } from '../../src/calendar/rules.ts'
import { calendarWith, daily, serviceWith } from './practice.ts'

type Vector = {
  what: string
  timeZone: string
  hours: [from: string, to: string]
  stepMin?: number
  /** Local noon to local noon of these two dates, in UTC. */
  from: string
  to: string
  starts: string
}

export const vectors: readonly Vector[] = [
  {
    what: 'Madrid, the night that lacks an hour: six hours of the clock are five sessions',
    timeZone: 'Europe/Madrid',
    hours: ['00:00', '06:00'],
    from: '2026-03-28T11:00Z',
    to: '2026-03-29T10:00Z',
    starts: '03-28T23:00 03-29T00:00 03-29T01:00 03-29T02:00 03-29T03:00'
  },
  {
    what: 'Madrid, the night that has an hour twice: six are seven',
    timeZone: 'Europe/Madrid',
    hours: ['00:00', '06:00'],
    from: '2026-10-24T10:00Z',
    to: '2026-10-25T11:00Z',
    starts: '10-24T22:00 10-24T23:00 10-25T00:00 10-25T01:00 10-25T02:00 10-25T03:00 10-25T04:00'
  },
  {
    what: 'Madrid, hours that are skipped altogether: closed that day',
    timeZone: 'Europe/Madrid',
    hours: ['02:00', '03:00'],
    from: '2026-03-29T00:00Z',
    to: '2026-03-29T22:00Z',
    starts: ''
  },
  {
    what: 'Madrid, nine o’clock stays nine o’clock through a spring weekend',
    timeZone: 'Europe/Madrid',
    hours: ['09:00', '10:00'],
    from: '2026-03-28T00:00Z',
    to: '2026-03-31T00:00Z',
    starts: '03-28T08:00 03-29T07:00 03-30T07:00'
  },
  {
    what: 'Madrid, and through an autumn one',
    timeZone: 'Europe/Madrid',
    hours: ['09:00', '10:00'],
    from: '2026-10-24T00:00Z',
    to: '2026-10-27T00:00Z',
    starts: '10-24T07:00 10-25T08:00 10-26T08:00'
  },
  {
    what: 'Madrid, overnight into the day that lacks an hour',
    timeZone: 'Europe/Madrid',
    hours: ['22:00', '04:00'],
    from: '2026-03-28T12:00Z',
    to: '2026-03-29T12:00Z',
    starts: '03-28T21:00 03-28T22:00 03-28T23:00 03-29T00:00 03-29T01:00'
  },
  {
    what: 'Las Palmas changes at the same instant, an hour earlier by its clocks',
    timeZone: 'Atlantic/Canary',
    hours: ['00:00', '03:00'],
    from: '2026-03-28T12:00Z',
    to: '2026-03-29T11:00Z',
    starts: '03-29T00:00 03-29T01:00'
  },
  {
    what: 'Santiago, a day without a midnight begins at one',
    timeZone: 'America/Santiago',
    hours: ['00:00', '03:00'],
    from: '2026-09-05T16:00Z',
    to: '2026-09-06T15:00Z',
    starts: '09-06T04:00 09-06T05:00'
  },
  {
    what: 'Santiago, open until the midnight that does not come',
    timeZone: 'America/Santiago',
    hours: ['22:00', '24:00'],
    from: '2026-09-05T16:00Z',
    to: '2026-09-06T15:00Z',
    starts: '09-06T02:00 09-06T03:00'
  },
  {
    what: 'Cairo, a Friday that begins at one',
    timeZone: 'Africa/Cairo',
    hours: ['00:00', '03:00'],
    from: '2026-04-23T10:00Z',
    to: '2026-04-24T09:00Z',
    starts: '04-23T22:00 04-23T23:00'
  },
  {
    what: 'Lord Howe, half an hour is skipped',
    timeZone: 'Australia/Lord_Howe',
    hours: ['01:00', '04:00'],
    stepMin: 30,
    from: '2026-10-03T02:00Z',
    to: '2026-10-04T01:00Z',
    starts: '10-03T14:30 10-03T15:00 10-03T15:30 10-03T16:00'
  },
  {
    what: 'Lord Howe, half an hour comes twice',
    timeZone: 'Australia/Lord_Howe',
    hours: ['01:00', '04:00'],
    from: '2026-04-04T01:00Z',
    to: '2026-04-05T02:00Z',
    starts: '04-04T14:00 04-04T15:00 04-04T16:00'
  },
  {
    what: 'Kathmandu never changes, and is three quarters of an hour off',
    timeZone: 'Asia/Kathmandu',
    hours: ['09:00', '11:00'],
    from: '2026-03-28T18:15Z',
    to: '2026-03-29T18:15Z',
    starts: '03-29T03:15 03-29T04:15'
  }
]

/** What the rules make of each. */
export function startsOfVectors(): string[] {
  return vectors.map(({ timeZone, hours, stepMin = 60, from, to }) =>
    freeStarts(
      calendarWith({ timeZone, weekly: daily(hours) }),
      serviceWith({ stepMin }),
      [],
      Date.parse(from),
      Date.parse(to)
    )
      .map((start) => new Date(start).toISOString().slice(5, 16))
      .join(' ')
  )
}

if (import.meta.main) console.log(JSON.stringify(startsOfVectors()))
