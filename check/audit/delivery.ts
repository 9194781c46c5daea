// Pushes entries as fast as one process can while consumers are killed at random, and looks at what the table has.

import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as pause, setImmediate as tick } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { bytesToUuid } from '../../db/columns.ts'
import { spawnBound } from '../../db/stack/process.ts'
import type { Stack } from '../../db/stack/stack.ts'
import { toStream } from '../../src/audit/destinations.ts'
import { entryOf, lineOf } from '../../src/audit/entry.ts'
import { Recorder } from '../../src/audit/recorder.ts'
import { Spool } from '../../src/audit/spool.ts'
import { newLife, streamConnection, streamKey } from '../../src/audit/stream.ts'

export type DeliveryOptions = {
  stack: Stack
  /** Where entries wait when Redis takes no more. */
  spoolDirectory: string
  entries: number
  consumers: number
  /** After how many more entries in the table one of them is killed, and another started. */
  killEvery: number
  signal: AbortSignal
}

export type Delivery = {
  entries: number
  acknowledged: number
  dropped: number
  spooled: number
  kills: number
  /** Entries that were in the hands of a consumer when it was killed. */
  orphaned: number
  /** Of those recorded: how many the table lacks, and how many it has that nobody recorded. */
  lost: number
  strange: number
  /** What is left in Redis once the table has everything. */
  left: number
  /** From the first entry to the last acknowledged, and to the last in the table, s. */
  acknowledgedAfter: number
  writtenAfter: number
}

/** One turn of the event loop's worth of entries: what a busy instance might record in it, and more. */
const slice = 200
const patienceMs = 60_000

export async function checkDelivery(options: DeliveryOptions): Promise<Delivery> {
  const { stack, entries, signal } = options
  const redis = streamConnection(stack.redis.url, 5_000)
  await redis.connect()
  const herd = await startHerd(options, redis)
  const recorder = new Recorder(toStream(redis), new Spool(options.spoolDirectory, 2 ** 30))
  try {
    const recorded = new Set<string>()
    const startedAt = performance.now()
    const seconds = () => (performance.now() - startedAt) / 1000
    // While entries are pushed, and until the last is in the table.
    const driving = written(stack.mysql.primary.url, entries, signal, herd.cull)
    driving.catch(() => {})
    const caller = { id: randomUUID(), role: 'admin' }
    while (recorded.size < entries) {
      signal.throwIfAborted()
      for (let n = Math.min(slice, entries - recorded.size); n > 0; n--) {
        const line = lineOf(
          { action: 'client.read', resource: 'client', resourceId: caller.id },
          { caller, ip: '203.0.113.7', id: `check-${recorded.size}` }
        )
        recorded.add(entryOf(line)?.id ?? '')
        recorder.record(line)
      }
      await tick()
    }
    await recorder.settled()
    const acknowledgedAfter = seconds()
    await driving
    const found = await idsIn(stack.mysql.primary.url)
    const writtenAfter = seconds()
    const { acknowledged, dropped, spooled } = recorder.counters
    return {
      entries,
      acknowledged,
      dropped,
      spooled,
      kills: herd.kills,
      orphaned: herd.orphaned,
      lost: [...recorded].filter((id) => !found.has(id)).length,
      strange: [...found].filter((id) => !recorded.has(id)).length,
      left: await emptied(redis),
      acknowledgedAfter,
      writtenAfter
    }
  } finally {
    await recorder.close(0)
    redis.disconnect()
    await herd.end()
  }
}

/**
 * Consumers, one of which is killed whenever they have written so many entries; another takes its place. By what they
 * did and not by the clock: on a slow machine nobody would live to do anything.
 */
async function startHerd({ stack, consumers, killEvery, signal }: DeliveryOptions, redis: Redis) {
  const script = fileURLToPath(new URL('consumer.ts', import.meta.url))
  const herd = new Set<ChildProcess>()
  const join = () => {
    const child = spawnBound([process.execPath, script], 'SIGKILL', {
      env: { PATH: process.env.PATH, REDIS_URL: stack.redis.url, MYSQL_PRIMARY_URL: stack.mysql.primary.url },
      stdio: ['ignore', 'ignore', 'inherit']
    })
    herd.add(child)
  }
  const end = async (child: ChildProcess) => {
    herd.delete(child)
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  const tally = { kills: 0, orphaned: 0 }
  let killAt = killEvery
  /** Kills one of those that hold entries at this moment, if it is time. */
  const cull = async (inTable: number) => {
    if (inTable < killAt) return
    const holding = await holdings(redis)
    const candidates = [...herd].filter(({ pid }) => holding.has(pid ?? 0))
    const victim = candidates[Math.floor(Math.random() * candidates.length)]
    if (!victim) return
    killAt = inTable + killEvery
    await end(victim)
    tally.kills++
    tally.orphaned += (await holdings(redis)).get(victim.pid ?? 0) ?? 0
    join()
  }
  for (let n = 0; n < consumers; n++) join()
  for (const until = performance.now() + patienceMs; (await joined(redis)) < consumers; await pause(20)) {
    signal.throwIfAborted()
    if (performance.now() > until) {
      await Promise.all([...herd].map(end))
      throw new Error('the consumers did not start')
    }
  }
  return Object.assign(tally, { cull, end: () => Promise.all([...herd].map(end)) })
}

/** How many consumers the group knows. */
async function joined(redis: Redis): Promise<number> {
  const [life] = await redis.auditAppend(streamKey, newLife(), 0)
  const reply: unknown = await redis.xinfo('CONSUMERS', streamKey, life)
  return Array.isArray(reply) ? reply.length : 0
}

/** How many entries each process was given by the group and has not acknowledged. */
async function holdings(redis: Redis): Promise<Map<number, number>> {
  const [life] = await redis.auditAppend(streamKey, newLife(), 0)
  const reply: unknown = await redis.xpending(streamKey, life)
  const consumers: unknown = Array.isArray(reply) ? reply[3] : null
  const pairs = Array.isArray(consumers) ? consumers : []
  return new Map(pairs.map(([name, count]) => [Number(/\.(\d+)\.\w+$/.exec(name)?.[1]), Number(count)]))
}

/** Until so many entries are in the table, or nobody would wait any longer. */
async function written(
  url: string,
  entries: number,
  signal: AbortSignal,
  progress: (inTable: number) => Promise<void>
): Promise<void> {
  const connection = await createConnection(url)
  try {
    for (const end = performance.now() + patienceMs; performance.now() < end; await pause(10)) {
      signal.throwIfAborted()
      const [[count]] = await connection.query<(RowDataPacket & { n: number })[]>(
        'SELECT COUNT(*) AS n FROM audit_log'
      )
      if (Number(count?.n) >= entries) return
      await progress(Number(count?.n))
    }
  } finally {
    await connection.end()
  }
}

async function idsIn(url: string): Promise<Set<string>> {
  const connection = await createConnection(url)
  try {
    const [rows] = await connection.query<(RowDataPacket & { id: Buffer })[]>('SELECT id FROM audit_log')
    return new Set(rows.map(({ id }) => bytesToUuid(id)))
  } finally {
    await connection.end()
  }
}

/** How many entries stay in Redis, once those that are in the table have had the time to be trimmed. */
async function emptied(redis: Redis): Promise<number> {
  const end = performance.now() + 15_000
  for (;;) {
    const left = await redis.xlen(streamKey)
    if (left === 0 || performance.now() > end) return left
    await pause(20)
  }
}
