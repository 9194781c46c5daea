// What is answered before Fastify is asked must be what Fastify answers, and whoever Fastify would refuse is refused.
import { strictEqual as equal } from 'node:assert/strict'
import { setTimeout as elapsed } from 'node:timers/promises'
import t from 'tap'
import { known } from '../../db/seed/known.ts'
import { clientOf, emailOf } from '../accounts/client.ts'
import { fleet, type Instance, type Reply } from '../fleet.ts'
import { undisturbed } from '../undisturbed.ts'
import { until } from '../until.ts'

const profile = `/api/profile/${known.therapist.id}`
const list = '/api/profiles?specialty=anxiety&limit=3'

t.test('on two instances', { timeout: 120_000 }, async (t) => {
  const { engines, instances } = await fleet(t, 2, (settings) => ({
    ...settings,
    limits: { ...settings.limits, readsPerMinute: 100_000 }
  }))
  const [one, two] = instances
  if (!two) throw new Error('two instances are needed')
  const email = await emailOf(engines.mysql.primary.url, known.client.id)
  const client = clientOf(one.app)

  const answersOf = async ({ app }: Instance) =>
    Number(/^turno_http_at_hand_total\S* (\d+)/m.exec(await app.metrics.text())?.[1] ?? 0)

  /** A reply that came without Fastify. Who asks is the first to know whether it is there. */
  async function atHand(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    for (;;) {
      const before = await answersOf(one)
      const reply = await one.send(path, { headers })
      if ((await answersOf(one)) > before) return reply
    }
  }

  const momentary = new Set(['x-request-id', 'ratelimit', 'x-accel-expires'])
  const ofConnection = new Set(['date', 'connection', 'keep-alive', 'age'])

  /** Without what is of one moment or one connection; of the former, that it is there. */
  function lasting({ status, headers, body }: Pick<Reply, 'status' | 'headers' | 'body'>) {
    const fields = Object.entries(headers).filter(([name]) => !momentary.has(name) && !ofConnection.has(name))
    const told = [...momentary].map((name) => typeof headers[name])
    return { status, headers: fields.sort(([one], [other]) => (one < other ? -1 : 1)), body, told }
  }

  async function byFastify(path: string, headers: Record<string, string>) {
    const { statusCode, headers: told, rawPayload } = await one.app.inject({ url: path, headers })
    const all = Object.fromEntries(
      Object.entries(told).map(([name, value]) => [name, Array.isArray(value) ? value : String(value)])
    )
    return lasting({ status: statusCode, headers: all, body: rawPayload.toString() })
  }

  t.test('an answer at hand is the one that Fastify gives', async (t) => {
    const { headers } = await one.send(profile)
    const asked: Record<string, string>[] = [
      {},
      { accept: '*/*', 'accept-encoding': 'gzip, deflate, br, zstd' },
      { 'accept-encoding': 'gzip' },
      { accept: 'application/json', 'if-none-match': String(headers.etag) },
      { 'if-none-match': '*' },
      { 'if-none-match': '"of something else"' },
      { 'surrogate-capability': 'nginx="ESI/1.0"' },
      { 'x-request-id': 'chosen-by-the-client' },
      // Nobody has to be known here: whoever says who he is is not asked for it.
      { authorization: 'Bearer nonsense' }
    ]
    for (const path of [profile, list]) {
      for (const headers of asked) {
        await undisturbed(t, async () => {
          const here = await atHand(path, headers)
          const there = await byFastify(path, headers)
          equal(JSON.stringify(lasting(here)), JSON.stringify(there))
        })
      }
    }
    const named = await atHand(profile, { 'x-request-id': 'chosen-by-the-client' })
    t.equal(named.headers['x-request-id'], 'chosen-by-the-client')
  })

  t.test('what is out of the ordinary is left to Fastify', async (t) => {
    await atHand(profile)
    const before = await answersOf(one)
    const unusual: [string, Record<string, string>, number][] = [
      [profile, { accept: 'text/html' }, 406],
      [profile, { accept: 'text/html, */*;q=0.1' }, 200],
      [profile, { 'turno-consistency-token': 'x' }, 200],
      [`${profile}?fields=id`, {}, 200],
      [`${profile}?nothing=1`, {}, 400],
      ['/api/profiles/not-an-id', {}, 404]
    ]
    for (const [path, headers, status] of unusual) {
      for (let i = 0; i < 3; i++) t.equal((await one.send(path, { headers })).status, status, path)
    }
    t.equal(await answersOf(one), before)
  })

  t.test('a change is seen at once, here and elsewhere', async (t) => {
    await atHand(profile)
    const headers = {
      authorization: `Bearer ${one.app.signToken({ id: known.therapist.id, role: 'therapist' }, 60)}`,
      'content-type': 'application/merge-patch+json'
    }
    for (const instance of [one, two]) {
      const headline = `At hand ${instance.url}`
      const changed = await instance.send(profile, { method: 'PATCH', headers, body: { headline } })
      t.equal(changed.status, 200)
      if (instance === one) t.match((await one.send(profile)).body, headline)
      else await until('it is heard', async () => (await one.send(profile)).body.includes(headline))
      await atHand(profile)
    }
  })

  t.test(
    'each is counted once: against the limit, by its route, and as an answer of the cache',
    async (t) => {
      await undisturbed(t, async () => {
        const remaining = async () =>
          Number(/r=(\d+)/.exec(String((await atHand(profile)).headers.ratelimit))?.[1])
        const durations = async () =>
          Number(
            /http_server_request_duration_seconds_count\{[^}]*status_code="200"[^}]*layer="l1"[^}]*route="\/api\/profile\/:id"\S* (\d+)/.exec(
              await one.app.metrics.text()
            )?.[1]
          )
        await remaining()
        const [left, measured, counted] = [
          await remaining(),
          await durations(),
          one.app.cache.counters.of('profile').l1
        ]
        for (let i = 0; i < 10; i++) await one.send(profile)
        equal(one.app.cache.counters.of('profile').l1 - counted, 10)
        equal(await durations(), measured + 10)
        equal(await remaining(), left - 11)
        equal(one.app.requests.active, 0)
      })
    }
  )

  t.test('one’s own is at hand for its owner alone, as long as his session lives', async (t) => {
    const mine = await client.signIn(email)
    const authorization = `Bearer ${mine.accessToken}`
    const me = await atHand('/api/auth/me', { authorization })
    t.match(JSON.parse(me.body), { id: known.client.id })
    t.equal(me.headers['cache-control'], 'private, no-cache')
    t.equal((await one.send('/api/auth/me')).status, 401)
    t.equal((await one.send('/api/auth/me', { headers: { authorization: `${authorization}x` } })).status, 401)
    const others = one.app.signToken({ id: known.therapist.id, role: 'therapist' }, 60)
    const theirs = await atHand('/api/auth/me', { authorization: `Bearer ${others}` })
    t.match(JSON.parse(theirs.body), { id: known.therapist.id })

    const out = await client.post('/api/auth/logout', undefined, mine.accessToken)
    t.equal(out.statusCode, 204)
    t.equal((await one.send('/api/auth/me', { headers: { authorization } })).status, 401, 'from now on')
  })

  t.test('a token is good until its end', async (t) => {
    const token = one.app.signToken({ id: known.therapist.id, role: 'therapist' }, 60)
    const authorization = `Bearer ${token}`
    await atHand('/api/auth/me', { authorization })
    const { now } = Date
    Date.now = () => now() + 3_600_000
    try {
      t.equal((await one.send('/api/auth/me', { headers: { authorization } })).status, 401)
    } finally {
      Date.now = now
    }
  })
})

t.test('whoever has asked too often is told so', async (t) => {
  const { instances } = await fleet(t, 1, (settings) => ({
    ...settings,
    limits: { ...settings.limits, readsPerMinute: 30 }
  }))
  const [{ send, app }] = instances
  const statuses: number[] = []
  for (let i = 0; i < 40; i++) {
    statuses.push((await send(profile)).status)
    await elapsed(1)
  }
  t.same(
    statuses,
    statuses.map((_, i) => (i < 30 ? 200 : 429))
  )
  t.match(await app.metrics.text(), /turno_limits_refused_total\{limit="default"[^}]*\} 10\n/)
})

t.test('a process that has too much to do, or leaves, does not answer past its own rules', async (t) => {
  const { instances } = await fleet(t, 1)
  const [{ send, app }] = instances
  await until('it is at hand', async () => {
    await send(profile)
    return /turno_http_at_hand_total\S* [1-9]/.test(await app.metrics.text())
  })
  const { load } = app
  Object.assign(load, { tooMuch: true })
  t.equal((await send(profile)).status, 503)
  Object.assign(load, { tooMuch: false })
  t.equal((await send(profile)).status, 200)
  // As a drain does (src/server.ts).
  app.server.prependListener('request', (_request, reply) => reply.setHeader('connection', 'close'))
  t.equal((await send(profile)).headers.connection, 'close')
})
