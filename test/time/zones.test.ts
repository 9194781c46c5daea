import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { instantsOf, isTimeZone, toInstant, toLocal } from '../../src/time/zones.ts'

const at = (iso: string) => Date.parse(iso)

t.test('a zone is what IANA names, and nothing that merely looks like one', async (t) => {
  for (const name of ['Europe/Madrid', 'UTC', 'Europe/Kyiv', 'Asia/Kolkata', 'America/Argentina/Ushuaia']) {
    t.ok(isTimeZone(name), name)
  }
  for (const name of ['+02:00', '-08', '+0200', 'Z', '', 'Mars/Olympus', 'europe/madrid', 'x'.repeat(70)]) {
    t.notOk(isTimeZone(name), name)
  }
  t.throws(() => toLocal(0, '+02:00'), RangeError)
})

t.test('a time that a clock skips is no instant, one that it shows twice is two', async (t) => {
  t.same(instantsOf('2026-03-29', '02:30', 'Europe/Madrid'), [])
  t.same(instantsOf('2026-10-25', '02:30', 'Europe/Madrid'), [
    at('2026-10-25T00:30:00Z'),
    at('2026-10-25T01:30:00Z')
  ])
  t.same(instantsOf('2026-10-25', '03:00', 'Europe/Madrid'), [at('2026-10-25T02:00:00Z')])
})

t.test('rules take the first of two, and what lies in a gap that far after it', async (t) => {
  const means = (date: string, time: string, zone: string) =>
    new Date(toInstant(date, time, zone)).toISOString().slice(0, 16)
  t.equal(means('2026-03-29', '02:30', 'Europe/Madrid'), '2026-03-29T01:30')
  t.equal(means('2026-10-25', '02:30', 'Europe/Madrid'), '2026-10-25T00:30')
  t.equal(means('2026-03-29', '01:30', 'Atlantic/Canary'), '2026-03-29T01:30')
  t.equal(means('2026-09-06', '00:00', 'America/Santiago'), '2026-09-06T04:00', 'a day without a midnight')
  t.equal(means('2026-04-24', '00:00', 'Africa/Cairo'), '2026-04-23T22:00', 'another')
  t.equal(means('2026-10-04', '02:15', 'Australia/Lord_Howe'), '2026-10-03T15:45', 'half an hour is skipped')
  t.equal(means('2026-04-05', '01:45', 'Australia/Lord_Howe'), '2026-04-04T14:45', 'half an hour comes twice')
  t.equal(means('2026-06-01', '09:00', 'Asia/Kathmandu'), '2026-06-01T03:15', 'three quarters of an hour')
})

t.test('what is no date or time is refused', async (t) => {
  for (const [date, time] of [
    ['2026-02-30', '10:00'],
    ['2026-13-01', '10:00'],
    ['2026-1-1', '10:00'],
    ['2026-01-01', '24:00'],
    ['2026-01-01', '9:00'],
    ['2026-01-01', '10:60']
  ] as const) {
    t.throws(() => instantsOf(date, time, 'UTC'), RangeError, `${date} ${time}`)
  }
})

// Half-hour and quarter-hour zones, jumps of half an hour, at midnight and over a whole day (Apia, 2011), Ramadan.
const zones = [
  'Europe/Madrid',
  'Atlantic/Canary',
  'America/Santiago',
  'Africa/Cairo',
  'Africa/Casablanca',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Auckland',
  'Pacific/Pago_Pago',
  'Pacific/Apia',
  'America/St_Johns',
  'UTC'
]
const anyMinute = fc
  .integer({ min: Date.UTC(2005, 0) / 60_000, max: Date.UTC(2045, 0) / 60_000 })
  .map((minutes) => minutes * 60_000)

t.test('every conversion is Temporal’s own, near a change of clocks too', async () => {
  // Around each change the answers differ most: half of the instants lie within two hours of one.
  const near = fc
    .tuple(fc.constantFrom(...zones), anyMinute, fc.integer({ min: -120, max: 120 }))
    .map(([zone, instant, minutes]): [string, number] => {
      const change = Temporal.Instant.fromEpochMilliseconds(instant)
        .toZonedDateTimeISO(zone)
        .getTimeZoneTransition('next')
      return [zone, (change?.epochMilliseconds ?? instant) + minutes * 60_000]
    })
  const anywhere = fc.tuple(fc.constantFrom(...zones), anyMinute)
  fc.assert(
    fc.property(fc.oneof(near, anywhere), ([zone, instant]) => {
      const shown = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone)
      const local = toLocal(instant, zone)
      assert.deepEqual(local, {
        date: shown.toPlainDate().toString(),
        time: shown.toPlainTime().toString().slice(0, 5),
        offsetMinutes: shown.offsetNanoseconds / 60e9
      })
      // The same digits read as a wall clock of the zone, which may be in a gap or a fold.
      const wall = new Date(instant).toISOString()
      const [date, time] = [wall.slice(0, 10), wall.slice(11, 16)]
      const plain = Temporal.PlainDateTime.from(`${date}T${time}`)
      const by = (disambiguation: 'earlier' | 'later' | 'compatible') =>
        plain.toZonedDateTime(zone, { disambiguation })
      const exist = [...new Set([by('earlier'), by('later')].map((found) => found.epochMilliseconds))]
      const exact = exist.filter((ms) => toLocal(ms, zone).time === time && toLocal(ms, zone).date === date)
      assert.deepEqual(instantsOf(date, time, zone), exact, `${date} ${time} ${zone}`)
      assert.equal(toInstant(date, time, zone), by('compatible').epochMilliseconds, `${date} ${time} ${zone}`)
    }),
    { numRuns: 2_000 }
  )
})
