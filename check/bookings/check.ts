// The four checks, each on the world and the instances that it is given, each with its verdict.
import { setTimeout as pause } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import type { Stream } from '../../db/seed/random.ts'
import { countOverlaps } from '../../src/bookings/overlaps.ts'
import { Client, Journal, type Reply } from './client.ts'
import { countDeadlocks, judge } from './judge.ts'
import type { Service } from './service.ts'
import { work } from './workload.ts'
import { quarter, type World } from './world.ts'

export const checks = ['crowd', 'churn', 'kills', 'speed'] as const
export type Check = (typeof checks)[number]

export type CheckOptions = {
  primaryUrl: string
  service: Service
  world: World
  random: Stream
  durationMs: number
  /** People in the crowd. */
  crowd: number
  /** People at work at a time in the other checks. */
  people: number
  signal: AbortSignal
}

export type Outcome = {
  check: string
  /** What was seen, in words and figures. */
  seen: string
  /** What is wrong, a line each; none: it holds. */
  broken: string[]
}

const lookEveryMs = 500
/** Instances that serve at least, for one of them to be killed. */
const fewest = 2
const day = 96

/** Runs one check. What it finds is in the outcomes. */
export async function run(check: Check, options: CheckOptions): Promise<Outcome[]> {
  switch (check) {
    case 'crowd':
      return [await crowd(options)]
    case 'churn':
      return [await churn(options)]
    case 'kills':
      return [await kills(options)]
    case 'speed':
      return [
        await speed('speed, spread', options, options.world.practices.length, 60 * day),
        await speed('speed, one calendar', options, 1, 150 * day)
      ]
  }
}

async function crowd({ primaryUrl, service, world, crowd, random }: CheckOptions): Promise<Outcome> {
  const since = new Date()
  const deadlocks = await countDeadlocks(primaryUrl)
  const journal = new Journal()
  const client = new Client(service, journal)
  const { services } = random.pick(world.practices)
  const body = { start: at(world.firstStart + 170 * day * quarter), serviceId: random.pick(services) }
  const startedAt = performance.now()
  const replies = await Promise.all(world.people.slice(0, crowd).map((person) => client.book(person, body)))
  const tookMs = performance.now() - startedAt
  await client.close()
  const told = (status: number) => replies.filter((reply) => reply?.status === status)
  const withoutHelp = told(409).filter((reply) => !reply || JSON.parse(reply.body).alternatives.length === 0)
  const broken = [
    ...(told(201).length === 1 ? [] : [`${told(201).length} were told that they have it`]),
    ...(told(409).length === crowd - 1
      ? []
      : [`${crowd - 1 - told(409).length} were not told that it is taken`]),
    ...(withoutHelp.length === 0 ? [] : [`${withoutHelp.length} were not told what is free`]),
    ...(await judge(primaryUrl, since, journal)),
    ...(await noDeadlocks(primaryUrl, deadlocks))
  ]
  const seen = `${crowd} at once for one slot: ${statuses(journal)} in ${Math.round(tookMs)} ms`
  return { check: 'crowd', seen, broken }
}

async function churn(options: CheckOptions): Promise<Outcome> {
  const { primaryUrl, service, world, durationMs } = options
  const since = new Date()
  const deadlocks = await countDeadlocks(primaryUrl)
  const journal = new Journal()
  const client = new Client(service, journal)
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(durationMs)])
  const watching = watchOverlaps(primaryUrl, signal)
  await work({
    ...options,
    client,
    practices: world.practices.slice(0, 4),
    quarters: day,
    calledOff: 0.6,
    signal
  })
  await client.close()
  const { looks, found } = await watching
  const broken = [
    ...(found === 0 ? [] : [`overlaps in ${found} of ${looks} looks`]),
    ...(await judge(primaryUrl, since, journal)),
    ...(await noDeadlocks(primaryUrl, deadlocks))
  ]
  return { check: 'churn', seen: `${statuses(journal)}, looked at ${looks} times`, broken }
}

async function kills(options: CheckOptions): Promise<Outcome> {
  const { primaryUrl, service, world, durationMs, random } = options
  const since = new Date()
  const journal = new Journal()
  const client = new Client(service, journal, () => random.chance(0.1))
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(durationMs)])
  const working = work({
    ...options,
    client,
    practices: world.practices.slice(4, 8),
    quarters: 2 * day,
    calledOff: 0.6,
    signal
  })
  // The next one is killed while those before are still being replaced, but for the last two.
  const replacements: Promise<void>[] = []
  while (!signal.aborted) {
    await pause(random.integer(20, 1_000), undefined, { signal }).catch(() => {})
    if (signal.aborted || service.serving < fewest) continue
    service.kill(random.next())
    replacements.push(service.add())
  }
  await working
  await Promise.all(replacements)
  await client.close()
  const seen = `${service.killed} instances killed: ${statuses(journal)}; sent again ${journal.again}, given up ${journal.givenUp}`
  return { check: 'kills', seen, broken: await judge(primaryUrl, since, journal) }
}

async function speed(
  name: string,
  options: CheckOptions,
  calendars: number,
  quarters: number
): Promise<Outcome> {
  const { primaryUrl, service, world, durationMs, random, people } = options
  const deadlocks = await countDeadlocks(primaryUrl)
  const journal = new Journal()
  const client = new Client(service, journal)
  const practices = world.practices.slice(-calendars)
  const end = performance.now() + durationMs
  const startedAt = performance.now()
  let made = 0
  const bookOn = async (index: number) => {
    const person = world.people[index]
    while (person && performance.now() < end && !options.signal.aborted) {
      const start = world.firstStart + random.integer(0, quarters - 1) * quarter
      const reply: Reply | null = await client.book(person, {
        start: at(start),
        serviceId: random.pick(random.pick(practices).services)
      })
      if (reply?.status === 201) made++
    }
  }
  await Promise.all(Array.from({ length: people }, (_, index) => bookOn(index)))
  await client.close()
  const seconds = (performance.now() - startedAt) / 1_000
  const quantile = quantiles(journal.durations)
  const seen =
    `${Math.round(made / seconds)} booked a second of ${Math.round(journal.durations.length / seconds)} asked for; ` +
    `p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms; ${statuses(journal)}; ${people} people`
  return { check: name, seen, broken: [...journal.faults, ...(await noDeadlocks(primaryUrl, deadlocks))] }
}

/** Looks by itself, from outside, until the signal. */
async function watchOverlaps(
  primaryUrl: string,
  signal: AbortSignal
): Promise<{ looks: number; found: number }> {
  const connection = await createConnection({ uri: primaryUrl, timezone: 'Z' })
  let [looks, found] = [0, 0]
  while (!signal.aborted) {
    looks++
    if ((await countOverlaps(connection, new Date())) > 0) found++
    await pause(lookEveryMs, undefined, { signal }).catch(() => {})
  }
  await connection.end()
  return { looks, found }
}

async function noDeadlocks(primaryUrl: string, before: number): Promise<string[]> {
  const deadlocks = (await countDeadlocks(primaryUrl)) - before
  return deadlocks === 0 ? [] : [`${deadlocks} deadlocks`]
}

function statuses({ statuses }: Journal): string {
  const counts = [...statuses].sort(([one], [other]) => one - other)
  return counts.map(([status, count]) => `${count} × ${status}`).join(', ') || 'nothing'
}

function quantiles(durations: readonly number[]): (q: number) => number {
  const sorted = durations.toSorted((one, other) => one - other)
  return (q) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0)
}

function at(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
