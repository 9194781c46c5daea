// Calendar files, read by somebody else's reader.
import ICAL from 'ical.js'
import t from 'tap'
import { calendarFile, prefersCalendar } from '../../src/bookings/icalendar.ts'
import { fleet } from '../fleet.ts'
import { booked, practice } from './practice.ts'

const read = (file: string) => {
  const calendar = new ICAL.Component(ICAL.parse(file))
  return calendar.getAllSubcomponents('vevent').map((component) => {
    const { uid, summary, sequence, startDate, endDate } = new ICAL.Event(component)
    const status = component.getFirstPropertyValue('status')
    const [start, end] = [startDate, endDate].map((time) => time.toJSDate().toISOString())
    return { uid, summary, sequence, status, start, end }
  })
}

const event = {
  id: '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50',
  start: '2026-11-25T15:00:00Z',
  end: '2026-11-25T15:50:00Z',
  status: 'confirmed',
  sequence: 2,
  mode: 'online',
  createdAt: '2026-11-20T08:00:00.123Z',
  updatedAt: '2026-11-21T08:00:00.456Z'
} as const

t.test('what is written is what is read', async (t) => {
  const summary = `Terapia; pareja, y más \\ 日本語の長い題名です ${'largo '.repeat(30)}\nsegunda línea`
  const file = calendarFile([{ ...event, summary }])
  t.match(read(file), [
    {
      uid: `${event.id}@turno`,
      summary,
      sequence: 2,
      status: 'CONFIRMED',
      start: '2026-11-25T15:00:00.000Z',
      end: '2026-11-25T15:50:00.000Z'
    }
  ])
  const lines = file.split('\r\n')
  t.ok(
    lines.every((line) => Buffer.byteLength(line) <= 75),
    'no line is too long'
  )
  t.ok(
    lines.every((line) => !/[\r\n]/.test(line)),
    'and no end of a line is half'
  )
  t.same(read(calendarFile([])), [])
  t.same(
    (['held', 'pending', 'cancelled', 'declined', 'expired', 'no_show'] as const).map(
      (status) => read(calendarFile([{ ...event, summary, status }]))[0]?.status
    ),
    ['TENTATIVE', 'TENTATIVE', 'CANCELLED', 'CANCELLED', 'CANCELLED', 'CONFIRMED']
  )
})

t.test('a file is for who wants it more than JSON', async (t) => {
  for (const [accept, wanted] of [
    ['text/calendar', true],
    ['text/calendar, */*;q=0.1', true],
    ['application/json, text/calendar;q=0.5', false],
    ['text/calendar;q=0', false],
    ['*/*', false],
    [undefined, false]
  ] as const) {
    t.equal(prefersCalendar(accept), wanted, accept ?? 'nothing said')
  }
})

t.test('over HTTP', { timeout: 120_000 }, async (t) => {
  const one = await fleet(t, 1)
  const { at, her, newClient, patch, post, send, service } = await practice(one)
  const me = await newClient()
  const booking = booked(await post({ start: at(5, '10:00'), serviceId: service }, me.headers))
  const calendar = { accept: 'text/calendar' }
  const path = `/api/bookings/${booking.id}`

  await t.test('one booking, and each of its states', async (t) => {
    const file = await send('GET', path, { ...me.headers, ...calendar })
    t.match(file.headers, { 'content-type': 'text/calendar; charset=utf-8', vary: /accept/ })
    t.match(read(file.body), [{ summary: 'Sesión de 50', sequence: 0, status: 'CONFIRMED' }])
    t.equal(Date.parse(read(file.body)[0]?.start ?? ''), Date.parse(booking.start))
    const again = await send('GET', path, {
      ...me.headers,
      ...calendar,
      'if-none-match': String(file.headers.etag)
    })
    t.equal(again.status, 304)
    await patch(booking, { start: at(6, '12:00') }, me.headers)
    const moved = await send('GET', path, { ...me.headers, ...calendar })
    t.match(read(moved.body), [{ uid: `${booking.id}@turno`, sequence: 1 }])
    const stranger = await newClient()
    t.equal((await send('GET', path, { ...stranger.headers, ...calendar })).status, 404)
  })

  await t.test('a therapist’s file at a secret address, until it is changed or ended', async (t) => {
    const made = await send('POST', '/api/calendar-feed', her)
    t.equal(made.status, 201, made.body)
    const { url } = JSON.parse(made.body)
    const file = await send('GET', url, {})
    t.match(file.headers, { 'content-type': 'text/calendar; charset=utf-8', 'cache-control': /private/ })
    const events = read(file.body)
    t.ok(events.some(({ uid }) => uid === `${booking.id}@turno`))
    t.ok(
      events.every(({ status }) => status !== 'CANCELLED'),
      'of what takes place'
    )
    t.notMatch(file.body, me.id, 'without names')

    const held = booked(await post({ start: at(7, '10:00'), serviceId: service, status: 'held' }, me.headers))
    t.match((await send('GET', url, {})).body, held.id, 'what is booked is in it at once')

    const other = JSON.parse((await send('POST', '/api/calendar-feed', her)).body).url
    t.equal((await send('GET', url, {})).status, 404, 'the former address leads nowhere')
    t.equal((await send('GET', other, {})).status, 200)
    t.equal((await send('DELETE', '/api/calendar-feed', her)).status, 204)
    t.equal((await send('GET', other, {})).status, 404)
    t.equal((await send('GET', '/api/calendar/guess.ics', {})).status, 404)
    t.equal((await send('POST', '/api/calendar-feed', me.headers)).status, 403)
  })
})
