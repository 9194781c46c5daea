// `npm run worker`: the jobs of the service in a process of their own. Any number may run; what each does is in the tables.

import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { readSettings, type Settings, SettingsError } from '../src/config.ts'
import { startTracing } from '../src/telemetry.ts'

const help = `Usage: npm run worker

Does what falls due by itself: webhooks, reminders, holds and requests that run out, sessions that took place, and
tidying up. Needs MYSQL_PRIMARY_URL and REDIS_URL. Metrics and health: OPERATORS_PORT. Ends with SIGTERM or Ctrl-C.
`

/** What is wrong with the command, in one line. */
class UsageError extends Error {}

async function work(settings: Settings): Promise<{ app: FastifyInstance; stop(): Promise<void> }> {
  if (settings.redis.url === null)
    throw new UsageError('the worker needs REDIS_URL: its jobs are queued there')
  // Before all that loads MySQL's and Redis's clients: their spans need the hooks in place by then.
  const stopTracing = await startTracing(settings)
  const { buildWorker } = await import('../src/jobs/app.ts')
  const app = await buildWorker(settings)
  const stop = () => app.close().then(stopTracing)
  try {
    await app.ready()
    const url = await app.operators.listen()
    app.log.info(`operators on ${url}`)
    app.health.started()
    app.log.info('working')
    return { app, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function reason(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return 'the port for operators is taken: set OPERATORS_PORT to a free one'
  }
  return error instanceof Error ? error.message : String(error)
}

try {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } })
  if (values.help) process.stdout.write(help)
  else {
    const settings = readSettings(process.env)
    const working = work(settings)
    closeWithGrace(
      {
        delay: settings.http.shutdownMs,
        logger: { error: (line: unknown) => console.error('turno:', line) }
      },
      async ({ err }) => {
        const { app, stop } = await working
        if (err) app.log.fatal({ err }, 'an error that nobody caught: leaving')
        app.health.drain()
        await stop()
      }
    )
    await working
  }
} catch (error) {
  if (error instanceof SettingsError) for (const line of error.lines) console.error(`turno: ${line}`)
  else console.error(`turno: ${reason(error)}`)
  process.exit(1)
}
