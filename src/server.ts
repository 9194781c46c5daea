// The process: settings, the app, both listeners, and leaving without losing a request. Nothing else lives here.
import closeWithGrace from 'close-with-grace'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import '../db/drizzle-imports.ts'
import { withCompiledCode } from './compiled-code.ts'
import { readSettings, type Settings, SettingsError } from './config.ts'
import { withNodeFlags } from './node-flags.ts'

export type Serving = {
  /** Where the API answers, such as `http://127.0.0.1:4000`. */
  url: string
  /** Where metrics and health answer the operators. */
  operatorsUrl: string
  log: FastifyBaseLogger
  /** Drains and closes. `drainMs` shortens the time given to balancers, ms. Asked twice it is the same close. */
  close(drainMs?: number): Promise<void>
}

/** Why the process will not serve: one line that its operator can act on. */
export class CannotServe extends Error {
  override name = 'CannotServe'
}

/**
 * Builds the app and serves it.
 * @param loaded called when all code is loaded and nothing is begun
 * @throws CannotServe when the schema is behind the code, the primary does not answer, or a port is taken
 */
export async function serve(settings: Settings, loaded = (): void => {}): Promise<Serving> {
  // Before all that loads MySQL's and Redis's clients: their spans need the hooks in place by then.
  const { startTracing } = await import('./telemetry.ts')
  const stopTracing = await startTracing(settings)
  const { buildApp } = await import('./app.ts')
  const { pendingMigrations } = await import('../db/migrate.ts')
  loaded()
  const app = await buildApp(settings)
  try {
    await app.ready()
    await refuseSchemaBehind(() => pendingMigrations((sql) => app.mysql.primary.query(sql)))
    const serving = await listen(app)
    return { ...serving, close: (drainMs) => serving.close(drainMs).finally(stopTracing) }
  } catch (error) {
    await app.close()
    throw error
  }
}

/** How long a start waits for a primary that does not answer: longer than a connect on a busy machine, ms. */
const primaryPatienceMs = 5_000

async function refuseSchemaBehind(countPending: () => Promise<number>): Promise<void> {
  const until = performance.now() + primaryPatienceMs
  const ask = (): Promise<number> =>
    countPending().catch(async (error: unknown) => {
      if (performance.now() > until) {
        throw new CannotServe(`the primary database cannot be asked for its schema: ${reason(error)}`, {
          cause: error
        })
      }
      await elapsed(100)
      return ask()
    })
  const pending = await ask()
  if (pending > 0) {
    throw new CannotServe(
      `the database schema is behind by ${pending} ${pending === 1 ? 'migration' : 'migrations'}: run npm run migrate`
    )
  }
}

/** The code at the root of an error; messages of drivers may hold addresses and names of users. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error.cause !== undefined) return reason(error.cause)
  return 'code' in error ? String(error.code) : error.message
}

/** Opens both listeners of a built app. @throws CannotServe when a port cannot be had */
export async function listen(app: FastifyInstance): Promise<Serving> {
  const { host, port, operators, http } = app.settings
  const operatorsUrl = await app.operators.listen().catch((error) => {
    throw portTrouble(error, operators, 'OPERATORS_PORT')
  })
  app.log.info(`operators on ${operatorsUrl}`)
  const url = await app
    .listen({ host, port, listenTextResolver: (address) => `serving on ${address}` })
    .catch((error) => {
      throw portTrouble(error, { host, port }, 'PORT')
    })
  app.health.started()
  let closing: Promise<void> | undefined
  return {
    url,
    operatorsUrl,
    log: app.log,
    close: (drainMs = http.drainMs) => {
      closing ??= drain(app, drainMs)
      return closing
    }
  }
}

/**
 * Leaves in the order that loses nobody's request. A balancer that does not retry learns of the leaving from
 * `/health/ready` alone, so until it has had time to ask (`drainMs`) everything is served as before, old
 * connections and new. Closing the listener first, as a plain close() does, refuses every request of that time.
 */
async function drain(app: FastifyInstance, drainMs: number): Promise<void> {
  app.health.drain()
  app.log.info({ drainMs }, 'draining')
  // Each further answer ends its connection: by the time the listener closes no client holds one that it might
  // write to in the same instant. Idle ones are left alone until then: closing them would race with their next request.
  app.server.prependListener('request', (_request, reply) => reply.setHeader('connection', 'close'))
  await elapsed(drainMs)

  // Answers already under way when the drain began did not say "close"; without this their connections would stay
  // open, idle, for the whole keep-alive time.
  const reap = setInterval(() => app.server.closeIdleConnections(), 50)
  const cut = setTimeout(
    () => {
      app.log.warn('requests still under way after the time to leave: cutting them')
      app.server.closeAllConnections()
    },
    Math.max(0, app.settings.http.shutdownMs - drainMs - partsCloseMs)
  )
  try {
    await app.close()
  } finally {
    clearInterval(reap)
    clearTimeout(cut)
  }
}

/** Of the time to leave, what is kept for the parts (pools, Redis, telemetry) to say goodbye, ms. */
const partsCloseMs = 1000

/** The time between an error that nobody caught and the end: enough for most work in flight, ms. */
const drainAfterErrorMs = 1000

/**
 * Runs until a signal or an error that nobody caught, then leaves: exit 0 within the limit after a signal, 1 after an
 * error. A second signal ends it at once.
 */
export function runUntilSignal(starting: Promise<Serving>, settings: Settings): void {
  closeWithGrace(
    {
      delay: settings.http.shutdownMs,
      logger: { error: (reason: unknown) => console.error('turno:', reason) }
    },
    async ({ signal, err }) => {
      const serving = await starting
      if (err) {
        serving.log.fatal({ err }, 'an error that nobody caught: leaving')
        return serving.close(Math.min(settings.http.drainMs, drainAfterErrorMs))
      }
      // Ctrl-C comes from a person, who has no balancer that needs time to notice.
      return serving.close(signal === 'SIGINT' ? 0 : settings.http.drainMs)
    }
  )
  starting.catch((error: unknown) => {
    if (error instanceof CannotServe) console.error(`turno: ${error.message}`)
    else console.error('turno: cannot start:', error)
    process.exit(1)
  })
}

function portTrouble(error: unknown, wanted: { host: string; port: number }, variable: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const where = `port ${wanted.port} on ${wanted.host}`
  if (error.code === 'EADDRINUSE') return new CannotServe(`${where} is taken: set ${variable} to a free one`)
  if (error.code === 'EACCES')
    return new CannotServe(`${where} may not be opened by this user: set ${variable}`)
  if (error.code === 'EADDRNOTAVAIL') return new CannotServe(`${wanted.host} is no address of this machine`)
  return error
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

if (import.meta.main) {
  try {
    const settings = readSettings(process.env)
    withNodeFlags(settings.cache.l1Bytes)
    runUntilSignal(serve(settings, withCompiledCode), settings)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    for (const line of error.lines) console.error(`turno: ${line}`)
    process.exitCode = 1
  }
}
