// Circuit breakers for calls that leave the service.
//
//   const reply = await app.breakers.run(`webhooks ${host}`, 5_000, (signal) => fetch(url, { signal, … }))
//
// A call that throws counts against its target; what is an answer after all, such as a 404, the caller returns and does
// not throw. While the target is being left alone, on every instance, `run` throws BreakerOpen with `retryInMs` at once.
// A connection of its own: it listens to the breakers' channel, and would hold up nobody else's commands.
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Redis } from 'ioredis'
import { Breakers } from '../src/breaker/breakers.ts'
import { breakerScripts } from '../src/breaker/scripts.ts'
import { redisOptions } from './redis.ts'

declare module 'fastify' {
  interface FastifyInstance {
    breakers: Breakers
  }
}

export default fp(
  async (app: FastifyInstance) => {
    const { url, commandTimeoutMs } = app.settings.redis
    const redis =
      url === null ? null : new Redis(url, { ...redisOptions(commandTimeoutMs), scripts: breakerScripts })
    redis?.on('error', (error) => app.log.debug({ err: error }, 'redis of the breakers'))
    const breakers = new Breakers(redis)
    app.decorate('breakers', breakers)
    app.addHook('onReady', async () => breakers.start())
    app.addHook('onClose', async () => breakers.close())

    const { meter } = app.metrics
    meter
      .createObservableGauge('turno.breakers.open', { description: 'Targets that are left alone for now.' })
      .addCallback((result) => result.observe(breakers.open))
    meter
      .createObservableCounter('turno.breakers.refused', { description: 'Calls that were not made for it.' })
      .addCallback((result) => result.observe(breakers.refused))
  },
  { name: 'breaker', dependencies: ['telemetry'] }
)
