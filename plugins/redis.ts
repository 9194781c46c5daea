// Redis for the service: one connection made so that no command ever waits for a server that is not there.
// What it is used for is the business of those who use it.
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Redis, type RedisOptions } from 'ioredis'
import { scripts } from '../src/cache/scripts.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Connected by the cache's link; null when the service runs without Redis. */
    redis: Redis | null
  }
}

const reconnectMs = { least: 50, spread: 50 }

/** A connection on which every wait ends. @param commandTimeoutMs limit of one command */
export function redisOptions(commandTimeoutMs: number) {
  return {
    // RESP3: replies and announcements share one connection, in order. The proofs of freshness rest on that.
    protocol: 3,
    lazyConnect: true,
    // A queue would turn an absent Redis into a late answer: fail at once, the primary is there.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: false,
    connectTimeout: 300,
    commandTimeout: commandTimeoutMs,
    retryStrategy: () => reconnectMs.least + Math.random() * reconnectMs.spread,
    scripts
  } satisfies RedisOptions
}

export default fp(
  async (app: FastifyInstance) => {
    const { url, commandTimeoutMs } = app.settings.redis
    if (url === null) {
      app.decorate('redis', null)
      return
    }
    const redis = new Redis(url, redisOptions(commandTimeoutMs))
    // Each loss is counted and shown by the link's own state; without a listener it would end the process.
    redis.on('error', (error) => app.log.debug({ err: error }, 'redis'))
    app.decorate('redis', redis)
    app.addHook('onClose', async () => redis.disconnect())
  },
  { name: 'redis' }
)
