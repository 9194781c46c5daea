// The read path as a client meets it: who answers, what the headers promise, and what a crowd costs the database.
import { deepStrictEqual as same } from 'node:assert/strict'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import t from 'tap'
import { known } from '../db/seed/known.ts'
import { buildApp } from '../src/app.ts'
import { fleet, publicProfiles } from './fleet.ts'
import { countStatements } from './statements.ts'
import { undisturbed } from './undisturbed.ts'
import { until } from './until.ts'

t.test('two instances on one stack', async (t) => {
  const { engines, instances } = await fleet(t, 2)
  const [one, two] = instances
  if (!two) throw new Error('two instances are needed')
  const cold = await publicProfiles(engines.mysql.primary.url, 20)
  /** A profile that nobody has asked for yet. */
  const next = () => `/api/profile/${cold.pop()}`
  const path = `/api/profile/${known.therapist.id}`

  t.test('a replica answers first, then L1; the other instance asks Redis, then its own L1', (t) =>
    undisturbed(t, async () => {
      await until('both replicas serve', () =>
        one.app.mysql.replicas.states().every(({ serving }) => serving)
      )
      const path = next()
      const statuses = []
      for (const instance of [one, one, two, two])
        statuses.push((await instance.send(path)).headers['cache-status'])
      same(statuses, [
        'turno-redis; fwd=miss; stored; detail=replica, turno-l1; fwd=miss; stored',
        'turno-l1; hit',
        'turno-redis; hit, turno-l1; fwd=miss; stored',
        'turno-l1; hit'
      ])
    })
  )

  t.test('200 clients of two instances who ask for one cold profile cost one query', (t) =>
    undisturbed(t, async () => {
      const path = next()
      const servers = [engines.mysql.primary, ...engines.mysql.replicas].map(({ url }) => url)
      const counted = await countStatements(servers, '%FROM profiles WHERE id IN%')
      const replies = await Promise.all(Array.from({ length: 200 }, (_, i) => (i % 2 ? one : two).send(path)))
      same(new Set(replies.map(({ status, body }) => `${status} ${body}`)).size, 1)
      same(await counted(), 1)
    })
  )

  t.test('who has the bytes gets none again, in whatever encoding he has them', async (t) => {
    for (const encoding of ['identity', 'gzip', 'br', 'zstd']) {
      const first = await one.send(path, { headers: { 'accept-encoding': encoding } })
      const again = await two.send(path, {
        headers: { 'accept-encoding': 'identity', 'if-none-match': String(first.headers.etag) }
      })
      t.match(again, {
        status: 304,
        body: '',
        headers: { etag: String(first.headers.etag), vary: 'accept-encoding' }
      })
      t.equal(again.headers['cache-control'], first.headers['cache-control'])
    }
  })

  t.test('each encoding is the same representation under a tag of its own', async (t) => {
    const decode = {
      identity: (body: Buffer) => body,
      gzip: gunzipSync,
      br: brotliDecompressSync,
      zstd: zstdDecompressSync
    }
    const tags = new Set()
    const bodies = new Set()
    for (const [encoding, decoded] of Object.entries(decode)) {
      const reply = await fetch(one.url + path, { headers: { 'accept-encoding': encoding }, method: 'GET' })
      tags.add(reply.headers.get('etag'))
      const raw = await one.app.inject({ url: path, headers: { 'accept-encoding': encoding } })
      t.equal(raw.headers['content-encoding'], encoding === 'identity' ? undefined : encoding)
      bodies.add(decoded(raw.rawPayload).toString())
    }
    t.equal(tags.size, 4)
    t.equal(bodies.size, 1)
  })

  t.test('HEAD tells all that GET tells, but the body', async (t) => {
    const whole = await one.app.inject({ method: 'GET', url: path })
    const head = await one.app.inject({ method: 'HEAD', url: path })
    t.equal(head.statusCode, 200)
    t.equal(head.body, '')
    for (const name of ['etag', 'content-length', 'cache-control', 'content-type', 'vary', 'cache-tag']) {
      t.equal(head.headers[name], whole.headers[name], name)
    }
  })

  t.test('a hit says all that the answer which was loaded said, under whichever path', async (t) => {
    const own = {
      authorization: `Bearer ${one.app.signToken({ id: known.therapist.id, role: 'therapist' }, 60)}`
    }
    const alias = path.replace('profile', 'profiles')
    for (const [url, headers] of [
      [path, {}],
      [alias, {}],
      ['/api/profiles?sort=price', {}],
      ['/api/profile', own]
    ] as const) {
      // Of an instance that has nothing yet, so that the first answer is loaded and the second found.
      const fresh = await buildApp({ ...one.app.settings, port: 0 })
      try {
        await fresh.ready()
        const loaded = await fresh.inject({ url, headers })
        t.notMatch(loaded.headers['cache-status'], /^turno-l1; hit$/)
        let found = loaded
        // Of a process that stood still for 50 ms, on a busy machine, nothing is proved: it asks before it hits.
        await until(`${url} is found in the process`, async () => {
          found = await fresh.inject({ url, headers })
          return found.headers['cache-status'] === 'turno-l1; hit'
        })
        const saying = ({ headers }: typeof loaded) => {
          const { date: _date, 'x-request-id': id, 'cache-status': _status, ...others } = headers
          t.ok(id, 'under a name of its own')
          return others
        }
        t.same(saying(found), saying(loaded), url)
        t.equal(found.body, loaded.body)
      } finally {
        await fresh.close()
      }
    }
  })

  t.test(
    'a change on one instance is on the other at once for who brings its token, and soon for all',
    async (t) => {
      const token = one.app.signToken({ id: known.therapist.id, role: 'therapist' }, 60)
      await two.send(path)
      const written = await one.send(path, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${token}` },
        body: { headline: 'Recién cambiado' }
      })
      t.equal(written.status, 200)
      const consistency = String(written.headers['turno-consistency-token'])
      const reply = await two.send(path, { headers: { 'turno-consistency-token': consistency } })
      t.match(reply.body, 'Recién cambiado')
      t.equal(reply.headers.etag, written.headers.etag, 'one representation, one tag')
    }
  )

  t.test('operators, and nobody else, are told what each layer holds of an entry', async (t) => {
    await one.send(path)
    const operators = await one.app.operators.listen()
    const entry = `/internal/cache/profile/${known.therapist.id}`
    const told = await fetch(operators + entry)
    t.match(await told.json(), {
      view: 'profile',
      l1: { because: String },
      primary: [Number],
      floors: [Number]
    })
    t.equal((await fetch(`${operators}/internal/cache/profile/nobody`)).status, 404)
    t.equal((await one.send(entry)).status, 404, 'not on the public listener')
  })
})
