// Who may read the trail, and what reading it costs.
import { drizzle } from 'drizzle-orm/mysql2'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { bytesToUuid } from '../../db/columns.ts'
import { Pool } from '../../db/pool.ts'
import { known } from '../../db/seed/known.ts'
import { buildApp } from '../../src/app.ts'
import { entryOf, firstIdAt, lineOf } from '../../src/audit/entry.ts'
import { deleteEntries, findPage, insertEntries, mostScanned } from '../../src/audit/queries.ts'
import type { Settings } from '../../src/config.ts'
import { engines } from '../engines.ts'
import { until } from '../until.ts'
import { entries } from './entries.ts'

const { settings, mysql } = await engines(t, { scale: 'tiny', replicas: 0 })

async function started(t: Test, changes: { allow?: readonly string[]; trustProxy?: readonly string[] } = {}) {
  const changed: Settings = {
    ...settings,
    http: { ...settings.http, trustProxy: changes.trustProxy ?? [] },
    operators: { ...settings.operators, allow: changes.allow ?? settings.operators.allow }
  }
  const app = await buildApp(changed)
  t.teardown(() => app.close())
  await app.ready()
  const token = (role: 'admin' | 'therapist') => `Bearer ${app.signToken({ id: known.admin.id, role }, 600)}`
  const get = (headers: Record<string, string>, remoteAddress = '127.0.0.1', url = '/api/audit') =>
    app.inject({ url, headers, remoteAddress })
  return {
    app,
    get,
    admin: { authorization: token('admin') },
    therapist: { authorization: token('therapist') }
  }
}

t.test(
  'the trail is for administrators at an allowed address; elsewhere there is no such thing',
  async (t) => {
    const { app, get, admin, therapist } = await started(t)
    const answer = await get(admin)
    t.equal(answer.statusCode, 200)
    t.equal(answer.headers['cache-control'], 'no-store')
    t.equal((await get({})).statusCode, 401)
    t.equal((await get(therapist)).statusCode, 403)
    for (const headers of [admin, therapist, {}]) {
      const elsewhere = await get(headers, '203.0.113.7')
      t.match(elsewhere.json(), { status: 404, detail: 'There is nothing here.' })
    }
    await until(
      'both are told in the trail itself',
      async () => (await entries(mysql.primary.url)).length === 2
    )
    t.match(await entries(mysql.primary.url), [
      { action: 'audit.read', actor_id: known.admin.id, outcome: 'success' },
      { action: 'operate', resource_id: '/api/audit', actor_role: 'therapist', outcome: 'refused' }
    ])
    for (const path of ['/metrics', '/internal/cache/profile/1', '/internal/cache/profile/a%3Ab']) {
      t.equal(
        (await app.inject({ url: path, headers: admin })).statusCode,
        404,
        `${path} is not public at all`
      )
    }
  }
)

t.test('no X-Forwarded-For makes an address of somebody else’s an allowed one', async (t) => {
  const spoofed = { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1', 'x-real-ip': '127.0.0.1' }
  const direct = await started(t)
  t.equal((await direct.get({ ...direct.admin, ...spoofed }, '203.0.113.7')).statusCode, 404)
  t.equal(
    (await direct.get({ ...direct.admin, 'x-forwarded-for': '203.0.113.7' })).statusCode,
    404,
    'a proxy on this host that nobody told us of does not lend its address'
  )

  // What nginx does: it adds the address that it was asked from.
  const behind = await started(t, { trustProxy: ['127.0.0.1'], allow: ['127.0.0.0/8', '198.51.100.0/24'] })
  const via = (chain: string, peer?: string) =>
    behind.get({ ...behind.admin, 'x-forwarded-for': chain }, peer)
  t.equal((await via('127.0.0.1, 203.0.113.7')).statusCode, 404, 'what the client wrote before it')
  t.equal((await via('198.51.100.9, 203.0.113.7')).statusCode, 404)
  t.equal((await via('198.51.100.9')).statusCode, 200, 'the address that the proxy saw')
  t.equal((await via('198.51.100.9', '203.0.113.7')).statusCode, 404, 'a header from who is no proxy')
})

t.test('a private key of the cache may be asked for by operators, and tells no content', async (t) => {
  const { app } = await started(t)
  const url = await app.operators.listen()
  const answer = await fetch(`${url}/internal/cache/own-bookings/${encodeURIComponent('a:b/c d:é')}`)
  t.equal(answer.status, 404)
  t.match(await answer.json(), { status: 'no layer holds it' }, 'the key was understood')
  await app.inject(`/api/profile/${known.therapist.id}`)
  const told: object = JSON.parse(
    await (await fetch(`${url}/internal/cache/profile/${known.therapist.id}`)).text()
  )
  t.strictSame(Object.keys(told).sort(), [
    'floors',
    'key',
    'known',
    'l1',
    'primary',
    'redis',
    'slots',
    'view'
  ])
  t.notMatch(JSON.stringify(told), /displayName|headline/)
  for (const bad of ['%E0%A4%A', 'x'.repeat(500), 'a/b']) {
    t.match(await (await fetch(`${url}/internal/cache/profile/${bad}`)).json(), { status: 'not found' })
  }

  const closed = await started(t, { allow: ['192.0.2.1'] })
  const closedUrl = await closed.app.operators.listen()
  for (const path of ['/metrics', '/health', `/internal/cache/profile/1`, '/nothing']) {
    t.equal((await fetch(closedUrl + path)).status, 403, `${path} from an address that is not allowed`)
  }
  t.equal(
    (await fetch(`${url}/metrics`, { headers: { 'x-forwarded-for': '127.0.0.1' } })).status,
    403,
    'nor through a proxy'
  )
})

const day = 86_400_000
const now = Date.now()
const [anna, berta] = ['0199a3f2-5c1e-7d4a-9b7e-00000000000a', '0199a3f2-5c1e-7d4a-9b7e-00000000000b']

/** 6,000 entries of the last 30 days: Anna's every other, one record in a thousand, one action in 500. */
async function filled(): Promise<void> {
  const pool = new Pool({
    url: mysql.primary.url,
    purpose: 'write',
    connections: 1,
    connectTimeoutMs: 1_000,
    workTimeoutMs: 20_000
  })
  const made = Array.from({ length: 6_000 }, (_, n) => {
    const line = lineOf(
      {
        action: n % 500 === 0 ? 'client.erase' : 'client.read',
        resource: 'client',
        resourceId: `c-${n % 1000}`
      },
      { caller: { id: n % 2 ? anna : berta, role: 'admin' }, ip: '127.0.0.1', id: 'test-0001' }
    )
    const entry = entryOf(line)
    if (!entry) throw new Error('not an entry')
    return { ...entry, id: firstIdAt(now - 30 * day + n * 400_000).slice(0, 23) + entry.id.slice(23) }
  })
  for (let at = 0; at < made.length; at += 1_000) await insertEntries(pool, made.slice(at, at + 1_000))
  await pool.close()
}

t.test('a trail of six thousand entries', async (t) => {
  await filled()
  const { get, admin } = await started(t)
  const ask = async (query: string) => {
    const answer = await get(admin, '127.0.0.1', `/api/audit?${query}`)
    return { status: answer.statusCode, body: answer.json(), link: answer.headers.link }
  }
  /** All pages of a query. */
  const all = async (query: string) => {
    const rows: Record<string, string>[] = []
    let pages = 0
    for (let cursor = ''; ; pages++) {
      const { status, body } = await ask(`${query}&limit=100${cursor}`)
      if (status !== 200) throw new Error(`${status}`)
      rows.push(...body.data)
      if (body.page.next === null) return { rows, pages: pages + 1 }
      cursor = `&cursor=${body.page.next}`
    }
  }

  t.test('is read newest first, each entry once, by who, by record, by action', async (t) => {
    const until = new Date(now).toISOString()
    for (const [query, count] of [
      ['', 6_000],
      [`actor=${anna.toUpperCase()}`, 3_000],
      ['resource=client&resourceId=c-7', 6],
      ['action=client.erase', 12],
      [`actor=${berta}&action=client.erase`, 12],
      [`actor=${anna}&resource=client&resourceId=c-8`, 0],
      [`from=${new Date(now - 2 * day).toISOString()}`, 0],
      [`from=${new Date(now - 30 * day).toISOString()}&to=${new Date(now - 29 * day).toISOString()}`, 216]
    ] as const) {
      const { rows } = await all(`to=${until}&${query}`.replace(/^to=[^&]+&(?=from=.*to=)/, ''))
      t.equal(rows.length, count, query)
      const ids = rows.map(({ id }) => id)
      t.strictSame(ids, [...new Set(ids)].sort().reverse(), 'in order, none twice')
    }
  })

  t.test('refuses what has no bound, and a cursor of another list', async (t) => {
    const at = (days: number) => new Date(now - days * day).toISOString()
    t.match((await ask(`from=${at(40)}&to=${at(1)}`)).body, { status: 422, type: /range-too-long$/ })
    t.match((await ask(`from=${at(1)}&to=${at(2)}`)).body, { status: 400 })
    t.match((await ask('resourceId=c-7')).body, { status: 400 })
    t.match((await ask('actor=anna')).body, { status: 400 })
    const { body, link } = await ask(`actor=${anna}&limit=1`)
    t.match(link, `cursor=${body.page.next}>; rel="next"`)
    t.equal((await ask(`actor=${berta}&limit=1&cursor=${body.page.next}`)).status, 400)
  })

  t.test('costs no more rows than its bound, whatever is asked for', async (t) => {
    const connection = await createConnection(mysql.primary.url)
    t.teardown(() => connection.end())
    const search = { from: now - 31 * day, to: now }
    const middle = firstIdAt(now - 15 * day)
    for (const after of [null, middle]) {
      for (const [one, most] of [
        [{}, 21],
        [{ actor: anna }, 21],
        [{ resource: 'client', resourceId: 'c-7' }, 21],
        [{ resource: 'client' }, 3 * mostScanned],
        [{ action: 'client.erase' }, 3 * mostScanned],
        [{ actor: anna, action: 'never' }, 3 * mostScanned],
        [{ actor: anna, resource: 'client', resourceId: 'c-7', action: 'never' }, 50]
      ] as const) {
        const read = await rowsRead(connection, () =>
          findPage(drizzle({ client: connection }), { search: { ...search, ...one }, after, limit: 20 })
        )
        t.ok(read <= most + 5, `${JSON.stringify(one)} read ${read}, at most ${most}`)
      }
    }
  })

  t.test('is forgotten from its oldest end, so many at a time', async (t) => {
    const pool = new Pool({
      url: mysql.primary.url,
      purpose: 'write',
      connections: 1,
      connectTimeoutMs: 1_000,
      workTimeoutMs: 5_000
    })
    t.teardown(() => pool.close())
    const before = now - 29 * day
    t.equal(await deleteEntries(pool, before, 200), 200)
    t.equal(await deleteEntries(pool, before, 200), 16)
    t.equal(await deleteEntries(pool, before, 200), 0)
    const [oldest] = await pool.query<RowDataPacket & { id: Buffer }>('SELECT MIN(id) AS id FROM audit_log')
    t.ok(bytesToUuid(oldest?.id ?? Buffer.alloc(16)) >= firstIdAt(before))
  })
})

/** Rows and index entries that the engine read, in all. */
async function rowsRead(connection: Connection, work: () => Promise<unknown>): Promise<number> {
  const read = async () => {
    const [rows] = await connection.query<(RowDataPacket & { Value: string })[]>(
      "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Handler_icp_attempts'"
    )
    return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
  }
  const idle = await read()
  const before = await read()
  await work()
  return (await read()) - before - (before - idle)
}
