// Puts the layered cache together from Redis and MySQL. The cache itself is src/cache and knows no Fastify.
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Cache } from '../src/cache/cache.ts'
import { Counters } from '../src/cache/events.ts'
import { Floors } from '../src/cache/floors.ts'
import { Link } from '../src/cache/link.ts'
import { Primary } from '../src/cache/primary.ts'
import { type ConsistencyTokens, consistencyTokens } from '../src/http/consistency.ts'

declare module 'fastify' {
  interface FastifyInstance {
    cache: Cache
    consistency: ConsistencyTokens
  }
}

/** How long a start waits for Redis before it serves without it, ms. */
const redisPatienceMs = 1_000

export default fp(
  async (app: FastifyInstance) => {
    const { primary: writes, primaryReads, replicas } = app.mysql
    const counters = new Counters()
    const floors = new Floors()
    const primary = new Primary(writes, counters.link)
    const link = app.redis
      ? new Link({
          redis: app.redis,
          counters: counters.link,
          identity: () => primary.identity(),
          heard: (slot, version) => floors.raise(slot, version),
          otherPrimary: () => floors.forget(),
          relay: (tell) => primary.relay(tell)
        })
      : null
    app.health.add('redis', () => {
      if (!link) return { status: 'off' }
      return { status: link.trusted() ? 'up' : 'down', figures: { losses: counters.link.losses } }
    })
    const l1Bytes = app.settings.cache.l1Bytes
    app.decorate(
      'cache',
      new Cache({ l1Bytes, link, floors, primary, writes, primaryReads, replicas, counters })
    )
    app.decorate('consistency', consistencyTokens(app.settings.auth.secret))
    app.addHook('onClose', async () => link?.close())
    await link?.start(redisPatienceMs)
  },
  { name: 'cache', dependencies: ['health', 'mysql', 'redis'] }
)
