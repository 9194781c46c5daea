// An app of the life-cycle plugins alone, with routes that behave on demand: what needs no engine is tested on it.
import Fastify, { type FastifyInstance } from 'fastify'
import health from '../plugins/health.ts'
import operators from '../plugins/operators.ts'
import telemetry from '../plugins/telemetry.ts'
import type { Settings } from '../src/config.ts'
import { type LogStream, loggerOptions } from '../src/log.ts'

type Changes = { http?: Partial<Settings['http']>; log?: Partial<Settings['log']>; port?: number }

export function bareSettings({ http, log, port = 0 }: Changes = {}): Settings {
  return {
    environment: 'test',
    host: '127.0.0.1',
    port,
    operators: { host: '127.0.0.1', port: 0 },
    mysql: {
      primaryUrl: '',
      replicaUrls: [],
      poolSize: 1,
      connectTimeoutMs: 100,
      queryTimeoutMs: 100,
      maxLagMs: 1000
    },
    redis: { url: null, commandTimeoutMs: 50 },
    cache: { l1Bytes: 1024 },
    http: {
      trustProxy: [],
      bodyLimitBytes: 1024,
      requestTimeoutMs: 5000,
      drainMs: 0,
      shutdownMs: 10_000,
      ...http
    },
    auth: { secret: 's'.repeat(32), issuer: 'turno', audience: 'turno-api' },
    telemetry: { serviceName: 'turno', otlpEndpoint: null, traceRatio: 0 },
    log: { level: 'silent', slowRequestMs: 500, ...log }
  }
}

export type BareApp = FastifyInstance & {
  /** Ends what `/held` waits for. */
  release(): void
}

export async function bareApp(settings = bareSettings(), stream?: LogStream): Promise<BareApp> {
  const app = Fastify({ ...(await loggerOptions(settings, stream)), return503OnClosing: false })
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
  return app as BareApp
}
