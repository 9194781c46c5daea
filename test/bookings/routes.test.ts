// Bookings as those who are in them meet them.
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import { consistencyHeader } from '../../src/http/consistency.ts'
import { fleet, type Reply } from '../fleet.ts'
import { until } from '../until.ts'
import { booked, lucia, practice } from './practice.ts'

t.test('bookings over HTTP', { timeout: 180_000 }, async (t) => {
  const one = await fleet(t, 1)
  const {
    addService,
    as,
    at,
    eventsOf,
    her,
    newClient,
    patch,
    post,
    send,
    service,
    someClient,
    sql,
    version
  } = await practice(one)
  const problem = (reply: Reply) => ({
    ...JSON.parse(reply.body),
    kind: JSON.parse(reply.body).type.split('/').at(-1)
  })
  const after = (write: Reply) => ({ [consistencyHeader]: String(write.headers[consistencyHeader]) })

  await t.test('a client books, sees it, moves it and calls it off', async (t) => {
    const me = await newClient()
    const start = at(5, '10:00')
    const made = await post({ start, serviceId: service, clientName: 'Ana Vera' }, me.headers)
    t.equal(made.status, 201, made.body)
    const booking = booked(made)
    t.match(booking, {
      therapistId: lucia,
      serviceId: service,
      status: 'confirmed',
      start: new Date(start).toISOString().replace('.000', ''),
      timeZone: 'Europe/Madrid',
      startTime: '10:00',
      endTime: '10:50',
      price: 6000,
      mode: 'online',
      sequence: 0,
      version: 1
    })
    t.match(made.headers, {
      location: `/api/bookings/${booking.id}`,
      'cache-control': /private/,
      'cache-group-invalidation': new RegExp(`"bookings:${lucia}"`),
      [consistencyHeader]: /./
    })

    const read = await send('GET', `/api/bookings/${booking.id}`, me.headers)
    t.equal(read.body, made.body)
    t.equal(read.headers.etag, made.headers.etag)
    t.match(read.headers, { vary: /authorization.*accept/, 'cache-control': 'private, no-cache' })
    const seenByHer = await send('GET', `/api/bookings/${booking.id}?expand=client,service`, her)
    t.match(JSON.parse(seenByHer.body), { client: { name: 'Ana Vera' }, service: { name: 'Sesión de 50' } })

    const moved = await patch(booking, { start: at(6, '12:30') }, me.headers)
    t.match(booked(moved), { id: booking.id, startTime: '12:30', sequence: 1, version: 2 }, moved.body)
    t.match(
      booked(await send('GET', `/api/bookings/${booking.id}`, me.headers)),
      { startTime: '12:30' },
      'at once, and on every instance'
    )
    const cancelled = await patch(
      booked(moved),
      { status: 'cancelled', cancelReason: 'Un viaje' },
      me.headers
    )
    t.match(booked(cancelled), { status: 'cancelled', cancelledBy: 'client', cancelReason: 'Un viaje' })
    t.same(await eventsOf(booking.id), ['booking.created', 'booking.rescheduled', 'booking.cancelled'])
  })

  await t.test('a slot that was moved away from, or called off, can be had again', async (t) => {
    const [one, other] = [await newClient(), await newClient()]
    const start = at(7, '10:00')
    const first = booked(await post({ start, serviceId: service }, one.headers))
    await patch(first, { start: at(7, '12:00') }, one.headers)
    const held = await post({ start, serviceId: service, status: 'held' }, other.headers)
    t.equal(held.status, 201, held.body)
    t.match(booked(held), { status: 'held', holdExpiresAt: /Z$/ })
    await patch(booked(held), { status: 'cancelled' }, other.headers)
    t.equal((await post({ start, serviceId: service }, one.headers)).status, 201)
  })

  await t.test('a taken slot is refused with what is free near it; no cache forgets anything', async (t) => {
    const [one, other] = [await newClient(), await newClient()]
    const long = await addService({ minutes: 90 })
    t.equal((await post({ start: at(8, '10:00'), serviceId: service }, one.headers)).status, 201)
    const before = await version()
    for (const [start, serviceId] of [
      [at(8, '10:00'), service],
      [at(8, '10:30'), service],
      [at(8, '09:00'), long]
    ]) {
      const refused = await post({ start, serviceId }, other.headers)
      t.match(problem(refused), { kind: 'slot-taken', status: 409, calendarVersion: before }, refused.body)
      t.equal(problem(refused).alternatives.length, 3)
      t.notOk(refused.headers['cache-group-invalidation'])
    }
    t.equal(await version(), before)
    const [alternative] = problem(
      await post({ start: at(8, '10:00'), serviceId: service }, other.headers)
    ).alternatives
    t.equal((await post({ start: alternative.start, serviceId: service }, other.headers)).status, 201)
    const refusedToHer = await post(
      { start: at(8, '10:15'), serviceId: service, clientId: await someClient() },
      her
    )
    t.match(problem(refusedToHer), { kind: 'slot-taken' }, 'a therapist overlaps no more than others')
  })

  await t.test(
    'a hold is confirmed, and one that has run out is neither in the way nor confirmed',
    async (t) => {
      const [one, other] = [await newClient(), await newClient()]
      const start = at(9, '10:00')
      const held = booked(await post({ start, serviceId: service, status: 'held' }, one.headers))
      t.match(problem(await post({ start, serviceId: service }, other.headers)), { kind: 'slot-taken' })
      t.match(booked(await patch(held, { status: 'confirmed' }, one.headers)), {
        status: 'confirmed',
        holdExpiresAt: null
      })

      const late = booked(
        await post({ start: at(9, '12:00'), serviceId: service, status: 'held' }, one.headers)
      )
      await sql('UPDATE bookings SET hold_expires_at = UTC_TIMESTAMP(3) WHERE id = ?', [uuidToBytes(late.id)])
      t.equal((await post({ start: at(9, '12:00'), serviceId: service }, other.headers)).status, 201)
      t.match(problem(await patch(late, { status: 'confirmed' }, one.headers)), {
        kind: 'invalid-transition',
        status: 409,
        allowed: []
      })
    }
  )

  await t.test('two holds at once are enough for anybody', async (t) => {
    const me = await newClient()
    const hold = (time: string) =>
      post({ start: at(10, time), serviceId: service, status: 'held' }, me.headers)
    t.same([(await hold('10:00')).status, (await hold('12:00')).status], [201, 201])
    t.match(problem(await hold('14:00')), { kind: 'limit-reached', limit: 2 })
  })

  await t.test('what needs approval waits for it, and takes the slot meanwhile', async (t) => {
    const [one, other] = [await newClient(), await newClient()]
    const serviceId = await addService({ needsApproval: true, name: 'Primera visita' })
    const start = at(11, '10:00')
    const asked = booked(await post({ start, serviceId }, one.headers))
    t.equal(asked.status, 'pending')
    t.match(problem(await post({ start, serviceId }, other.headers)), { kind: 'slot-taken' })
    t.match(problem(await patch(asked, { status: 'confirmed' }, one.headers)), {
      kind: 'invalid-transition',
      allowed: ['cancelled']
    })
    const confirmed = booked(await patch(asked, { status: 'confirmed' }, her))
    t.equal(confirmed.status, 'confirmed')
    t.match(problem(await patch(confirmed, { status: 'confirmed' }, her)), {
      kind: 'invalid-transition',
      allowed: ['completed', 'no_show', 'cancelled']
    })
    const held = booked(await post({ start: at(11, '12:00'), serviceId, status: 'held' }, one.headers))
    const waiting = booked(await patch(held, { status: 'confirmed' }, one.headers))
    t.equal(waiting.status, 'pending')
    t.equal(booked(await patch(waiting, { status: 'declined' }, her)).status, 'declined')
  })

  await t.test('an old version changes nothing, and none is not enough', async (t) => {
    const me = await newClient()
    const booking = booked(await post({ start: at(12, '10:00'), serviceId: service }, me.headers))
    const path = `/api/bookings/${booking.id}`
    t.match(problem(await send('PATCH', path, me.headers, { status: 'cancelled' })), {
      kind: 'precondition-required',
      status: 428
    })
    await patch(booking, { start: at(12, '12:00') }, me.headers)
    const stale = await patch(booking, { status: 'cancelled' }, me.headers)
    t.match(problem(stale), { kind: 'precondition-failed', status: 412, currentVersion: 2 })
    const { headers } = await send('GET', path, me.headers)
    t.equal(stale.headers.etag, headers.etag)
  })

  await t.test('windows and limits are the therapist’s own to pass over', async (t) => {
    const me = await newClient()
    const soon = booked(
      await post({ start: at(1, '00:00').replace('T00', 'T09'), serviceId: service }, me.headers)
    )
    await sql(
      'UPDATE calendars SET cancel_window_min = 4320, reschedule_window_min = 4320 WHERE therapist_id = ?',
      [uuidToBytes(lucia)]
    )
    const deadline = new Date(Date.parse(soon.start) - 3 * 86_400_000).toISOString().replace('.000', '')
    t.match(problem(await patch(soon, { status: 'cancelled' }, me.headers)), {
      kind: 'outside-policy-window',
      status: 409,
      deadline
    })
    t.match(problem(await patch(soon, { start: at(25, '15:00') }, me.headers)), {
      kind: 'outside-policy-window',
      deadline
    })
    t.match(problem(await patch(soon, { status: 'cancelled' }, her)), {
      kind: 'validation',
      errors: [{ pointer: '#/cancelReason' }]
    })
    const moved = booked(await patch(soon, { start: at(25, '15:00') }, her))
    t.equal(moved.sequence, 1)
    await sql('UPDATE calendars SET max_per_day = 1 WHERE therapist_id = ?', [uuidToBytes(lucia)])
    const full = problem(await post({ start: at(25, '17:00'), serviceId: service }, me.headers))
    t.match(full, { kind: 'slot-unavailable', reason: 'day-full' })
    const nearBy = Temporal.PlainDate.from(moved.date)
    t.ok(full.alternatives.every(({ start }: { start: string }) => !start.startsWith(nearBy.toString())))
    const within = await patch(moved, { start: at(25, '16:00') }, me.headers)
    t.equal(within.status, 200, 'a move within the day does not count itself')
    const toHers = await post(
      { start: at(25, '18:00'), serviceId: service, clientId: await someClient() },
      her
    )
    t.equal(toHers.status, 201)
    await sql(
      'UPDATE calendars SET max_per_day = NULL, cancel_window_min = 1440, reschedule_window_min = 1440 WHERE therapist_id = ?',
      [uuidToBytes(lucia)]
    )
  })

  await t.test('the rules are told apart; a therapist is not held to them', async (t) => {
    const me = await newClient()
    const clientId = await someClient()
    for (const [start, reason] of [
      [at(13, '22:00'), 'closed'],
      [at(13, '10:10'), 'off-grid'],
      [at(200, '10:00'), 'beyond-horizon']
    ] as const) {
      const refused = problem(await post({ start, serviceId: service }, me.headers))
      t.match(refused, { kind: 'slot-unavailable', status: 422, reason })
      t.equal((await post({ start, serviceId: service, clientId }, her)).status, 201, reason)
    }
  })

  await t.test('the form of date and times, and every time that does not exist', async (t) => {
    const me = await newClient()
    const date = at(14, '10:00').slice(0, 10)
    const made = await post(
      {
        therapistId: lucia,
        date,
        startTime: '10:00',
        endTime: '10:50',
        therapyType: 'sesión de 50',
        amount: 60
      },
      me.headers
    )
    t.match(booked(made), { date, startTime: '10:00', endTime: '10:50', serviceId: service }, made.body)
    const byLength = await post(
      { therapistId: lucia, date, startTime: '12:00', endTime: '12:50' },
      me.headers
    )
    t.equal(booked(byLength).serviceId, service)
    const elsewhere = await post(
      { serviceId: service, date, startTime: '13:00', timeZone: 'Europe/London' },
      me.headers
    )
    t.match(booked(elsewhere), { startTime: '14:00', timeZone: 'Europe/Madrid' })

    const noon = { serviceId: service, date, startTime: '16:00' }
    for (const [body, kind, pointer] of [
      [{ ...noon, endTime: '16:30' }, 'invalid-interval', '#/endTime'],
      [{ ...noon, endTime: '15:30' }, 'invalid-interval', '#/endTime'],
      [{ ...noon, timeZone: 'Europe/Atlantis' }, 'invalid-time-zone', '#/timeZone'],
      [{ ...noon, timeZone: '+02:00' }, 'invalid-time-zone', '#/timeZone'],
      [{ ...noon, date: '2026-02-30' }, 'validation', '#/date'],
      [{ ...noon, amount: 61 }, 'validation', '#/amount'],
      [{ serviceId: service, date }, 'validation', '#/startTime'],
      [{ therapistId: lucia, date, startTime: '16:00' }, 'validation', '#/serviceId'],
      [{ serviceId: service, start: `${date}T16:00:00` }, 'validation', '#/start'],
      [{ serviceId: service, start: `${date}T16:00:30Z` }, 'validation', '#/start'],
      [
        { serviceId: service, start: `${date}T16:00:00+07:00[Europe/Madrid]` },
        'invalid-time-zone',
        '#/start'
      ],
      [{ serviceId: service, start: '2026-01-05T10:00:00+01:00' }, 'invalid-interval', '#/start'],
      [{ serviceId: lucia, start: at(14, '16:00') }, 'validation', '#/serviceId']
    ] as const) {
      t.match(
        problem(await post(body, me.headers)),
        { kind, status: 422, errors: [{ pointer }] },
        JSON.stringify(body)
      )
    }
    const withZone = `${at(14, '16:00')}[Europe/Madrid]`
    t.equal((await post({ serviceId: service, start: withZone }, me.headers)).status, 201)

    const clocks = Temporal.Now.zonedDateTimeISO('Europe/Madrid')
    const changes = [clocks.getTimeZoneTransition('next')]
    changes.push(changes[0]?.getTimeZoneTransition('next') ?? null)
    for (const change of changes) {
      if (!change) throw new Error('Madrid changes its clocks twice a year')
      const day = change.toPlainDate().toString()
      const refused = problem(await post({ serviceId: service, date: day, startTime: '02:30' }, me.headers))
      if (change.toPlainTime().toString() === '03:00:00') t.match(refused, { kind: 'nonexistent-local-time' })
      else t.match(refused, { kind: 'ambiguous-local-time', candidates: [/\+02:00$/, /\+01:00$/] })
    }
  })

  await t.test('to all others a booking is not there', async (t) => {
    const [me, other] = [await newClient(), await newClient()]
    const booking = booked(await post({ start: at(15, '10:00'), serviceId: service }, me.headers))
    const path = `/api/bookings/${booking.id}`
    t.equal((await send('GET', path, me.headers)).status, 200, 'though it is in every cache')
    t.match((await send('GET', '/api/bookings?limit=100', me.headers)).body, booking.id)
    const [row] = await sql<RowDataPacket & { id: string }>(
      `SELECT LOWER(CONCAT_WS('-', SUBSTR(HEX(id), 1, 8), SUBSTR(HEX(id), 9, 4), SUBSTR(HEX(id), 13, 4),
              SUBSTR(HEX(id), 17, 4), SUBSTR(HEX(id), 21))) AS id FROM profiles WHERE id <> ? LIMIT 1`,
      [uuidToBytes(lucia)]
    )
    const colleague = as(String(row?.id), 'therapist')
    for (const headers of [other.headers, colleague, as(known.admin.id, 'admin')]) {
      t.equal((await send('GET', path, headers)).status, 404)
      const reply = await patch(booking, { status: 'cancelled', cancelReason: 'x' }, headers)
      t.ok([403, 404].includes(reply.status))
      t.notMatch((await send('GET', '/api/bookings?limit=100', headers)).body, booking.id)
    }
    t.match(problem(await post({ start: at(15, '12:00'), serviceId: service }, colleague)), {
      kind: 'validation',
      errors: [{ pointer: '#/serviceId' }]
    })
    const foreign = { start: at(15, '12:00'), serviceId: service, clientId: await someClient() }
    t.match(problem(await post(foreign, me.headers)), { errors: [{ pointer: '#/clientId' }] })
    t.match(problem(await post({ ...foreign, clientId: lucia }, her)), {
      errors: [{ pointer: '#/clientId' }]
    })
    t.equal((await post(foreign, as(known.admin.id, 'admin'))).status, 403)
  })

  await t.test('a private practice can be booked by those it knows alone', async (t) => {
    const [stranger, regular] = [await newClient(), await newClient()]
    t.equal((await post({ start: at(16, '10:00'), serviceId: service }, regular.headers)).status, 201)
    await sql("UPDATE profiles SET visibility = 'private' WHERE id = ?", [uuidToBytes(lucia)])
    t.match(problem(await post({ start: at(16, '12:00'), serviceId: service }, stranger.headers)), {
      status: 422
    })
    t.equal((await post({ start: at(16, '12:00'), serviceId: service }, regular.headers)).status, 201)
    await sql("UPDATE profiles SET visibility = 'public' WHERE id = ?", [uuidToBytes(lucia)])
  })

  await t.test(
    'an address that the therapist has noted down does not make somebody that client',
    async (t) => {
      const me = await newClient()
      await sql(
        `INSERT INTO clients (id, therapist_id, name, email, created_at, updated_at)
       VALUES (UNHEX(REPLACE(UUID(), '-', '')), ?, 'Noted Down', ?, UTC_TIMESTAMP(), UTC_TIMESTAMP())`,
        [uuidToBytes(lucia), `${me.id}@example.com`]
      )
      const made = booked(await post({ start: at(17, '10:00'), serviceId: service }, me.headers))
      const seen = JSON.parse((await send('GET', `/api/bookings/${made.id}?expand=client`, her)).body)
      t.match(seen.client, { email: null, name: me.id })
    }
  )

  await t.test('who is erased while booking gets a record anew, and sees the booking', async (t) => {
    const me = await newClient()
    const first = booked(await post({ start: at(17, '12:00'), serviceId: service }, me.headers))
    const erasing = await createConnection({ uri: one.engines.mysql.primary.url })
    t.teardown(() => erasing.destroy())
    await erasing.query('START TRANSACTION')
    await erasing.query(
      "UPDATE clients SET user_id = NULL, name = '', email = NULL, erased_at = UTC_TIMESTAMP() WHERE id = ?",
      [uuidToBytes(first.clientId)]
    )
    const booking = post({ start: at(17, '14:00'), serviceId: service }, me.headers)
    await until('it waits for the erasure', async () => {
      // Not information_schema.innodb_trx: whoever asks it more often than every 100 ms is told the same each time.
      const [waits] = await sql("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
      return Number(waits?.Value) > 0
    })
    await erasing.query('COMMIT')
    const second = booked(await booking)
    t.not(second.clientId, first.clientId)
    t.equal((await send('GET', `/api/bookings/${second.id}`, me.headers)).status, 200)
  })

  await t.test('what PUT says and is so already is left alone', async (t) => {
    const me = await newClient()
    const booking = booked(await post({ start: at(18, '10:00'), serviceId: service }, me.headers))
    const put = (body: object, version = booking.version) =>
      send(
        'PUT',
        `/api/bookings/${booking.id}`,
        { ...me.headers, 'if-match': `"${version}-0000000000000000"` },
        body
      )
    const same = await put({ status: 'confirmed', start: at(18, '10:00') })
    t.match(booked(same), { version: 1 }, same.body)
    t.notOk(same.headers['cache-group-invalidation'])
    const moved = await put({ status: 'confirmed', date: at(18, '12:00').slice(0, 10), startTime: '12:00' })
    t.match(booked(moved), { version: 2, startTime: '12:00' }, moved.body)
    t.match(problem(await put({ status: 'cancelled', start: at(18, '15:00') }, 2)), { kind: 'validation' })
    t.match(problem(await put({ start: at(18, '12:00'), price: 1 }, 2)), { kind: 'read-only-field' })
  })

  await t.test('lists: by day, span, status and client, in pages that fit together', async (t) => {
    const me = await newClient()
    const day = at(20, '10:00').slice(0, 10)
    const made: string[] = []
    for (const time of ['09:00', '10:00', '11:00', '12:00', '13:00']) {
      const reply = await post({ start: at(20, time), serviceId: service }, me.headers)
      made.push(booked(reply).id)
    }
    const last = await patch(
      booked(await send('GET', `/api/bookings/${made[4]}`, me.headers)),
      { status: 'cancelled' },
      me.headers
    )
    const ids = async (query: string, headers: Record<string, string>) => {
      const reply = await send('GET', `/api/bookings?${query}`, { ...headers, ...after(last) })
      t.equal(reply.status, 200, `${query} ${reply.body}`)
      return JSON.parse(reply.body).data.map(({ id }: { id: string }) => id)
    }
    const clientId = booked(last).clientId
    const span = `from=${encodeURIComponent(at(20, '10:00'))}&to=${encodeURIComponent(at(20, '12:00'))}`
    for (const headers of [me.headers, her]) {
      t.same(await ids(`date=${day}&sort=start`, headers), made)
      t.same(await ids(`date=${day}`, headers), made.toReversed())
      t.same(await ids(`date=${day}&status=cancelled`, headers), made.slice(4))
      t.same(await ids(`${span}&sort=start`, headers), made.slice(1, 3))
    }
    t.same(await ids(`clientId=${clientId}&sort=start`, her), made)
    const there = ['09:00', '10:00', '11:00', '12:00', '13:00'].map((time) =>
      Temporal.Instant.from(at(20, time)).toZonedDateTimeISO('Pacific/Auckland').toPlainDate().toString()
    )
    t.same(
      await ids(`date=${day}&timeZone=Pacific/Auckland&sort=start`, her),
      made.filter((_, i) => there[i] === day)
    )

    for (const query of ['sort=start', 'sort=-start', 'status=confirmed&sort=start']) {
      const walked: string[] = []
      let next: string | null = `/api/bookings?date=${day}&limit=2&expand=service,client&${query}`
      while (next !== null) {
        const reply: Reply = await send('GET', next, { ...her, ...after(last) })
        const { data } = JSON.parse(reply.body)
        t.ok(data.every((one: { service?: { name: string } }) => one.service?.name === 'Sesión de 50'))
        walked.push(...data.map(({ id }: { id: string }) => id))
        next = /<([^>]+)>; rel="next"/.exec(String(reply.headers.link ?? ''))?.[1] ?? null
      }
      t.same(walked, await ids(`date=${day}&${query}`, her), query)
    }
    const { next } = JSON.parse((await send('GET', `/api/bookings?limit=1`, me.headers)).body).page
    for (const query of [
      `cursor=${next}&status=held`,
      'date=2026-13-01',
      `date=${day}&from=${day}T00:00:00Z`,
      'timeZone=Europe/Madrid',
      `date=${day}&timeZone=Mars`,
      'expand=payments',
      'status=unknown',
      `clientId=${clientId}`
    ]) {
      const refused = await send('GET', `/api/bookings?${query}`, me.headers)
      t.equal(refused.status, 400, `${query} ${refused.body}`)
    }
    t.equal((await send('GET', `/api/bookings?cursor=${next}`, her)).status, 400, 'nor anybody else’s cursor')
  })

  await t.test('sessions that took place are written down, and set right', async (t) => {
    const me = await newClient()
    const booking = booked(await post({ start: at(21, '10:00'), serviceId: service }, me.headers))
    t.match(problem(await patch(booking, { status: 'completed' }, her)), {
      kind: 'outside-policy-window',
      earliest: /^\d{4}/
    })
    await sql(
      `UPDATE bookings SET starts_at = UTC_TIMESTAMP() - INTERVAL 70 MINUTE, ends_at = UTC_TIMESTAMP() - INTERVAL 20 MINUTE,
         blocks_from = UTC_TIMESTAMP() - INTERVAL 70 MINUTE, blocks_to = UTC_TIMESTAMP() - INTERVAL 10 MINUTE WHERE id = ?`,
      [uuidToBytes(booking.id)]
    )
    const missed = booked(await patch(booking, { status: 'no_show' }, her))
    t.equal(missed.status, 'no_show')
    t.equal(booked(await patch(missed, { status: 'completed' }, her)).status, 'completed')
  })
})
