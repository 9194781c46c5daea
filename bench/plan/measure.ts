// What requests cost on this machine: each kind by itself, from the processors' and the servers' own counts. A short run
// for a plan to begin with; what the benchmark finds in full takes precedence.
import { execFile } from 'node:child_process'
import { randomUUIDv7 } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Pool } from 'undici'
import { Bench } from '../bench.ts'
import { cpuMicroseconds } from '../counts/processes.ts'
import type { ServerCounts } from '../counts/servers.ts'
import { type EndpointName, endpoints, type Wanted, type World } from '../load/endpoints.ts'
import { headersOf } from '../load/requests.ts'
import { turno } from '../subjects/turno.ts'
import { worldNow } from '../world.ts'
import type { Measured, Step } from './costs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const profiles = 12_000
const applicants = 5_000
/** Few: a process that has just begun admits no more to the databases. */
const connections = 4
const shedPauseMs = 100
const sheddings = 100
const idleMs = 3_000
const requestLimitMs = 5_000
/** Pages that nobody has asked for yet: so many limits of each list. */
const limits = [20, 19, 18, 17, 16]

type Reading = { servers: ServerCounts; cpu: Readonly<Record<string, number>>; at: number }

export async function measure(report: (line: string) => void, abort: AbortSignal): Promise<Measured> {
  const directory = await mkdtemp(join(tmpdir(), 'turno-plan-'))
  try {
    const bench = await Bench.start(directory, { scale: 'tiny', profiles, applicants }, report, abort)
    try {
      return await measureOn(bench, report)
    } finally {
      await bench.stop()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function measureOn(bench: Bench, report: (line: string) => void): Promise<Measured> {
  const running = await bench.running(turno('turno', 2))
  const [first = '', second = ''] = running.urls
  const pids = { ...running.pids, ...bench.enginePids() }
  const read = async (): Promise<Reading> => ({
    servers: await bench.servers.counts(),
    cpu: Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuMicroseconds(pid) ?? 0])),
    at: performance.now()
  })

  report('what goes on while nobody comes')
  const idleFrom = await read()
  await pause(idleMs, undefined, { signal: bench.abort })
  const idle = rateOf(idleFrom, await read())

  const world = worldNow(bench.ground, bench.signing)
  const make = maker(world)
  const items = world.profiles.slice(0, 10_000).map((id) => make('item', id))
  const lists = limits.flatMap((limit) =>
    world.lists.map((path) => make('list', `${path}${path.includes('?') ? '&' : '?'}limit=${limit}`))
  )
  // The first of each kind teach the process; they are not counted.
  const taught = <T>(all: readonly T[]) => Math.floor(all.length / 5)
  let headBytes = 0
  const step = async (name: string, url: string, wanted: readonly Wanted[], warmUp: number) => {
    report(`${name}: ${wanted.length - warmUp} requests`)
    await send(url, wanted.slice(0, warmUp), bench.abort)
    const before = await read()
    const sent = await send(url, wanted.slice(warmUp), bench.abort)
    headBytes = sent.headBytes
    return { ...spentBy(before, await read(), idle, sent), bytes: sent.bytes }
  }
  const load = await step('profiles from a replica', first, items, taught(items))
  const shared = await step('profiles from Redis', second, items, taught(items))
  const near = Array.from({ length: 25_000 }, (_, at) => items[at % 100] ?? make('item', ''))
  const hit = await step('profiles that are there', first, near, 5_000)
  const hitHead = headBytes
  const loadList = await step('lists from a replica', first, lists, taught(lists))
  const sharedList = await step('lists from Redis', second, lists, taught(lists))
  const nearLists = Array.from({ length: 12_000 }, (_, at) => lists[at % 20] ?? make('list', ''))
  const hitList = await step('lists that are there', first, nearLists, 2_000)
  const creations = Array.from({ length: 1_500 }, () => make('createProfile', ''))
  const create = await step('new profiles', first, creations, 300)
  const changes = Array.from({ length: 2_500 }, (_, at) =>
    make('patchProfile', world.profiles[at % 500] ?? '')
  )
  const change = await step('changed profiles', first, changes, 500)

  const { stdout: commit } = await promisify(execFile)('git', ['rev-parse', '--short', 'HEAD'], { cwd: root })
  const { stdout: changed } = await promisify(execFile)(
    'git',
    ['status', '--porcelain', '--', 'src', 'plugins', 'db', 'package-lock.json'],
    { cwd: root }
  )
  return {
    commit: commit.trim(),
    changed: changed !== '',
    measuredAt: new Date().toISOString(),
    machine: {
      model: cpus()[0]?.model ?? 'unknown',
      processors: cpus().length,
      node: process.version,
      ...(await bench.servers.versions()),
      loadAverage: Number((loadavg()[0] ?? 0).toFixed(1))
    },
    profiles,
    headBytes: Math.round(hitHead),
    steps: { hit, hitList, shared, sharedList, load, loadList, create, change }
  }
}

/** Requests as the benchmark makes them, each for a thing that is named. */
function maker(world: World): (endpoint: EndpointName, what: string) => Wanted {
  let serial = 0
  return (endpoint, what) =>
    endpoints[endpoint](world, {
      profile: () => what,
      list: () => what,
      therapist: () => world.admin,
      client: () => world.admin,
      // What is written is new: a change that changes nothing costs less.
      uuid: () => randomUUIDv7(),
      serial: () => serial++
    })
}

type Sent = { requests: number; bytes: number; headBytes: number }

/** One after another on each connection. @throws Error at the first answer that is not as expected */
async function send(url: string, wanted: readonly Wanted[], abort: AbortSignal): Promise<Sent> {
  const pool = new Pool(url, { connections, headersTimeout: requestLimitMs, bodyTimeout: requestLimitMs })
  let next = 0
  let bytes = 0
  let heads = 0
  const answerTo = async (of: Wanted) => {
    const { method, path, body } = of
    const headers = headersOf(of, 'identity')
    for (let shed = 0; ; shed++) {
      abort.throwIfAborted()
      const answer = await pool.request({ method, path, headers, ...(body !== undefined && { body }) })
      const length = (await answer.body.arrayBuffer()).byteLength
      if (of.expected.includes(answer.statusCode)) return { head: headLength(answer.headers), length }
      if (answer.statusCode !== 503 || shed === sheddings) {
        throw new Error(`${method} ${path} was answered with ${answer.statusCode}`)
      }
      await pause(shedPauseMs, undefined, { signal: abort })
    }
  }
  const one = async () => {
    for (let of = wanted[next++]; of; of = wanted[next++]) {
      const { head, length } = await answerTo(of)
      heads += head
      bytes += head + length
    }
  }
  try {
    await Promise.all(Array.from({ length: connections }, one))
  } finally {
    await pool.destroy()
  }
  const requests = Math.max(1, wanted.length)
  return { requests, bytes: Math.round(bytes / requests), headBytes: heads / requests }
}

const statusLine = 'HTTP/1.1 200 OK\r\n\r\n'.length

function headLength(headers: Record<string, string | string[] | undefined>): number {
  return Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + String(value).length + ': \r\n'.length,
    statusLine
  )
}

function rateOf(before: Reading, after: Reading): Record<string, number> {
  const seconds = (after.at - before.at) / 1000
  const rates = Object.entries(after.cpu).map(([name, to]) => [
    name,
    (to - (before.cpu[name] ?? 0)) / seconds
  ])
  const { servers } = after
  return {
    ...Object.fromEntries(rates),
    redisCommands: (servers.redisCommands - before.servers.redisCommands) / seconds,
    primaryStatements: (servers.primary - before.servers.primary) / seconds,
    replicaStatements: (sumOf(servers.replicas) - sumOf(before.servers.replicas)) / seconds
  }
}

/** Of each request, what was not going on anyway. Both processes: one may do for the other, as with audit entries. */
function spentBy(
  before: Reading,
  after: Reading,
  idle: Record<string, number>,
  { requests }: Sent
): Omit<Step, 'bytes'> {
  const rates = rateOf(before, after)
  const seconds = (after.at - before.at) / 1000
  const each = (wanted: (name: string) => boolean) => {
    const above = Object.entries(rates)
      .filter(([name]) => wanted(name))
      .reduce((sum, [name, rate]) => sum + rate - (idle[name] ?? 0), 0)
    return Number(Math.max(0, (above * seconds) / requests).toFixed(2))
  }
  return {
    requests,
    service: each((name) => name.startsWith('turno-')),
    redis: each((name) => name === 'redis'),
    primary: each((name) => name === 'primary'),
    replicas: each((name) => name.startsWith('replica-')),
    redisCommands: each((name) => name === 'redisCommands'),
    primaryStatements: each((name) => name === 'primaryStatements'),
    replicaStatements: each((name) => name === 'replicaStatements')
  }
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0)
