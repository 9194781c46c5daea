// The plugin tree, in one screen. Infrastructure first, each part one plugin; then the resources.
import Fastify, { type FastifyInstance } from 'fastify'
import admin from '../plugins/admin.ts'
import atHand from '../plugins/at-hand.ts'
import audit from '../plugins/audit.ts'
import auth from '../plugins/auth.ts'
import breaker from '../plugins/breaker.ts'
import cache from '../plugins/cache.ts'
import compress from '../plugins/compress.ts'
import errors from '../plugins/errors.ts'
import events from '../plugins/events.ts'
import health from '../plugins/health.ts'
import loadShedding from '../plugins/load-shedding.ts'
import mysql from '../plugins/mysql.ts'
import openapi from '../plugins/openapi.ts'
import operators from '../plugins/operators.ts'
import overload from '../plugins/overload.ts'
import rateLimit from '../plugins/rate-limit.ts'
import redis from '../plugins/redis.ts'
import securityHeaders from '../plugins/security-headers.ts'
import telemetry from '../plugins/telemetry.ts'
import accounts from './accounts/routes.ts'
import { livingSession } from './accounts/views.ts'
import auditRoutes from './audit/routes.ts'
import availability from './availability/routes.ts'
import bookings from './bookings/routes.ts'
import clients from './clients/routes.ts'
import type { Settings } from './config.ts'
import eventRoutes from './events/routes.ts'
import type { requestIds } from './http/id.ts'
import { serverOptions } from './http/server-options.ts'
import { loggerOptions } from './log.ts'
import ownProfile from './profiles/own/routes.ts'
import profiles from './profiles/routes.ts'
import webhooks from './webhooks/routes.ts'

declare module 'fastify' {
  interface FastifyInstance {
    settings: Settings
    requestIdOf: ReturnType<typeof requestIds>
  }
}

/** Builds the service from its settings. It does not listen yet: src/server.ts does. */
export async function buildApp(settings: Settings): Promise<FastifyInstance> {
  const options = serverOptions(settings)
  const app = Fastify({ ...options, ...(await loggerOptions(settings)) })
  app.decorate('settings', settings)
  app.decorate('requestIdOf', options.genReqId)

  await app.register(telemetry)
  await app.register(errors)
  await app.register(securityHeaders)
  await app.register(loadShedding, { delayMs: settings.http.shedDelayMs })
  await app.register(rateLimit)
  await app.register(compress)
  await app.register(auth, { sessions: livingSession })
  await app.register(openapi)
  await app.register(health)

  await app.register(mysql)
  await app.register(overload)
  await app.register(breaker)
  await app.register(redis)
  await app.register(cache)
  await app.register(atHand)
  await app.register(audit)
  await app.register(admin)
  await app.register(events)
  await app.register(operators)
  // Loaded only where it works: most instances have no use for its libraries.
  if (settings.worker === 'in') await app.register(import('../plugins/worker.ts'))

  await app.register(accounts)
  await app.register(profiles)
  await app.register(ownProfile)
  await app.register(auditRoutes)
  await app.register(availability)
  await app.register(bookings)
  await app.register(clients)
  await app.register(eventRoutes)
  await app.register(webhooks)
  return app
}
