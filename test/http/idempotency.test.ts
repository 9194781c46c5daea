// Idempotency-Key on a route that makes a row and refuses on demand, over real engines.
import { randomUUIDv7 } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { DatabaseUnavailable } from '../../db/pool.ts'
import { notifications } from '../../db/schema.ts'
import { known } from '../../db/seed/known.ts'
import { buildApp } from '../../src/app.ts'
import { consistencyHeader } from '../../src/http/consistency.ts'
import { sweepIdempotencyKeys, writeOnce } from '../../src/http/idempotency.ts'
import { Problem } from '../../src/http/problem.ts'
import { engines } from '../engines.ts'
import { query } from '../statements.ts'

type Body = { type: string; refuse?: boolean; fail?: boolean }

t.test('a write that is sent again', { timeout: 120_000 }, async (t) => {
  const { settings, mysql } = await engines(t, { replicas: 0 })
  const { url } = mysql.primary
  const app = await buildApp(settings)
  t.teardown(() => app.close())
  app.post<{ Body: Body }>('/api/marks', { onRequest: app.authenticate }, (request, reply) =>
    writeOnce(app, request, reply, async (transaction) => {
      const { type, refuse, fail } = request.body
      const createdAt = new Date().toISOString()
      const id = randomUUIDv7()
      await transaction.database
        .insert(notifications)
        .values({ id, userId: known.client.id, type, data: {}, createdAt })
      transaction.touch(`mark:${type}`)
      if (refuse) throw new Problem('conflict', 'Not that one.')
      if (fail) throw new DatabaseUnavailable('gone')
      return { status: 201, headers: { location: `/api/marks/${id}` }, body: JSON.stringify({ id }) }
    })
  )
  await app.ready()
  const as = (id: string, role: 'client' | 'therapist') => ({
    authorization: `Bearer ${app.signToken({ id, role }, 600)}`
  })
  const me = as(known.client.id, 'client')
  const post = (body: Body, key?: string, headers: InjectOptions['headers'] = me) =>
    app.inject({
      method: 'POST',
      url: '/api/marks',
      headers: { ...headers, ...(key !== undefined && { 'idempotency-key': key }) },
      payload: body
    })
  const count = async (type: string) => {
    const [row] = await query<RowDataPacket & { n: number }>(
      url,
      'SELECT COUNT(*) AS n FROM notifications WHERE type = ?',
      [type]
    )
    return Number(row?.n)
  }
  const versions = async () => {
    const [row] = await query<RowDataPacket & { sum: string }>(
      url,
      'SELECT SUM(version) AS sum FROM cache_slots'
    )
    return Number(row?.sum)
  }

  await t.test('is done once and answered alike, however many come at once', async (t) => {
    const replies = await Promise.all(Array.from({ length: 64 }, () => post({ type: 'once' }, '"one"')))
    t.same([...new Set(replies.map(({ statusCode }) => statusCode))], [201])
    t.equal(new Set(replies.map(({ body, headers }) => body + headers.location)).size, 1)
    t.equal(replies.filter(({ headers }) => headers['idempotency-replayed'] === 'true').length, 63)
    t.equal(await count('once'), 1)
  })

  await t.test('bare or in quotes it is the same key; without one each write is new', async (t) => {
    const first = await post({ type: 'bare' }, 'two')
    t.match(first.headers[consistencyHeader], /./)
    t.match(first.headers['cache-group-invalidation'], '"mark:bare"')
    t.equal((await post({ type: 'bare' }, '"two"')).body, first.body)
    await post({ type: 'bare' })
    await post({ type: 'bare' })
    t.equal(await count('bare'), 3)
  })

  await t.test(
    'a refusal is kept, what was done before it is not, and no cache forgets anything',
    async (t) => {
      const before = await versions()
      const first = await post({ type: 'no', refuse: true }, '"three"')
      t.match(first, { statusCode: 409, headers: { 'content-type': 'application/problem+json' } })
      const again = await post({ type: 'no', refuse: true }, '"three"')
      t.equal(again.body, first.body)
      t.match(again, { statusCode: 409, headers: { 'idempotency-replayed': 'true' } })
      t.equal(await count('no'), 0)
      t.equal(await versions(), before)
    }
  )

  await t.test('an outage is not kept: the next attempt is the first', async (t) => {
    t.equal((await post({ type: 'fails', fail: true }, '"four"')).statusCode, 503)
    t.equal((await post({ type: 'fails' }, '"four"')).statusCode, 201)
  })

  await t.test(
    'another request with a known key is refused; another user may have the same key',
    async (t) => {
      t.equal((await post({ type: 'mine' }, '"five"')).statusCode, 201)
      const other = await post({ type: 'other' }, '"five"')
      t.match(other.json(), { status: 422, type: /idempotency-key-reused/ })
      t.equal((await post({ type: 'theirs' }, '"five"', as(known.therapist.id, 'therapist'))).statusCode, 201)
    }
  )

  await t.test('while the first is being worked on the others are told to wait', async (t) => {
    const working = await createConnection(url)
    t.teardown(() => working.destroy())
    await working.query('START TRANSACTION')
    await working.query(
      `INSERT INTO idempotency_keys (user_id, route, ikey, fingerprint, created_at)
       VALUES (?, 'POST /api/marks', 'six', '', UTC_TIMESTAMP())`,
      [uuidToBytes(known.client.id)]
    )
    const told = await post({ type: 'slow' }, '"six"')
    t.match(told.json(), { status: 409, type: /request-in-progress/ })
    t.match(told.headers['retry-after'], /^\d+$/)
    await working.query('ROLLBACK')
    t.equal((await post({ type: 'slow' }, '"six"')).statusCode, 201)
  })

  await t.test('a key that is none is refused', async (t) => {
    for (const key of ['', '"', 'a b', '"a"b"', 'x'.repeat(65), '"ñ"']) {
      t.match((await post({ type: 'never' }, key)).json(), { status: 400 }, key)
    }
    t.equal(await count('never'), 0)
  })

  await t.test('writers that cannot get at a row are told to come again', async (t) => {
    const holder = await createConnection(url)
    t.teardown(() => holder.destroy())
    await holder.query('START TRANSACTION')
    await holder.query('SELECT * FROM profiles WHERE id = ? FOR UPDATE', [uuidToBytes(known.therapist.id)])
    const told = await app.inject({
      method: 'PATCH',
      url: `/api/profile/${known.therapist.id}`,
      headers: as(known.therapist.id, 'therapist'),
      payload: { headline: 'Nobody gets to write this' }
    })
    t.match(told.json(), { status: 503, type: /unavailable/ })
    t.match(told.headers['retry-after'], /^\d+$/)
    t.equal(app.cache.counters.lockConflicts, 3)
  })

  await t.test('a key of yesterday is as good as new, though nobody has cleared it away', async (t) => {
    t.equal((await post({ type: 'yesterday' }, '"old"')).statusCode, 201)
    await query(
      url,
      "UPDATE idempotency_keys SET created_at = UTC_TIMESTAMP() - INTERVAL 25 HOUR WHERE ikey = 'old'"
    )
    const today = await post({ type: 'today' }, '"old"')
    t.equal(today.statusCode, 201)
    t.equal(today.headers['idempotency-replayed'], undefined)
    const again = await post({ type: 'today' }, '"old"')
    t.same([again.body, again.headers['idempotency-replayed']], [today.body, 'true'])
  })

  await t.test('after a day the keys are forgotten, a batch at a time', async (t) => {
    await query(
      url,
      "UPDATE idempotency_keys SET created_at = UTC_TIMESTAMP() - INTERVAL 25 HOUR WHERE ikey <> 'one'"
    )
    const { result } = await app.cache.write(({ database }) => sweepIdempotencyKeys(database))
    t.ok(result >= 4)
    t.match((await post({ type: 'once' }, '"one"')).headers, { 'idempotency-replayed': 'true' })
    t.notOk((await post({ type: 'other' }, '"five"')).headers['idempotency-replayed'])
  })
})
