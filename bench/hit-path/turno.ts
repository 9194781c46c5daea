// Turno's own row: its cache as the service puts it together, on a real Redis and a real primary. Only the loader
// stands in: it answers from memory instead of from tables, which a hit never sees.
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Pool } from '../../db/pool.ts'
import { Replicas } from '../../db/replicas.ts'
import type { Stack } from '../../db/stack/stack.ts'
import { redisOptions } from '../../plugins/redis.ts'
import { Content } from '../../src/cache/content.ts'
import { layers } from '../../src/cache/layers.ts'
import { proofMs } from '../../src/cache/link.ts'
import type { CacheView } from '../../src/cache/view.ts'
import type { Entry } from './entries.ts'
import type { Participant } from './participant.ts'

type Parameters = { id: string }

/** Filling on a busy machine takes its time; the link drops a silent Redis after 200 ms all the same. */
const commandTimeoutMs = 1_000
const redisPatienceMs = 5_000
const fillTogether = 50
const askTogether = 500
const readyWithinMs = 5_000
const fillWithinMs = 180_000

export type Turno = Participant & {
  restore(): Promise<void>
  close(): Promise<void>
  /** Sees for itself that a hit rests on a proof. @throws Error that says which proof was missing */
  assertProved(): Promise<void>
}

/** @param label part of the shape revision, so that one Redis holds several kinds of entries apart */
export async function turno(stack: Stack, entries: readonly Entry[], label: string): Promise<Turno> {
  const limits = { connectTimeoutMs: 1_000, workTimeoutMs: 2_000 }
  const { url } = stack.mysql.primary
  const primary = new Pool({ url, purpose: 'write', connections: 2, ...limits })
  const primaryReads = new Pool({ url, purpose: 'read', connections: 4, ...limits })
  const replicas = new Replicas({ urls: [], connections: 1, maxLagMs: 5_000, ...limits })
  const redis = new Redis(stack.redis.url, redisOptions(commandTimeoutMs))
  redis.on('error', () => {})
  const { cache, link } = layers({ redis, primary, primaryReads, replicas, l1Bytes: 2 ** 30 })
  await link?.start(redisPatienceMs)

  const view = viewOf(entries, label)
  const hit = (id: string) => cache.hit(view, id, { id })

  // On a busy machine a reply of Redis is late now and then. Hits then pause, rightly; here nothing else is measured.
  const ready = async () => {
    const until = performance.now() + readyWithinMs
    while (link === null || performance.now() - link.proof > proofMs / 3) {
      if (performance.now() > until) throw new Error('Redis proves nothing: is the machine overloaded?')
      await pause(1)
    }
  }

  const missing = async () => {
    const found: Entry[] = []
    for (let from = 0; from < entries.length; from += askTogether) {
      await ready()
      found.push(...entries.slice(from, from + askTogether).filter(({ id }) => hit(id) === undefined))
    }
    return found
  }

  const restore = async () => {
    const until = performance.now() + fillWithinMs
    for (let wanted = await missing(); wanted.length > 0; wanted = await missing()) {
      if (performance.now() > until)
        throw new Error('the cache could not be filled: is the machine overloaded?')
      for (let from = 0; from < wanted.length; from += fillTogether) {
        const together = wanted.slice(from, from + fillTogether)
        await Promise.all(together.map(({ id }) => cache.read(view, id, { id })))
      }
      // A fill that Redis has not shared stands for one proof only: it must not be taken for a lasting one.
      await pause(2 * proofMs)
    }
  }

  const assertProved = async () => {
    const [changed] = entries
    if (!changed) return
    await cache.write(async ({ touch }) => touch(tagOf(changed)))
    if (hit(changed.id)) throw new Error('a changed entry is still a hit')
    await cache.read(view, changed.id, changed)
    stack.redis.hang()
    try {
      const hungAt = performance.now()
      while (performance.now() - hungAt <= 2 * proofMs) await pause(proofMs / 2)
      if (hit(changed.id)) throw new Error('entries are still hits though Redis has said nothing')
    } finally {
      stack.redis.resume()
    }
  }

  // Which entry is asked for is all that a view's parameters say; a request has them at hand already.
  const parameters: Parameters = { id: '' }
  return {
    name: 'Turno',
    role: 'subject',
    hands: 'bytes',
    proves: 'length',
    hits(keys) {
      let seen = 0
      for (const key of keys) seen += cache.hit(view, key, parameters)?.content.body('identity').length ?? 0
      return seen
    },
    ready,
    restore,
    assertProved,
    async close() {
      link?.close()
      await Promise.all([primary.close(), primaryReads.close(), replicas.close()])
    }
  }
}

const tagOf = ({ id }: Parameters) => `profile:${id}`

// Lives so long that nothing is fetched anew while it is measured.
function viewOf(entries: readonly Entry[], label: string): CacheView<Parameters> {
  const contents = new Map(
    entries.map(({ id, body, value }) => [id, Content.of(body.toString(), String(value.version))])
  )
  const contentOf = ({ id }: Parameters) => contents.get(id) ?? Content.absence()
  return {
    name: 'profile',
    revision: `hit-path-${label}`,
    tags: (parameters) => [tagOf(parameters)],
    load: async (_database, parameters) => contentOf(parameters),
    loadMany: async (_database, asked) => asked.map(contentOf),
    ttlMs: 86_400_000,
    absentTtlMs: 30_000,
    staleBudgetMs: 0,
    staleIfErrorMs: 0
  }
}
