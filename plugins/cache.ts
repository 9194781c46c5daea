// The layered cache over this service's Redis and MySQL. The cache itself is src/cache and knows no Fastify.
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Cache } from '../src/cache/cache.ts'
import { layers } from '../src/cache/layers.ts'
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
    const { cache, link } = layers({
      ...app.mysql,
      redis: app.redis,
      l1Bytes: app.settings.cache.l1Bytes,
      ...(app.hasDecorator('admission') && { admission: app.admission })
    })
    app.decorate('cache', cache)
    app.decorate('consistency', consistencyTokens(app.settings.auth.secret))
    app.health.add('redis', () => {
      if (!link) return { status: 'off' }
      return { status: link.trusted() ? 'up' : 'down', figures: { losses: cache.counters.link.losses } }
    })
    app.addHook('onClose', async () => link?.close())
    await link?.start(redisPatienceMs)
  },
  { name: 'cache', dependencies: ['health', 'mysql', 'redis'] }
)
