// A therapist's clients as a user of the API meets them.
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import { buildApp } from '../../src/app.ts'
import { consistencyHeader } from '../../src/http/consistency.ts'
import { engines } from '../engines.ts'
import { query } from '../statements.ts'

const lucia = known.therapist.id

t.test('clients over HTTP', { timeout: 120_000 }, async (t) => {
  const { settings, mysql } = await engines(t, { replicas: 1, scale: 'tiny' })
  const { url } = mysql.primary
  const app = await buildApp(settings)
  t.teardown(() => app.close())
  await app.ready()

  const as = (id: string, role: 'client' | 'therapist' | 'admin') => ({
    authorization: `Bearer ${app.signToken({ id, role }, 600)}`
  })
  const her = as(lucia, 'therapist')
  const [other] = await query<RowDataPacket & { id: string }>(
    url,
    `SELECT LOWER(INSERT(INSERT(INSERT(INSERT(HEX(id), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')) AS id
     FROM profiles WHERE id <> ? LIMIT 1`,
    [uuidToBytes(lucia)]
  )
  const his = as(String(other?.id), 'therapist')

  const get = (url: string, headers: Record<string, string> = her) => app.inject({ url, headers })
  const send = (
    method: 'POST' | 'PATCH' | 'DELETE',
    url: string,
    body: object | undefined,
    headers: Record<string, string> = {}
  ) => app.inject({ method, url, headers: { ...her, ...headers }, ...(body && { payload: body }) })
  let made = 0
  const create = async (fields: object = {}) => {
    const email = `new${++made}@example.com`
    const reply = await send('POST', '/api/clients', { name: `Nuevo ${made}`, email, ...fields })
    t.equal(reply.statusCode, 201, reply.body)
    return {
      path: String(reply.headers.location),
      etag: String(reply.headers.etag),
      body: reply.json(),
      reply
    }
  }
  const eventsOf = async (id: string) =>
    (
      await query<RowDataPacket & { type: string; recipients: string }>(
        url,
        'SELECT type, data, recipients FROM outbox WHERE subject = ? ORDER BY seq',
        [`client:${id}`]
      )
    ).map((row) => `${row.type} ${JSON.stringify(row.data)} ${JSON.stringify(row.recipients)}`)

  t.test(
    'a client created is in the list at once, and read, changed and listed under one ETag',
    async (t) => {
      t.equal((await get('/api/clients?status=all')).statusCode, 200)
      const { path, etag, body, reply } = await create({ name: 'Áurea Wuzubi', notes: 'Pide factura.' })
      t.match(body, {
        name: 'Áurea Wuzubi',
        status: 'active',
        notes: 'Pide factura.',
        userId: null,
        version: 1
      })
      const token = { ...her, [consistencyHeader]: String(reply.headers[consistencyHeader]) }
      const read = await get(path, token)
      t.same(read.json(), body)
      t.equal(read.headers.etag, etag)
      t.match(read.headers, { 'cache-control': 'private, no-cache', vary: /authorization/ })
      t.equal((await get(path, { ...her, 'if-none-match': etag })).statusCode, 304)

      const found = (await get('/api/clients?q=wuzu&fields=id,name', token)).json()
      t.same(found.data, [{ id: body.id, name: 'Áurea Wuzubi' }])
      const patched = await send(
        'PATCH',
        path,
        { status: 'inactive', phone: '+34600000001' },
        { 'if-match': etag }
      )
      t.match(patched.json(), { status: 'inactive', version: 2, notes: 'Pide factura.' })
      t.equal((await get(path, her)).json().status, 'inactive', 'also without a token: the tag was touched')
      t.same((await get('/api/clients?q=wuzu&status=active')).json().data, [])
    }
  )

  t.test('a list is walked to its end without a gap or a double, in whatever steps', async (t) => {
    for (const filter of ['status=all', 'q=a', '']) {
      const whole = (await get(`/api/clients?${filter}&limit=100`)).json().data
      const ids: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const after: string = cursor && `&cursor=${cursor}`
        const reply = await get(`/api/clients?${filter}&limit=3${after}`)
        const page = reply.json()
        ids.push(...page.data.map(({ id }: { id: string }) => id))
        if (page.page.next) t.match(reply.headers.link, /rel="next"/)
        cursor = page.page.next
      }
      t.ok(whole.length > 5, `${filter}: ${whole.length}`)
      t.same(
        ids,
        whole.map(({ id }: { id: string }) => id),
        filter
      )
      const second = (await get(`/api/clients?${filter}&limit=4&page=2`)).json()
      t.same(second.data, whole.slice(4, 8), `${filter} by number`)
      t.equal(second.page.total, whole.length)
    }
    const all = (await get('/api/clients?status=all&limit=100')).json().data
    const rank = { active: 0, inactive: 1, archived: 2 }
    const order = all.map(({ status }: { status: keyof typeof rank }) => rank[status])
    t.same(order, order.toSorted())
    t.ok(new Set(order).size > 1, 'more than one status is walked through')
  })

  t.test('what a search asks for is taken literally', async (t) => {
    await create({ name: 'Cien % Uno', email: 'cien_uno@example.com' })
    t.equal((await get('/api/clients?q=%25')).json().data.length, 1)
    t.equal((await get('/api/clients?q=_')).json().data.length, 0)
    t.equal((await get('/api/clients?q=CIEN_U')).json().data.length, 1, 'by address')
    t.equal((await get('/api/clients?q=cienxu')).json().data.length, 0)
    t.equal((await get('/api/clients?q=%27%20OR%201%3D1%20--%20')).json().data.length, 0)
  })

  t.test('an address is one client’s within a practice, and says nothing of another practice', async (t) => {
    const { path, body } = await create({ email: 'Sol@example.com' })
    const twice = await send('POST', '/api/clients', { name: 'Sol', email: 'sol@EXAMPLE.com' })
    t.equal(twice.statusCode, 409)
    t.match(twice.json(), { type: /duplicate$/ })
    t.equal(twice.headers.location, path)
    const elsewhere = await send('POST', '/api/clients', { name: 'Sol', email: 'sol@example.com' }, his)
    t.equal(elsewhere.statusCode, 201, 'the other therapist learns nothing of it')

    const { path: second, etag } = await create()
    const taken = await send('PATCH', second, { email: 'sol@example.com' }, { 'if-match': etag })
    t.match([taken.statusCode, taken.headers.location], [409, path])
    t.equal((await eventsOf(body.id)).length, 1)
  })

  t.test('another therapist’s client is absent, whatever is done to it', async (t) => {
    const { path, etag } = await create()
    for (const headers of [his, as(known.client.id, 'client')]) {
      const status = headers === his ? 404 : 403
      t.equal((await get(path, headers)).statusCode, status)
      for (const method of ['PATCH', 'DELETE'] as const) {
        const body = method === 'PATCH' ? { name: 'Mío' } : undefined
        const reply = await send(method, path, body, { ...headers, 'if-match': etag })
        t.equal(reply.statusCode, status, method)
        const absent = await send(method, '/api/clients/ffffffff-ffff-7fff-bfff-ffffffffffff', body, {
          ...headers,
          'if-match': etag
        })
        const { instance: _, ...said } = reply.json()
        t.match(absent.json(), said, 'answered as what is not there')
      }
    }
    t.equal((await get(path)).statusCode, 200)
    const { page } = (await get('/api/clients?limit=2')).json()
    t.equal(
      (await get(`/api/clients?limit=2&cursor=${page.next}`, his)).statusCode,
      400,
      'nor does her cursor serve'
    )
  })

  t.test('a change needs the version that its author has seen', async (t) => {
    const { path, etag, body } = await create()
    t.equal((await send('PATCH', path, { name: 'A' })).statusCode, 428)
    t.equal((await send('DELETE', path, undefined)).statusCode, 428)
    const racing = await Promise.all(
      ['A', 'B', 'C'].map((name) => send('PATCH', path, { name }, { 'if-match': etag }))
    )
    t.same(racing.map(({ statusCode }) => statusCode).sort(), [200, 412, 412])
    t.equal((await send('DELETE', path, undefined, { 'if-match': etag })).statusCode, 412)
    t.equal((await eventsOf(body.id)).length, 2, 'what was refused is no event')
    const same = await send('PATCH', path, { status: 'active' }, { 'if-match': '*' })
    t.match([same.statusCode, same.json().version], [200, 2], 'nor is what changes nothing')
    t.equal((await eventsOf(body.id)).length, 2)
  })

  t.test('an erased client is gone, its address free, and nothing that names it is left', async (t) => {
    const { path, etag, body } = await create({
      email: 'gone@example.com',
      phone: '+34600000002',
      notes: 'x'
    })
    const erased = await send('DELETE', path, undefined, { 'if-match': etag })
    t.equal(erased.statusCode, 204)
    t.equal(erased.body, '')
    t.ok(erased.headers[consistencyHeader])
    t.equal((await get(path)).statusCode, 404)
    t.same((await get('/api/clients?q=gone&status=all')).json().data, [])
    const [row] = await query<RowDataPacket>(
      url,
      'SELECT name, email, phone, private, user_id FROM clients WHERE id = ?',
      [uuidToBytes(body.id)]
    )
    t.same({ ...row }, { name: '', email: null, phone: null, private: null, user_id: null })
    await create({ email: 'gone@example.com' })
    const said = (await eventsOf(body.id)).join('\n')
    t.match(said, /client.erased/)
    t.notMatch(said, /gone|Nuevo/, 'events name nobody')
  })

  t.test('a client with sessions to come cannot be erased', async (t) => {
    const { path, etag, body } = await create()
    const [model] = await query<RowDataPacket & { id: Buffer }>(
      url,
      'SELECT id FROM bookings WHERE therapist_id = ? LIMIT 1',
      [uuidToBytes(lucia)]
    )
    await query(
      url,
      `INSERT INTO bookings (id, therapist_id, client_id, service_id, starts_at, ends_at, blocks_from, blocks_to, time_zone,
         utc_offset_min, status, price, mode, created_at, updated_at)
       SELECT UNHEX(REPLACE(UUID(), '-', '')), therapist_id, ?, service_id, '2040-03-01 10:00', '2040-03-01 11:00', '2040-03-01 10:00',
         '2040-03-01 11:00', time_zone, utc_offset_min, 'confirmed', price, mode, created_at, updated_at FROM bookings WHERE id = ?`,
      [uuidToBytes(body.id), model?.id]
    )
    t.equal((await send('DELETE', path, undefined, { 'if-match': etag })).statusCode, 409)
    t.equal((await get(path)).statusCode, 200)
  })

  t.test('a client sent twice under one Idempotency-Key is created once', async (t) => {
    const key = { 'idempotency-key': '"one-client"' }
    const payload = { name: 'Una Vez', email: 'once@example.com' }
    const replies = await Promise.all(
      Array.from({ length: 5 }, () => send('POST', '/api/clients', payload, key))
    )
    const created = replies.filter(({ statusCode }) => statusCode === 201)
    t.ok(created.length > 0)
    t.equal(new Set(created.map(({ body }) => body)).size, 1)
    t.equal((await get('/api/clients?q=once@example.com')).json().data.length, 1)
  })

  t.test('a list reads as many rows of the index as it shows', async (t) => {
    const [plan] = await query<RowDataPacket & { key: string; rows: number }>(
      url,
      `EXPLAIN SELECT id, name FROM clients FORCE INDEX (ix_cli_list) WHERE therapist_id = ? AND status = 'active'
         AND erased_at IS NULL AND ((name = 'M' AND id > '') OR name > 'M') ORDER BY name, id LIMIT 21`,
      [uuidToBytes(lucia)]
    )
    t.match(plan, { key: 'ix_cli_list', type: 'range', Extra: /^(?!.*filesort)/ })
  })

  t.test('an administrator may read one, and it is told of', async (t) => {
    const { path, body } = await create()
    const recorded: unknown[] = []
    const { record } = app.audit
    app.audit.record = (event, request) => {
      recorded.push(event)
      record(event, request)
    }
    t.teardown(() => {
      app.audit.record = record
    })
    t.same((await get(path, as(known.admin.id, 'admin'))).json(), body)
    t.match(recorded, [{ action: 'client.read', resource: 'client', resourceId: body.id }])
    await get(path)
    t.equal(recorded.length, 1, 'her own reading is not')
    t.equal((await get('/api/clients', as(known.admin.id, 'admin'))).statusCode, 403)
  })
})
