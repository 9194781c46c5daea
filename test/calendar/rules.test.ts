import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import {
  type BookableService,
  type Busy,
  type Calendar,
  freeStarts,
  whyUnavailable
} from '../../src/calendar/rules.ts'
import { vectors } from './changes-of-clocks.ts'
import { calendarWith, daily, serviceWith } from './practice.ts'

const minute = 60_000
const at = (iso: string) => Date.parse(iso)

/** Starts of one local day in Madrid, as wall-clock times there. */
function onDay(
  date: string,
  rules: Partial<Calendar>,
  terms: Partial<BookableService> = {},
  busy: Busy[] = []
): string {
  const from = Temporal.PlainDate.from(date).toZonedDateTime('Europe/Madrid')
  const to = from.add({ days: 1 })
  const starts = freeStarts(
    calendarWith(rules),
    serviceWith(terms),
    busy,
    from.epochMilliseconds,
    to.epochMilliseconds
  )
  const clock = (start: number) =>
    Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO('Europe/Madrid').toPlainTime()
  return starts.map((start) => clock(start).toString().slice(0, 5)).join(' ')
}

t.test('hours are wall-clock hours, whatever clocks do and wherever the process runs', async (t) => {
  const script = fileURLToPath(new URL('changes-of-clocks.ts', import.meta.url))
  const inZone = async (TZ: string) => {
    const { stdout } = await promisify(execFile)(process.execPath, [script], {
      env: { ...process.env, TZ },
      timeout: 60_000
    })
    return JSON.parse(stdout)
  }
  for (const zone of ['UTC', 'Asia/Dubai', 'America/St_Johns']) {
    const starts = await inZone(zone)
    for (const [i, { what, starts: wanted }] of vectors.entries())
      t.equal(starts[i], wanted, `${what}; in ${zone}`)
  }
})

t.test('sessions end within opening hours, their pause need not', async (t) => {
  const weekly = daily(['09:00', '12:00'])
  t.equal(onDay('2026-11-23', { weekly }), '09:00 10:00 11:00')
  t.equal(onDay('2026-11-23', { weekly }, { durationMin: 90 }), '09:00 10:00')
  t.equal(onDay('2026-11-23', { weekly }, { durationMin: 50, bufferAfterMin: 30 }), '09:00 10:00 11:00')
  t.equal(onDay('2026-11-23', { weekly }, { durationMin: 181 }), '')
})

t.test('no session meets what is taken, its pauses included; where one ends another may begin', async (t) => {
  const weekly = daily(['09:00', '13:00'])
  const taken = [{ from: at('2026-11-23T09:00Z'), to: at('2026-11-23T10:00Z') }]
  t.equal(onDay('2026-11-23', { weekly }, {}, taken), '09:00 11:00 12:00')
  t.equal(onDay('2026-11-23', { weekly }, { bufferAfterMin: 1 }, taken), '11:00 12:00')
  t.equal(onDay('2026-11-23', { weekly }, { bufferBeforeMin: 1 }, taken), '09:00 12:00')
  t.equal(onDay('2026-11-23', { weekly }, { stepMin: 30 }, taken), '09:00 11:00 11:30 12:00')
})

t.test('a single date’s hours replace the week’s, open a closed day, and close an open one', async (t) => {
  const weekly = { 1: [['09:00', '12:00']] } satisfies Calendar['weekly']
  const overrides = {
    '2026-11-23': [['11:00', '14:00']],
    '2026-11-24': [['10:00', '11:00']],
    '2026-11-30': []
  } satisfies Calendar['overrides']
  t.equal(onDay('2026-11-23', { weekly, overrides }), '11:00 12:00 13:00', 'not an intersection')
  t.equal(onDay('2026-11-24', { weekly, overrides }), '10:00', 'a Tuesday, closed by the week')
  t.equal(onDay('2026-11-30', { weekly, overrides }), '', 'a Monday, closed this once')
  t.equal(onDay('2026-12-07', { weekly, overrides }), '09:00 10:00 11:00', 'the next is as ever')
})

t.test('a single date is one of the practice’s own, whatever day it is elsewhere by then', async (t) => {
  const overrides: Calendar['overrides'] = { '2026-11-24': [['08:00', '09:00']] }
  const calendar = calendarWith({ timeZone: 'Pacific/Auckland', overrides })
  const starts = freeStarts(calendar, serviceWith(), [], at('2026-11-22T00:00Z'), at('2026-11-26T00:00Z'))
  t.same(starts, [at('2026-11-23T19:00Z')])
})

t.test('practices keep the holidays of their region alone, unless a date says otherwise', async (t) => {
  const weekly = daily(['09:00', '10:00'])
  const andalusian = '2026-02-28'
  t.equal(onDay(andalusian, { weekly, holidayRegion: 'ES-AN' }), '')
  t.equal(onDay(andalusian, { weekly, holidayRegion: 'ES-MD' }), '09:00')
  t.equal(onDay(andalusian, { weekly }), '09:00')
  t.equal(onDay('2026-12-25', { weekly, holidayRegion: 'ES-MD' }), '', 'a national one')
  const overrides: Calendar['overrides'] = { '2026-12-25': [['18:00', '19:00']] }
  t.equal(onDay('2026-12-25', { weekly, holidayRegion: 'ES-MD', overrides }), '18:00')
})

t.test('hours may pass midnight, or end at it', async (t) => {
  t.equal(onDay('2026-11-23', { weekly: { 1: [['22:00', '01:00']] } }), '22:00 23:00')
  t.equal(onDay('2026-11-24', { weekly: { 1: [['22:00', '01:00']] } }), '00:00', 'the end of Monday’s')
  t.equal(onDay('2026-11-23', { weekly: { 1: [['22:00', '24:00']] } }), '22:00 23:00')
  t.equal(onDay('2026-11-24', { weekly: { 1: [['22:00', '24:00']] } }), '')
  const overrides: Calendar['overrides'] = { '2026-11-24': [] }
  t.equal(onDay('2026-11-24', { weekly: { 1: [['22:00', '01:00']] }, overrides }), '00:00', 'it is Monday’s')
})

t.test('it is said why nobody may begin then', async (t) => {
  const calendar = calendarWith({ weekly: { 1: [['09:00', '12:00']] } })
  const service = serviceWith({ durationMin: 50, stepMin: 60 })
  const now = at('2026-11-01T00:00Z')
  const why = (start: string, from = now) => whyUnavailable(calendar, service, at(start), from)
  t.equal(why('2026-11-23T08:00Z'), null)
  t.equal(why('2026-11-23T08:15Z'), 'off-grid')
  t.equal(why('2026-11-23T07:00Z'), 'closed')
  t.equal(why('2026-11-23T10:15Z'), 'closed', 'it would end after closing')
  t.equal(why('2026-11-24T08:00Z'), 'closed')
  t.equal(why('2026-11-23T08:00Z', at('2026-11-22T08:00Z')), null, 'a day’s notice to the minute')
  t.equal(why('2026-11-23T08:00Z', at('2026-11-22T08:01Z')), 'inside-notice')
  t.equal(why('2026-11-23T08:00Z', at('2026-12-01T00:00Z')), 'inside-notice', 'and what is past')
  t.equal(why('2027-01-04T08:00Z'), 'beyond-horizon')
})

const clocks = ['00:00', '04:30', '05:00', '09:00', '11:15', '13:00', '17:45', '20:00', '23:00']
const anyHours = fc
  .tuple(fc.constantFrom(...clocks), fc.constantFrom(...clocks, '24:00'))
  .map(([from, to]): [string, string] => [from, to])
const anyWeek = fc
  .array(fc.array(anyHours, { maxLength: 2 }), { minLength: 7, maxLength: 7 })
  .map((days): Calendar['weekly'] => Object.fromEntries(days.map((hours, i) => [String(i + 1), hours])))
const anyService = fc
  .record({
    durationMin: fc.integer({ min: 15, max: 120 }),
    stepMin: fc.integer({ min: 5, max: 90 }),
    bufferBeforeMin: fc.integer({ min: 0, max: 30 }),
    bufferAfterMin: fc.integer({ min: 0, max: 30 })
  })
  .map(serviceWith)

// Around changes of clocks, and a week without any.
const anyPlace = fc.constantFrom(
  ['Europe/Madrid', '2026-03-27T12:00Z'],
  ['Europe/Madrid', '2026-10-23T12:00Z'],
  ['America/Santiago', '2026-09-04T12:00Z'],
  ['Pacific/Auckland', '2026-09-25T12:00Z'],
  ['Asia/Kathmandu', '2026-06-10T12:00Z']
)
const lastsMinutes = 3 * 1440

t.test('what is offered is what trying every minute finds', async () => {
  fc.assert(
    fc.property(
      anyPlace,
      anyWeek,
      anyService,
      fc.array(fc.tuple(fc.integer({ min: 0, max: lastsMinutes }), fc.integer({ min: 1, max: 300 })), {
        maxLength: 8
      }),
      ([timeZone = 'UTC', since = ''], weekly, service, blocks) => {
        const from = at(since)
        const to = from + lastsMinutes * minute
        const busy = blocks
          .map(([start, length]) => ({ from: from + start * minute, to: from + (start + length) * minute }))
          .sort((a, b) => a.from - b.from)
        const calendar = calendarWith({ timeZone, weekly })
        assert.deepEqual(
          freeStarts(calendar, service, busy, from, to),
          byTrying(calendar, service, busy, from, to)
        )
      }
    ),
    { numRuns: 300 }
  )
})

/**
 * The same by brute force: every minute that clocks show within some hours belongs to those hours; a session may begin
 * at each step from their first minute if it has all its minutes there and none, pauses included, is taken.
 */
function byTrying(
  { timeZone, weekly }: Calendar,
  { durationMin, stepMin, bufferBeforeMin, bufferAfterMin }: BookableService,
  busy: readonly Busy[],
  from: number,
  to: number
): number[] {
  const minutesOfHours = new Map<string, number[]>()
  for (const { ms, date, time, weekday, before } of minutesAround(timeZone, from, to)) {
    const belongs = (day: string, hours: [string, string]) => {
      const name = `${day} ${hours}`
      minutesOfHours.set(name, [...(minutesOfHours.get(name) ?? []), ms])
    }
    for (const hours of new Set((weekly[weekday] ?? []).map(String))) {
      const [opens = '', closes = ''] = hours.split(',')
      if (time >= opens && (time < closes || closes <= opens)) belongs(date, [opens, closes])
    }
    for (const hours of new Set((weekly[before.weekday] ?? []).map(String))) {
      const [opens = '', closes = ''] = hours.split(',')
      if (closes <= opens && time < closes) belongs(before.date, [opens, closes])
    }
  }
  const found = new Set<number>()
  for (const minutes of minutesOfHours.values()) {
    const [opening = 0] = minutes
    const last = minutes.at(-1) ?? 0
    for (const start of minutes) {
      if ((start - opening) % (stepMin * minute) !== 0 || start < from || start >= to) continue
      if (start + (durationMin - 1) * minute > last) continue
      let free = true
      for (
        let ms = start - bufferBeforeMin * minute;
        ms < start + (durationMin + bufferAfterMin) * minute;
        ms += minute
      ) {
        if (busy.some((taken) => ms >= taken.from && ms < taken.to)) free = false
      }
      if (free) found.add(start)
    }
  }
  return [...found].sort((a, b) => a - b)
}

type Weekday = keyof Calendar['weekly']
type Minute = {
  ms: number
  date: string
  time: string
  weekday: Weekday
  before: { date: string; weekday: Weekday }
}
const minutesKept = new Map<string, Minute[]>()

function minutesAround(timeZone: string, from: number, to: number): Minute[] {
  const kept = minutesKept.get(timeZone + from)
  if (kept) return kept
  const list: Minute[] = []
  for (let ms = from - 2880 * minute; ms < to + 2880 * minute; ms += minute) {
    const shown = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone)
    const before = shown.toPlainDate().subtract({ days: 1 })
    list.push({
      ms,
      date: shown.toPlainDate().toString(),
      time: shown.toPlainTime().toString().slice(0, 5),
      weekday: String(shown.dayOfWeek) as Weekday,
      before: { date: before.toString(), weekday: String(before.dayOfWeek) as Weekday }
    })
  }
  minutesKept.set(timeZone + from, list)
  return list
}
