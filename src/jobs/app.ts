// The plugin tree of a worker: what its jobs stand on, and nothing that serves the API.
import Fastify, { type FastifyInstance } from 'fastify'
import cache from '../../plugins/cache.ts'
import events from '../../plugins/events.ts'
import health from '../../plugins/health.ts'
import mysql from '../../plugins/mysql.ts'
import operators from '../../plugins/operators.ts'
import overload from '../../plugins/overload.ts'
import redis from '../../plugins/redis.ts'
import telemetry from '../../plugins/telemetry.ts'
import worker from '../../plugins/worker.ts'
import type { Settings } from '../config.ts'
import { loggerOptions } from '../log.ts'

/** Builds a worker from its settings. Ready, it works; it listens for operators alone. */
export async function buildWorker(settings: Settings): Promise<FastifyInstance> {
  const app = Fastify(await loggerOptions(settings))
  app.decorate('settings', settings)
  await app.register(telemetry)
  await app.register(health)
  await app.register(mysql)
  await app.register(redis)
  await app.register(overload)
  await app.register(cache)
  await app.register(events)
  await app.register(operators)
  await app.register(worker)
  return app
}
