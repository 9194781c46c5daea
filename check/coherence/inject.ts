// Each fault as what is done to the stack and the fleet, and undone. Every one heals, also when the run is broken off.
import { copyFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { withConnection } from '../../db/connection.ts'
import type { Engine, Stack } from '../../db/stack/stack.ts'
import type { Fleet } from './fleet.ts'
import type { Fault, Occurrence } from './schedule.ts'

const heldBackS = 2
const statementMs = 20_000
const askMs = 1_000

export type World = { stack: Stack; fleet: Fleet; signal: AbortSignal }

type Injection = (world: World, occurrence: Occurrence) => Promise<void>

/** Makes the fault happen, holds it, heals it; sooner when the signal aborts. */
export async function inject(world: World, occurrence: Occurrence): Promise<void> {
  await injections[occurrence.fault](world, occurrence)
}

const injections: Record<Fault, Injection> = {
  async lag(world, { target, holdMs }) {
    const replica = world.stack.mysql.replicas[target]
    if (!replica) return
    await tell(replica, ['STOP SLAVE SQL_THREAD'])
    await hold(world, holdMs)
    await tell(replica, ['START SLAVE SQL_THREAD'])
  },

  async delay(world, { target, holdMs }) {
    const replica = world.stack.mysql.replicas[target]
    if (!replica) return
    await tell(replica, ['STOP SLAVE', `CHANGE MASTER TO MASTER_DELAY=${heldBackS}`, 'START SLAVE'])
    await hold(world, holdMs)
    await tell(replica, ['STOP SLAVE', 'CHANGE MASTER TO MASTER_DELAY=0', 'START SLAVE'])
  },

  async slow(world, { holdMs }) {
    world.fleet.slow(true)
    await hold(world, holdMs)
    world.fleet.slow(false)
  },

  async rstop(world, { holdMs }) {
    world.stack.redis.hang()
    await hold(world, holdMs)
    world.stack.redis.resume()
  },

  async hpause(world, { target, holdMs }) {
    world.stack.redis.hang()
    world.fleet.pause(target)
    await hold(world, holdMs)
    world.stack.redis.resume()
    world.fleet.resume(target)
  },

  async rempty(world, { holdMs }) {
    const dump = await dumpOf(world.stack)
    await world.stack.redis.kill()
    await rm(dump, { force: true })
    await hold(world, holdMs)
    await world.stack.redis.restart()
  },

  async rold(world, { holdMs }) {
    const dump = await dumpOf(world.stack)
    await ask(world.stack, (redis) => redis.save())
    const old = `${dump}.old`
    await copyFile(dump, old)
    await hold(world, holdMs)
    await world.stack.redis.kill()
    await rename(old, dump)
    await world.stack.redis.restart()
    await rm(dump, { force: true })
  },

  async flush(world, { holdMs }) {
    await hold(world, holdMs)
    await ask(world.stack, (redis) => redis.flushall())
  },

  async killpub(world, { holdMs }) {
    await hold(world, holdMs)
    await ask(world.stack, (redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
  },

  async part(world, { target, holdMs, abrupt }) {
    world.fleet.cut(target, abrupt ? 'refusal' : 'silence')
    await hold(world, holdMs)
    world.fleet.heal(target)
  },

  async ipause(world, { target, holdMs }) {
    world.fleet.pause(target)
    await hold(world, holdMs)
    world.fleet.resume(target)
  },

  async crash(world, { target, holdMs }) {
    await hold(world, holdMs)
    if (!world.signal.aborted) await world.fleet.crash(target)
  }
}

async function hold({ signal }: World, ms: number): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => {})
}

async function tell({ url }: Engine, statements: readonly string[]): Promise<void> {
  await withConnection(url, 'break', statementMs, async (connection) => {
    for (const statement of statements) await connection.query(statement)
  })
}

async function dumpOf(stack: Stack): Promise<string> {
  const directory = await ask(stack, (redis) => redis.config('GET', 'dir'))
  const [, path] = Array.isArray(directory) ? directory : []
  return join(String(path), 'dump.rdb')
}

async function ask<T>({ redis: { url } }: Stack, command: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: askMs,
    commandTimeout: askMs,
    retryStrategy: () => null
  })
  redis.on('error', () => {})
  try {
    await redis.connect()
    return await command(redis)
  } finally {
    redis.disconnect()
  }
}
