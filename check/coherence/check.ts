// One run: rows of its own, a fleet, the faults of the schedule, and the judge that follows the journals.
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type Stack, urlsOf } from '../../db/stack/stack.ts'
import { boundOf, brokenBounds } from './bounds.ts'
import { Fleet } from './fleet.ts'
import { type Example, type Figures, History } from './history.ts'
import { inject, type World } from './inject.ts'
import { clock } from './journal.ts'
import type { Subject } from './messages.ts'
import { Observer } from './observer.ts'
import { addRows } from './rows.ts'
import { faults, type Occurrence, schedule } from './schedule.ts'
import { watchStalls } from './stalls.ts'

const items = 200
const lists = 20
const lookEveryMs = 500
/** Faults that are still not healed so long after the end never will be. */
const healWithinMs = 60_000
const behindMs = 500
/** After the last fault, so that what it has left behind is seen. */
const settleMs = 1_000

export type CheckOptions = {
  stack: Stack
  /** For journals and logs. Made when missing. */
  directory: string
  subject: Subject
  /** As `schedule` takes them. */
  faults: string
  seed: string
  durationMs: number
  instances: number
  signal?: AbortSignal
  /** Hears every few seconds how it stands. */
  progress?: (progress: { atMs: number; phase: string; total: Figures }) => void
}

export type Outcome = {
  subject: Subject
  faults: string
  seed: string
  durationMs: number
  instances: number
  replicas: number
  phases: readonly { name: string; faults: readonly string[]; boundMs: number; figures: Figures }[]
  total: Figures
  /** How often each fault happened, and how often it could not be made to happen. */
  injected: Readonly<Record<string, number>>
  notInjected: readonly string[]
  /** What reads and writes failed with, and how often. */
  failures: Readonly<Record<string, number>>
  /** The latest of the late reads. */
  examples: readonly Example[]
  machine: { cores: number; loadMost: number; stalls: number; longestStallMs: number }
  /** What broke a bound, a line each; none: it holds. */
  broken: readonly string[]
}

/** @throws Error of one line when it cannot run; what it finds is in the outcome */
export async function checkCoherence(options: CheckOptions): Promise<Outcome> {
  const { stack, directory, subject, seed, durationMs, instances } = options
  await mkdir(directory, { recursive: true })
  const { primaryUrl, replicaUrls, redisUrl } = urlsOf(stack)
  const plan = schedule({ ...options, replicas: replicaUrls.length })
  const rows = await addRows(primaryUrl, replicaUrls, items, lists)
  await forget(redisUrl)

  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  let failure: Error | undefined
  const fleet = await Fleet.start({
    instances,
    directory,
    redisPort: stack.redis.port,
    redisUrl,
    beginning: { subject, rows, primaryUrl, replicaUrls, secret: randomBytes(24).toString('base64url') },
    seed,
    crashes: plan.occurrences.some(({ fault }) => fault === 'crash'),
    failed(error) {
      failure ??= error
      stop.abort()
    }
  })
  const startedAt = clock()
  const history = new History({ rows, phases: plan.phases, startedAt })
  // The checker's own count too: the proxies stand still with it.
  const stalls: number[] = []
  const unwatchStalls = watchStalls((from, to) => {
    stalls.push(Math.round(to - from))
    history.stall(from, to)
  })
  const observer = new Observer(fleet, history)
  const injected: Record<string, number> = {}
  const notInjected: string[] = []
  let loadMost = 0
  try {
    const look = () => {
      loadMost = Math.max(loadMost, loadavg()[0] ?? 0)
      observer.look()
      const atMs = clock() - startedAt
      const { name = '' } = plan.phases.find(({ to }) => atMs < to) ?? {}
      options.progress?.({ atMs, phase: name, total: history.total })
    }
    const looking = setInterval(look, lookEveryMs)
    try {
      const world: World = { stack, fleet, signal }
      const done = (fault: string) => {
        injected[fault] = (injected[fault] ?? 0) + 1
      }
      const places = Map.groupBy(plan.occurrences, ({ fault }) => faults[fault].place)
      const followed = Promise.all([
        until(startedAt + durationMs + settleMs, signal),
        ...[...places.values()].map((occurrences) => follow(world, occurrences, startedAt, done, notInjected))
      ])
      const late = pause(durationMs + healWithinMs, 'late', { ref: false })
      if ((await Promise.race([followed, late])) === 'late') throw new Error('a fault cannot be healed')
    } finally {
      clearInterval(looking)
      await fleet.stop()
    }
    observer.finish()
  } finally {
    unwatchStalls()
    fleet.closeJournals()
  }
  options.signal?.throwIfAborted()
  if (failure) throw failure

  const phases = history.phases.map(({ phase, figures }) => ({
    name: phase.name,
    faults: phase.faults,
    boundMs: boundOf(phase.faults),
    figures
  }))
  return {
    subject,
    faults: options.faults,
    seed,
    durationMs,
    instances,
    replicas: replicaUrls.length,
    phases,
    total: history.total,
    injected,
    notInjected,
    failures: fleet.failures,
    examples: history.examples,
    machine: {
      cores: availableParallelism(),
      loadMost,
      stalls: stalls.length,
      longestStallMs: Math.max(0, ...stalls)
    },
    broken: brokenBounds(history.total, phases)
  }
}

// The faults of one place, one after another. What the broken world does not let happen is noted.
async function follow(
  world: World,
  occurrences: readonly Occurrence[],
  startedAt: number,
  done: (fault: string) => void,
  notInjected: string[]
): Promise<void> {
  for (const occurrence of occurrences) {
    await until(startedAt + occurrence.at, world.signal)
    if (world.signal.aborted) return
    // Whoever is behind leaves out what is over by now, so that the faults stay together as they were planned.
    if (clock() > startedAt + occurrence.at + occurrence.holdMs + behindMs) {
      notInjected.push(`${occurrence.fault}: the one before it took too long`)
      continue
    }
    try {
      await inject(world, occurrence)
      done(occurrence.fault)
    } catch (error) {
      notInjected.push(`${occurrence.fault}: ${error instanceof Error ? error.message : error}`)
    }
  }
}

async function until(at: number, signal: AbortSignal): Promise<void> {
  await pause(Math.max(0, at - clock()), undefined, { signal }).catch(() => {})
}

// What earlier runs left there, or the service itself.
async function forget(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl, { lazyConnect: true, connectTimeout: 1_000, commandTimeout: 5_000 })
  redis.on('error', () => {})
  try {
    await redis.connect()
    await redis.flushall()
  } finally {
    redis.disconnect()
  }
}
