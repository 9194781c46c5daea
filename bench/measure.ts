// One block: a driver on one subject, and everything that can be counted meanwhile.
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Bench } from './bench.ts'
import { driverDoubt } from './compare.ts'
import { ownCounts } from './counts/metrics.ts'
import { cpuMicroseconds, machineTimes, residentBytes } from './counts/processes.ts'
import { between } from './counts/servers.ts'
import { valueAt } from './drivers/distribution.ts'
import { startDriver } from './drivers/driver.ts'
import type { Plan } from './drivers/plan.ts'
import { type EndpointName, isWrite, type World } from './load/endpoints.ts'
import { headersOf, requestsOf } from './load/requests.ts'
import type { Block, Second } from './result.ts'
import type { Scenario } from './scenarios/scenario.ts'
import type { RunningSubject } from './subjects/subject.ts'
import { worldNow } from './world.ts'

const openConnections = 64
const closedConnections = 32
const timeoutMs = 2_000
const sampleMs = 250
/** Beyond these a block's times are doubted. Shares of a processor, of the machine; µs. */
const bounds = { driverLoad: 0.85, others: 0.1, steal: 0.02, slipP99: 20_000 } as const
/** Writes that are made alone, to know what they take. */
const writesAlone = 40

/** Readers at once who fill a cache: few enough that no service turns them away for long. */
const fillers = 8
const againAfterMs = 50
/** What takes longer than a service allows is left out: it is asked for in the load as it is. */
const mostTries = 40

export type Stretch = {
  scenario: Scenario
  running: RunningSubject
  round: number
  /** Counted as what it is compared with: nobody asks the subject for more meanwhile. */
  paired: boolean
  load: Plan['load']
  warmUp: number
  theta: number
  seed: number
  /** Of this subject in this scenario: what it knows then is old or nothing. */
  first: boolean
  /** Runs beside the load, from the moment at which it begins. */
  beside?: () => Promise<void>
}

export async function measure(bench: Bench, stretch: Stretch): Promise<Block> {
  const { scenario, running, load, round, paired } = stretch
  const { servers, processors } = bench
  const world = await worldFor(bench, stretch)
  const plan: Plan = {
    mix: scenario.mix,
    keys: scenario.keys ?? {},
    encoding: scenario.encoding,
    world,
    theta: stretch.theta,
    seed: stretch.seed,
    stretch: `${scenario.name} ${round}`,
    serial: bench.serial,
    urls: running.urls,
    connections: load.kind === 'open' ? openConnections : closedConnections,
    timeoutMs,
    warmUp: stretch.warmUp,
    load
  }
  if (scenario.filled && stretch.first) await fill(running, world, scenario, bench.abort)
  const perWrite = await costOfWrites(bench, stretch, world)
  plan.serial = bench.serial
  const driver = await startDriver(plan, processors?.rest ?? null, bench.abort)
  const samples = sampling(running, load.kind === 'open' && !paired)
  try {
    const pids = { ...running.pids, ...bench.enginePids() }
    const ours = [...bench.subjectPids(), ...Object.values(bench.enginePids()), process.pid]
    const before = {
      servers: await servers.counts(),
      own: await ownCounts(running.operatorsUrls),
      cpu: cpuOf(pids),
      ours: sumOf(ours),
      driver: cpuMicroseconds(driver.pid) ?? 0,
      machine: machineTimes(),
      at: performance.now()
    }
    const [outcome] = await Promise.all([driver.go(), stretch.beside?.()])
    const cpu = cpuOf(pids)
    const oursAfter = sumOf(ours)
    const machine = machineTimes()
    const seconds = (performance.now() - before.at) / 1000
    const taken = await samples.taken()
    bench.serial = outcome.serial
    const after = { servers: await servers.counts(), own: await ownCounts(running.operatorsUrls) }

    const asked = between(before.servers, after.servers)
    const net = between(before.servers, after.servers, bench.idle, seconds)
    const { seen, slip } = outcome
    const perRead = (count: number, ofWrite: number) =>
      Math.max(0, count - ofWrite * seen.writes) / Math.max(1, seen.reads)
    const all = machine.allMicroseconds - before.machine.allMicroseconds
    const busy = machine.busyMicroseconds - before.machine.busyMicroseconds
    const steal = (machine.stealMicroseconds - before.machine.stealMicroseconds) / all
    const others = Math.max(0, busy - (oursAfter - before.ours) - outcome.cpuMicroseconds) / all
    const pressure =
      machine.pressureMicroseconds === null || before.machine.pressureMicroseconds === null
        ? null
        : (machine.pressureMicroseconds - before.machine.pressureMicroseconds) / (seconds * 1e6)
    const driverLoad = outcome.cpuMicroseconds / (outcome.seconds * 1e6)
    return {
      scenario: scenario.name,
      subject: running.name,
      driver: load.kind,
      round,
      paired,
      seconds: outcome.seconds,
      offered: load.kind === 'open' ? offeredBy(load.steps) : null,
      counts: {
        ...seen,
        queries: { primary: asked.primary, replicas: asked.replicas },
        redisRoundTrips: asked.redisRoundTrips,
        loads: after.own && before.own && after.own.loads - before.own.loads,
        perRead: perWrite && {
          primaryQueries: perRead(net.primary, perWrite.primary),
          replicaQueries: perRead(sum(net.replicas), perWrite.replicas),
          redisRoundTrips: perRead(net.redisRoundTrips, perWrite.redisRoundTrips)
        },
        entries: after.own?.entries ?? null,
        cpuMicroseconds: {
          ...Object.fromEntries(
            Object.entries(cpu).map(([name, value]) => [name, value - (before.cpu[name] ?? 0)])
          ),
          driver: outcome.cpuMicroseconds
        }
      },
      latency: outcome.latency,
      service: outcome.service,
      slip,
      driverLoad,
      timeline: outcome.timeline.map((second): Second => ({ ...second, ...taken.at(second.at) })),
      rssPeak: taken.rssPeak,
      pressure,
      steal,
      doubts: [
        ...(driverLoad > bounds.driverLoad
          ? [`${driverDoubt} ${percent(driverLoad)} of its processor: it may be what was measured`]
          : []),
        ...(others > bounds.others ? [`others took ${percent(others)} of the machine`] : []),
        ...(steal > bounds.steal ? [`the host took ${percent(steal)} of the machine`] : []),
        ...(slip && valueAt(slip, 99) > bounds.slipP99
          ? [`one request in a hundred left ${Math.round(valueAt(slip, 99) / 1000)} ms late`]
          : [])
      ]
    }
  } finally {
    samples.end()
    await driver.stop()
  }
}

function offeredBy(steps: readonly { seconds: number; rate: number }[]): number {
  const seconds = steps.reduce((total, step) => total + step.seconds, 0)
  return steps.reduce((total, step) => total + step.rate * step.seconds, 0) / seconds
}

/** The world as far as this stretch needs it: what is sent to the driver is read by it, too. */
async function worldFor({ ground, signing }: Bench, { scenario, running }: Stretch): Promise<World> {
  const profiles = ground.profiles.slice(0, scenario.keys?.profiles)
  const tags: Record<string, string> = {}
  if (scenario.mix.revalidate !== undefined) {
    const headers = headersOf({ method: 'GET', path: '', expected: [] }, scenario.encoding)
    for (const id of profiles) {
      const path = `/api/profile/${id}`
      const answer = await request(`${running.urls[0]}${path}`, { headers })
      await answer.body.dump()
      if (typeof answer.headers.etag === 'string') tags[path] = answer.headers.etag
    }
  }
  return worldNow({ ...ground, profiles }, signing, tags)
}

/** Asks for everything once, where the load will ask for only some of it in its time. */
async function fill(
  { urls }: RunningSubject,
  world: World,
  { keys, encoding }: Scenario,
  abort: AbortSignal
): Promise<void> {
  const headers = headersOf({ method: 'GET', path: '', expected: [] }, encoding)
  const paths = [...world.lists.slice(0, keys?.lists), ...world.profiles.map((id) => `/api/profile/${id}`)]
  await Promise.all(
    urls.map(async (url) => {
      const agent = new Agent({ connections: fillers })
      let next = 0
      const reader = async () => {
        for (let path = paths[next++]; path !== undefined && !abort.aborted; path = paths[next++]) {
          for (let status = 503, tries = 0; status === 503 && tries < mostTries && !abort.aborted; tries++) {
            const answer = await agent.request({ origin: url, path, method: 'GET', headers })
            await answer.body.dump()
            status = answer.statusCode
            if (status === 503) await pause(againAfterMs)
          }
        }
      }
      try {
        await Promise.all(Array.from({ length: fillers }, reader))
      } finally {
        await agent.destroy()
      }
    })
  )
}

/** What one write takes of the servers, by itself. Null where there is nothing to compare it with. */
async function costOfWrites(bench: Bench, stretch: Stretch, world: World) {
  const { scenario, running, theta, seed } = stretch
  const { idle } = bench
  if (idle === null || running.operatorsUrls.length === 0) return null
  const requests = requestsOf({ ...scenario, world, theta, seed, stretch: 'alone', serial: bench.serial })
  const all = Object.entries(scenario.mix)
  const writes = all.filter(([name]) => isWrite(requests.nextOf(name as EndpointName)))
  if (writes.length === 0) return { primary: 0, replicas: 0, redisRoundTrips: 0 }
  const total = sum(writes.map(([, weight]) => weight))
  const before = await bench.servers.counts()
  const begunAt = performance.now()
  let made = 0
  for (const [name, weight] of writes) {
    for (let i = 0; i < (writesAlone * weight) / total; i++) {
      const wanted = requests.nextOf(name as EndpointName)
      const { method, path, body } = wanted
      const answer = await request(`${running.urls[made % running.urls.length]}${path}`, {
        method,
        headers: headersOf(wanted, 'identity'),
        ...(body !== undefined && { body })
      })
      await answer.body.dump()
      made++
    }
  }
  const seconds = (performance.now() - begunAt) / 1000
  bench.serial = requests.serial()
  const took = between(before, await bench.servers.counts(), idle, seconds)
  return {
    primary: took.primary / made,
    replicas: sum(took.replicas) / made,
    redisRoundTrips: took.redisRoundTrips / made
  }
}

/** Memory a few times a second; event loop and collections once, where the load is not the measure of all things. */
function sampling({ pids, operatorsUrls }: RunningSubject, scrapes: boolean) {
  const begunAt = performance.now()
  const rss: number[] = []
  const delays: (number | null)[] = []
  const collections: (number | null)[] = []
  let rssPeak = 0
  let collectedMs: number | null = null
  let scraping = Promise.resolve()
  const second = () => Math.floor((performance.now() - begunAt) / 1000)
  const look = () => {
    const bytes = sum(Object.values(pids).map(residentBytes))
    const at = second()
    rss[at] = Math.max(rss[at] ?? 0, bytes)
    rssPeak = Math.max(rssPeak, bytes)
  }
  const scrape = async () => {
    const at = second()
    const own = await ownCounts(operatorsUrls)
    if (own === null) return
    delays[at] = own.eventLoopDelayMs
    if (collectedMs !== null) collections[at] = own.gcMs - collectedMs
    collectedMs = own.gcMs
  }
  const looking = setInterval(look, sampleMs)
  const asking =
    scrapes && operatorsUrls.length > 0
      ? setInterval(() => {
          scraping = scraping.then(scrape)
        }, 1000)
      : undefined
  look()
  const end = () => {
    clearInterval(looking)
    clearInterval(asking)
  }
  return {
    end,
    async taken() {
      end()
      await scraping
      look()
      return {
        rssPeak,
        at: (at: number) => ({
          rss: rss[at] ?? rss.findLast((one) => one !== undefined) ?? 0,
          eventLoopDelayMs: delays[at] ?? null,
          gcMs: collections[at] ?? null
        })
      }
    }
  }
}

function cpuOf(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuMicroseconds(pid) ?? 0]))
}

function sumOf(pids: readonly number[]): number {
  return sum(pids.map((pid) => cpuMicroseconds(pid) ?? 0))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
