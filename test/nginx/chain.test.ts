// The whole chain on one machine: edge → two instances → Redis → replicas → primary.
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as elapsed } from 'node:timers/promises'
import t from 'tap'
import { known } from '../../db/seed/known.ts'
import type { Settings } from '../../src/config.ts'
import { engines } from '../engines.ts'
import { fleet, publicProfiles } from '../fleet.ts'
import type { Contract } from '../http/contract.ts'
import { runService, serviceUrl } from '../node.ts'
import { edge, edgeSays, skip } from './edge.ts'

const hostOf = (url: string) => new URL(url).host
/** As behind any edge: the service believes it, and only it, about who asks. */
const behindNginx = (settings: Settings): Settings => ({
  ...settings,
  http: { ...settings.http, trustProxy: ['127.0.0.1'] }
})

t.test(
  'a write is seen at the edge within a second, on the item, its alias and the list',
  { skip },
  async (t) => {
    const { engines, instances } = await fleet(t, 2, behindNginx)
    const front = await edge(
      t,
      instances.map(({ url }) => hostOf(url))
    )
    const { data } = JSON.parse((await front.ask('/api/profiles')).body)
    const id: string = data[0].id
    const token = instances[0].app.signToken({ id, role: 'therapist' }, 600)
    const paths = [`/api/profile/${id}`, `/api/profiles/${id}`, '/api/profiles']

    let reading = true
    const readers = paths.map(async (path) => {
      const seen: string[] = []
      while (reading) seen.push(edgeSays(await front.ask(path)))
      return seen
    })
    for (let round = 1; round <= 3; round++) {
      const headline = `Psicóloga en la ronda ${round}`
      const written = await front.ask(`/api/profile/${id}`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ headline })
      })
      const acknowledgedAt = performance.now()
      t.equal(written.status, 200)
      const own = await front.ask(`/api/profile/${id}`, {
        headers: { 'turno-consistency-token': String(written.headers['turno-consistency-token']) }
      })
      t.match(own.body, headline, 'whoever carries the token of his write sees it at once')
      // What is stated is one second; an answer under way while it ends is not counted.
      await elapsed(1_000 - (performance.now() - acknowledgedAt))
      for (const path of paths) t.match((await front.ask(path)).body, headline, path)
    }
    reading = false
    const said = (await Promise.all(readers)).flat()
    t.ok(said.filter((one) => one === 'hit').length > said.length / 2, 'most were answered by the edge')
    t.ok(engines, 'on real engines')
  }
)

t.test('no private body is ever kept by the edge, whatever the route', { skip }, async (t) => {
  const { instances } = await fleet(t, 2, behindNginx)
  const front = await edge(
    t,
    instances.map(({ url }) => hostOf(url))
  )
  const { app } = instances[0]
  const { paths }: Contract = (await app.inject('/openapi.json')).json()
  const callers = [known.therapist, known.client, known.admin].map(({ id }, index) => {
    const role = (['therapist', 'client', 'admin'] as const)[index] ?? 'client'
    return { authorization: `Bearer ${app.signToken({ id, role }, 600)}` }
  })
  const kept = join(dirname(dirname(front.accessLog)), 'run', 'cache')
  let privateAnswers = 0
  for (const [path, { get }] of Object.entries(paths)) {
    if (!get || isStream(get)) continue
    const url = path.replaceAll(/\{\w+\}/g, known.therapist.id) + queryOf(get)
    const guarded = (get.security ?? []).length > 0
    const bodies: string[] = []
    for (const headers of [...callers, ...callers]) {
      const reply = await front.ask(url, { headers })
      t.not(edgeSays(reply), 'hit', `${path} is not answered from the cache to a caller`)
      if (guarded && reply.status === 200) bodies.push(reply.body)
    }
    const stranger = await front.ask(url)
    if (guarded) t.equal(stranger.status, 401, `${path} without a token`)
    privateAnswers += bodies.length
    const files = await filesIn(kept)
    for (const body of new Set(bodies)) {
      t.notOk(
        files.some((file) => file.includes(body)),
        `${path} left nothing on disk`
      )
    }
  }
  t.ok(privateAnswers > 0, 'some were asked for')
})

t.test('an instance is killed under load and no reader notices', { skip }, async (t) => {
  const { settings, mysql } = await engines(t, { scale: 'tiny' })
  const services = [runService(t, settings), runService(t, settings)]
  const urls = await Promise.all(services.map(({ found }) => found(serviceUrl)))
  const front = await edge(t, urls.map(hostOf))
  const ids = await publicProfiles(mysql.primary.url, 10)
  let sent = 0
  const statuses = new Map<number, number>()
  const client = async () => {
    while (sent < 2_000) {
      if (sent++ === 500) services[0]?.kill('SIGKILL')
      // An address of its own each time: what the edge keeps is not what is tested here.
      const { status } = await front.ask(`/api/profile/${ids[sent % 10]}`, { headers: { cookie: 'none=1' } })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 16 }, client))
  t.same([...statuses], [[200, 2_000]])
})

t.test('in front of one machine: balances, bounds, keeps nothing', { skip }, async (t) => {
  const { instances } = await fleet(t, 2, behindNginx)
  const front = await edge(
    t,
    instances.map(({ url }) => hostOf(url)),
    'instance'
  )
  const path = `/api/profile/${known.therapist.id}`
  for (let i = 0; i < 4; i++) {
    const reply = await front.ask(path)
    t.equal(reply.status, 200)
    t.notMatch(reply.headers['cache-status'], 'turno-edge')
    t.notOk(reply.headers['x-accel-expires'])
  }
  t.equal((await front.ask(path, { method: 'PATCH', body: Buffer.alloc(102_401) })).status, 413)
  t.equal((await front.ask('/health/ready')).status, 200)
})

type Get = NonNullable<Contract['paths'][string]['get']>

function isStream({ responses }: Get): boolean {
  return JSON.stringify(responses).includes('text/event-stream')
}

/** What the route cannot do without, as its own documentation gives it. */
function queryOf({ parameters = [] }: Get): string {
  const needed = parameters.filter((parameter) => parameter.in === 'query' && parameter.required)
  const pairs = needed.map(({ name, schema }) => {
    const [example] = 'examples' in schema && Array.isArray(schema.examples) ? schema.examples : ['']
    return [name, String(example)]
  })
  return pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : ''
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')))
}
