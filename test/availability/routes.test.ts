// Availability as clients of the API meet it.
import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import type { Availability } from '../../src/availability/schema.ts'
import { engines } from '../engines.ts'
import { undisturbed } from '../undisturbed.ts'
import { until } from '../until.ts'
import { daysAhead, inMadrid, openPractice, type Practice } from './practice.ts'

type Answer = Awaited<ReturnType<Practice['ask']>>

const body = (answer: Answer): Availability => answer.json()
const slots = (answer: Answer) => body(answer).days.flatMap((day) => day.slots)
/** Local starts `HH:MM`, whatever the day. */
const clocks = (answer: Answer) => slots(answer).map(({ start }) => start.slice(11, 16))

t.test('availability over HTTP', { timeout: 120_000 }, async (t) => {
  const { settings, mysql } = await engines(t, { replicas: 1, scale: 'empty' })
  const app = await buildApp(settings)
  t.teardown(() => app.close())
  await app.ready()
  const practice = (rules = {}, service = {}) => openPractice(app, mysql.primary.url, rules, service)
  const [day, next] = [daysAhead(10), daysAhead(11)] as const

  t.test('slots are shown by the days and clocks of whoever looks', async (t) => {
    const { ask } = await practice()
    const [from, to] = [new Date(inMadrid(day, '00:00')), new Date(inMadrid(daysAhead(13), '00:00'))]
    const own = await ask(day, daysAhead(13))
    t.equal(body(own).timeZone, 'Europe/Madrid', 'the practice’s own, unless another is named')
    t.same(clocks(own).slice(0, 4), ['09:00', '10:00', '11:00', '12:00'])
    const instants = slots(own).map(({ start }) => Date.parse(start))
    t.equal(instants.length, 12)

    for (const timeZone of [
      'Pacific/Auckland',
      'Pacific/Pago_Pago',
      'America/Los_Angeles',
      'Asia/Kathmandu'
    ]) {
      const answer = await ask(from.toISOString(), to.toISOString(), { timeZone })
      t.same(
        slots(answer).map(({ start }) => Date.parse(start)),
        instants,
        `${timeZone}: the same slots`
      )
      for (const { date, slots } of body(answer).days) {
        for (const { start, end } of slots) {
          const shown = Temporal.Instant.from(start).toZonedDateTimeISO(timeZone)
          t.equal(shown.toString({ timeZoneName: 'never' }), start, `${timeZone}: by its clocks`)
          t.equal(shown.toPlainDate().toString(), date, `${timeZone}: on its day`)
          t.equal(Date.parse(end) - Date.parse(start), 3_600_000)
        }
      }
    }
    const sameDay = await ask(day, next, { timeZone: 'Pacific/Auckland' })
    t.same([...new Set(body(sameDay).days.map(({ date }) => date))], [day], 'dates are the viewer’s own')
  })

  t.test('what is booked is gone from the next answer, and nothing is told of it', async (t) => {
    const { id, ask, book } = await practice()
    t.same(clocks(await ask(day, next)), ['09:00', '10:00', '11:00', '12:00'])
    const booking = await book(inMadrid(day, '10:00'))
    const answer = await ask(day, next)
    t.same(clocks(answer), ['09:00', '11:00', '12:00'])
    t.notOk(answer.body.includes(booking))
    t.same(Object.keys(slots(answer)[0] ?? {}), ['start', 'end'])
    t.equal(body(answer).therapistId, id)
  })

  t.test('what its owner changes shows in the next answer: hours, services, visibility', async (t) => {
    const { id, ask, open, authorization } = await practice()
    const headers = { authorization, 'if-match': '*' }
    t.equal(slots(await ask(day, next)).length, 4)

    const overrides = { [day]: [{ from: '18:00', to: '20:00' }] }
    await app.inject({
      method: 'PUT',
      url: '/api/availability/rules',
      headers,
      payload: { ...open, overrides }
    })
    t.same(clocks(await ask(day, next)), ['18:00', '19:00'])

    const profile = { displayName: 'Nora', services: [] }
    const patch = (visibility: string) =>
      app.inject({ method: 'PATCH', url: `/api/profile/${id}`, headers, payload: { visibility } })
    await patch('private')
    t.equal((await ask(day, next)).statusCode, 404, 'a private practice is absent')
    await patch('public')
    t.equal((await ask(day, next)).statusCode, 200)
    await app.inject({ method: 'PUT', url: '/api/profile', headers, payload: profile })
    t.equal((await ask(day, next)).statusCode, 404, 'a service that is offered no more is absent')
  })

  t.test('a hold takes its slot from all others, and gives it back by itself', (t) =>
    undisturbed(t, async () => {
      const { ask, book } = await practice()
      const expiresAt = Date.now() + 3_000
      await book(inMadrid(day, '10:00'), { expiresAt, clientUserId: randomUUIDv7() })
      assert.deepEqual(clocks(await ask(day, next)), ['09:00', '11:00', '12:00'])
      const { counters } = app.cache
      const loads = () => counters.of('availability').replica + counters.of('availability').primary
      const before = loads()
      await until('the hold runs out', async () => clocks(await ask(day, next)).length === 4)
      assert.ok(Date.now() >= expiresAt, 'not before its time')
      assert.equal(loads(), before, 'the month was not even loaded again')
    })
  )

  t.test('a hold is free to its holder, marked as his, and to nobody else', async (t) => {
    const { ask, book, authorization } = await practice()
    const clientUserId = randomUUIDv7()
    const hold = { expiresAt: Date.now() + 600_000, clientUserId }
    const holdId = await book(inMadrid(day, '10:00'), hold)
    const as = (id: string) => ({ authorization: `Bearer ${app.signToken({ id, role: 'client' }, 600)}` })
    const asked = (headers: Record<string, string>) => ask(day, next, { holdId }, headers)

    const own = await asked(as(clientUserId))
    t.same(clocks(own), ['09:00', '10:00', '11:00', '12:00'])
    t.same(
      slots(own).map(({ held }) => held),
      [undefined, true, undefined, undefined]
    )
    t.equal(own.headers['cache-control'], 'private, no-store')
    t.equal(own.headers['cdn-cache-control'], undefined)
    t.match(own.headers.vary, /authorization/)
    t.same(clocks(await asked({ authorization })), clocks(own), 'the therapist sees it too')

    const foreign = await asked(as(randomUUIDv7()))
    t.same(clocks(foreign), ['09:00', '11:00', '12:00'], 'somebody else’s hold says nothing')
    t.equal(foreign.headers['cache-control'], 'private, no-store')
    const noSuch = await ask(day, next, { holdId: randomUUIDv7() }, as(clientUserId))
    t.same(body(noSuch), body(foreign), 'nor whether there is one')
    t.equal((await asked({})).statusCode, 401)
    t.same(clocks(await ask(day, next)), ['09:00', '11:00', '12:00'])
  })

  t.test('notice and horizon count from the moment of asking', async (t) => {
    const { ask } = await practice({ minNoticeMinutes: 3 * 1440, horizonDays: 5 })
    const before = Date.now()
    const starts = slots(await ask(daysAhead(0), daysAhead(20))).map(({ start }) => Date.parse(start))
    const after = Date.now()
    t.ok(starts.length >= 4, 'two days of four')
    t.ok((starts[0] ?? 0) >= before + 3 * 86_400_000)
    t.ok((starts.at(-1) ?? 0) < after + 5 * 86_400_000)
    const past = await ask('2024-01-01', '2024-01-31')
    t.equal(past.statusCode, 200)
    t.same(body(past).days, [])
    t.same(body(await ask('2090-01-01', '2090-01-31')).days, [])
  })

  t.test('a day that has as many sessions as it may is full; holds count while they live', async (t) => {
    const { ask, book } = await practice({ maxPerDay: 2 })
    await book(inMadrid(day, '09:00'))
    t.same(clocks(await ask(day, next)), ['10:00', '11:00', '12:00'])
    const expiresAt = Date.now() + 5_000
    await book(inMadrid(day, '11:00'), { expiresAt, clientUserId: randomUUIDv7() })
    const full = await ask(day, daysAhead(12))
    t.same([...new Set(body(full).days.map(({ date }) => date))], [next])
    await until('the hold runs out', async () => clocks(await ask(day, next)).length === 3)
  })

  t.test('an answer has a validator of its own, which is good for nothing else', async (t) => {
    const { ask, book, open, authorization } = await practice()
    const first = await ask(day, next)
    const etag = String(first.headers.etag)
    t.match(etag, new RegExp(`^"a${body(first).version}-[0-9a-f]{16}"$`))
    t.equal(first.headers['cache-control'], 'public, max-age=10, s-maxage=15, stale-while-revalidate=15')
    t.match(first.headers['cache-tag'], `calendar:${body(first).therapistId}`)
    const again = await ask(day, next, {}, { 'if-none-match': etag })
    t.equal(again.statusCode, 304)
    t.equal(again.body, '')
    await book(inMadrid(daysAhead(12), '10:00'))
    const elsewhere = await ask(day, next, {}, { 'if-none-match': etag })
    t.equal(elsewhere.statusCode, 200, 'the version that it tells has risen')
    const headers = { authorization, 'if-match': String(elsewhere.headers.etag) }
    const put = await app.inject({ method: 'PUT', url: '/api/availability/rules', headers, payload: open })
    t.equal(put.statusCode, 412)
  })

  t.test('questions that make no sense are refused, each in its own words', async (t) => {
    const { id, ask, serviceId } = await practice()
    const refusal = async (answer: Promise<Answer>) => {
      const { statusCode, body } = await answer
      return [statusCode, JSON.parse(body).type.split('/').at(-1)]
    }
    const zone = (timeZone: string) => refusal(ask(day, next, { timeZone }))
    t.same(await zone('+02:00'), [422, 'invalid-time-zone'])
    t.same(await zone('Mars/Olympus'), [422, 'invalid-time-zone'])
    t.same(await refusal(ask(day, day)), [422, 'invalid-interval'])
    t.same(await refusal(ask(next, day)), [422, 'invalid-interval'])
    t.same(await refusal(ask(day, daysAhead(42))), [422, 'range-too-long'])
    t.equal((await ask(day, daysAhead(41))).statusCode, 200, '31 days are not too many')
    const october = { timeZone: 'Europe/Madrid' }
    t.equal((await ask('2026-10-01', '2026-11-01', october)).statusCode, 200, 'nor with one hour more')
    for (const moment of ['2026-02-30', '2026-11-23T25:00Z', '2026-11-23T10:00', 'tomorrow', '0001-01-01']) {
      t.same(await refusal(ask(moment, next)), [400, 'invalid-parameter'], moment)
    }
    const unencoded = `/api/availability?therapistId=${id}&serviceId=${serviceId}&from=${day}T00:00:00+01:00&to=${next}`
    t.equal((await app.inject(unencoded)).statusCode, 200, 'a plus sign that nobody encoded')
    const other = await practice()
    t.same(await refusal(ask(day, next, { serviceId: other.serviceId })), [404, 'not-found'])
    t.same(await refusal(ask(day, next, { therapistId: randomUUIDv7() })), [404, 'not-found'])
    t.same(await refusal(app.inject('/api/availability?from=2026-11-23')), [400, 'invalid-parameter'])
  })
})
