// An app of the life-cycle plugins alone, with routes that behave on demand: what needs no engine is tested on it.
import Fastify, { type FastifyInstance } from 'fastify'
import health from '../plugins/health.ts'
import operators from '../plugins/operators.ts'
import telemetry from '../plugins/telemetry.ts'
import { readSettings, type Settings } from '../src/config.ts'
import { requestIds } from '../src/http/id.ts'
import { type LogStream, loggerOptions } from '../src/log.ts'
import { unlimited } from './node.ts'

/** Settings of an app that has no engines, but for what `environment` says. */
export function bareSettings(environment: Record<string, string> = {}): Settings {
  return readSettings({
    NODE_ENV: 'test',
    PORT: '0',
    MYSQL_PRIMARY_URL: 'mysql://nobody:nothing@127.0.0.1:1/none',
    JWT_SECRET: 'for the tests of this checkout, and nobody else',
    DRAIN_MS: '0',
    LOG_LEVEL: 'silent',
    ...unlimited,
    ...environment
  })
}

/** Its decorator `release` ends what `/held` waits for. */
export async function bareApp(settings = bareSettings(), stream?: LogStream): Promise<FastifyInstance> {
  const app = Fastify({
    ...(await loggerOptions(settings, stream)),
    genReqId: requestIds(),
    return503OnClosing: false
  })
  const held = Promise.withResolvers<void>()
  app.decorate('settings', settings)
  app.decorate('release', () => held.resolve())
  await app.register(telemetry)
  await app.register(health)
  await app.register(operators)

  app.get('/fast', async () => 'ok')
  app.get('/held', async () => {
    await held.promise
    return 'done'
  })
  app.get('/api/profile/:id', async (request) => {
    request.answeredBy = 'l1'
    return { id: 'somebody' }
  })
  app.post('/written', async () => 'ok')
  app.get('/fails', async () => {
    throw Object.assign(new Error("Duplicate entry 'ana@example.es' for key 'email'"), {
      code: 'ER_DUP_ENTRY',
      sqlMessage: 'the same'
    })
  })
  app.get('/crashes', async () => {
    setImmediate(() => {
      throw new Error('nobody catches this')
    })
    return 'soon'
  })
  return app
}
