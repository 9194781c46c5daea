// Instances of nothing but the limits, for their tests.
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import errors from '../../plugins/errors.ts'
import rateLimit from '../../plugins/rate-limit.ts'
import telemetry from '../../plugins/telemetry.ts'
import type { Settings } from '../../src/config.ts'
import { serverOptions } from '../../src/http/server-options.ts'

/** An instance with these routes, ready; it ends with the test. */
export async function limited(
  t: Pick<Test, 'teardown'>,
  settings: Settings,
  routes: (app: FastifyInstance) => void
): Promise<FastifyInstance> {
  const app = Fastify(serverOptions(settings))
  t.teardown(() => app.close())
  app.decorate('settings', settings)
  app.decorateRequest('caller', null)
  await app.register(telemetry)
  await app.register(errors)
  await app.register(rateLimit)
  routes(app)
  await app.ready()
  return app
}
