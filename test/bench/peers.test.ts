// What Turno is measured beside is worth the comparison: each peer is there, says what Turno says, byte for byte, checks
// who writes, and shows what was written. Skipped where npm cannot bring the peers' packages.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { Agent, request } from 'undici'
import { installPeers } from '../../bench/peers/install.ts'
import { peers } from '../../bench/subjects/peers.ts'
import type { Context, RunningSubject } from '../../bench/subjects/subject.ts'
import { turno } from '../../bench/subjects/turno.ts'
import { differences } from '../../bench/subjects/verify.ts'
import { groundOf, signing, worldNow } from '../../bench/world.ts'
import { instantToSql, uuidToBytes } from '../../db/columns.ts'
import { urlsOf } from '../../db/stack/stack.ts'
import { engines } from '../engines.ts'
import { query } from '../statements.ts'
import { until } from '../until.ts'

const never = new AbortController().signal
const missing = await installPeers(() => {}, never).then(
  () => false,
  (error: Error) => error.message
)
const reserved = peers.length

t.test('the peers of the benchmark', { skip: missing, timeout: 120_000 }, async (t) => {
  const stack = await engines(t)
  const { primaryUrl, replicaUrls, redisUrl } = urlsOf(stack)
  const signer = await signing()
  const ground = await groundOf(primaryUrl)
  const { profiles, lists, admin, clients } = worldNow(ground, signer)
  const directory = await mkdtemp(join(tmpdir(), 'turno-peers-'))
  const agent = new Agent()
  const redis = new Redis(redisUrl)
  const context: Context = {
    mysql: { primaryUrl, replicaUrls },
    redisUrl,
    jwt: signer.jwt,
    directory,
    processor: null,
    abort: never
  }
  const send = async (url: string, method: 'GET' | 'POST' | 'PATCH', token?: string, body?: object) => {
    const answer = await request(url, {
      method,
      dispatcher: agent,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' })
      },
      ...(body && { body: JSON.stringify(body) })
    })
    return { status: answer.statusCode, body: await answer.body.text() }
  }

  t.teardown(async () => {
    redis.disconnect()
    await agent.destroy()
    await rm(directory, { recursive: true, force: true })
  })
  const reference = await turno('turno', 1).start(context)
  t.teardown(() => reference.stop())
  const [turnoUrl = ''] = reference.urls
  // On a busy machine what has only just begun may turn its first callers away.
  await until('Turno serves', async () => (await send(`${turnoUrl}/api/profiles`, 'GET')).status === 200)

  // Each writes to a profile that nobody else asks for, and only what no list shows.
  const paths = [
    ...profiles.slice(reserved, reserved + 12).map((id) => `/api/profile/${id}`),
    '/api/profile/018e0000-0000-7b12-8000-000000000001',
    ...lists.slice(0, 25),
    '/api/profiles?q=ansiedad',
    '/api/profiles?sort=price&limit=5&maxPrice=9000',
    '/api/profiles?sort=nextSlot&limit=3&language=es&mode=online'
  ]
  const cursor: unknown = JSON.parse((await send(`${turnoUrl}/api/profiles?limit=5`, 'GET')).body).page.next
  paths.push(`/api/profiles?limit=5&cursor=${cursor}`)

  for (const [place, peer] of peers.entries()) {
    t.test(peer.title, async (t) => {
      // What the peer before has left there would be no answer of this one's.
      await redis.flushall()
      const running = await peer.start(context)
      t.teardown(() => running.stop())
      const [url = ''] = running.urls

      if (peer.serves.includes('profiles')) {
        t.same(await differences(turnoUrl, url, paths), [], 'says what Turno says')
        t.same(await differences(turnoUrl, url, paths), [], 'and again, by then from its cache')
        await writes(t, running, profiles[place] ?? '')
      } else {
        const items = paths.filter((path) => path.startsWith('/api/profile/'))
        t.same(await differences(turnoUrl, url, items), [], 'says what Turno says')
      }
      if (peer.serves.includes('hit-token')) {
        const headers = { authorization: `Bearer ${clients[0]?.token}` }
        t.same(await differences(turnoUrl, url, ['/api/auth/me'], headers), [], 'to somebody too')
      }

      await running.stop()
      await t.rejects(send(url, 'GET'), 'it stops')
    })
  }

  async function writes(t: Tap, { urls: [url = ''] }: RunningSubject, id: string): Promise<void> {
    const path = `${url}/api/profile/${id}`
    const bio = 'Trabajo con adultos.'
    const forged = admin.token.split('.').with(2, 'A'.repeat(86)).join('.')
    t.equal((await send(path, 'PATCH', undefined, { bio })).status, 401, 'nobody may write without a token')
    t.equal((await send(path, 'PATCH', forged, { bio })).status, 401, 'nor with a forged one')
    t.equal((await send(path, 'PATCH', clients[0]?.token, { bio })).status, 403, 'nor somebody else')

    const before = JSON.parse((await send(path, 'GET')).body)
    const written = await send(path, 'PATCH', admin.token, { bio })
    t.equal(written.status, 200)
    const after = JSON.parse(written.body)
    t.match(after, { ...before, bio, version: before.version + 1, updatedAt: String })
    await replicated(id, after.version)
    await until(
      'the peer shows what was written',
      async () => (await send(path, 'GET')).body === written.body
    )

    const userId = id.replace(/^......../, '018e9999')
    await addTherapist(userId)
    const body = { userId, displayName: 'Nora Vidal Roca', languages: ['es', 'ca'] }
    const created = await send(`${url}/api/profiles`, 'POST', admin.token, body)
    t.equal(created.status, 201)
    await replicated(userId, 1)
    t.equal((await send(`${url}/api/profile/${userId}`, 'GET')).body, created.body, 'and what was created')
    t.same(await differences(turnoUrl, url, [`/api/profile/${userId}`]), [], 'as Turno does')
    t.equal((await send(`${url}/api/profiles`, 'POST', admin.token, body)).status, 409, 'once')
    await remove(userId)
  }

  // A peer that reads a replica too early keeps what it has read: that is its design, and not what this is about.
  async function replicated(id: string, version: number | undefined): Promise<void> {
    for (const replica of replicaUrls)
      await until('the replicas have it', async () => {
        const sql = 'SELECT version FROM profiles WHERE id = ?'
        const [row] = await query<RowDataPacket & { version: number }>(replica, sql, [uuidToBytes(id)])
        return row?.version === version
      })
  }

  /** Lists show it: the next peer is to find them as they were. */
  async function remove(id: string): Promise<void> {
    const key = uuidToBytes(id)
    for (const table of [
      'calendars WHERE therapist_id',
      'profile_terms WHERE profile_id',
      'profiles WHERE id'
    ])
      await query(primaryUrl, `DELETE FROM ${table} = ?`, [key])
    await replicated(id, undefined)
  }

  async function addTherapist(id: string): Promise<void> {
    const at = instantToSql(new Date().toISOString())
    await query(
      primaryUrl,
      "INSERT INTO users (id, email, password_hash, role, created_at, updated_at) VALUES (?, ?, '', 'therapist', ?, ?)",
      [uuidToBytes(id), `${id}@example.com`, at, at]
    )
  }
})

type Tap = Pick<typeof t, 'equal' | 'match' | 'same'>
