// `npm start`: the service, on the databases that the settings name, or else on a private stack of its own. The one
// place that hears signals, so that all ends in order: service, replicas, primary, Redis.

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { known } from '../db/seed/known.ts'
import type { Scale } from '../db/seed/seed.ts'
import { installEdge } from '../db/stack/install.ts'
import { spawnBound } from '../db/stack/process.ts'
import { startNginx } from '../nginx/start.ts'
import { readSettings, type Settings, SettingsError } from '../src/config.ts'
import { developmentSecret } from './development-secret.ts'
import type { Ground } from './private-stack.ts'
import { aborted, hearSignals, Interrupted, type Wishes } from './signals.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const help = `Usage: npm start [-- options]

Serves the API. Without MYSQL_PRIMARY_URL it first brings up MariaDB and Redis of its own.

  --scale      data set of a new private stack: tiny, seed (default) or x10
  --directory  where the private stack lives, by default .local/stack
  --watch      start the service again when its code changes (npm run dev)
  --edge       nginx with TLS and a shared cache in front: https on port PORT + 443
`

const scales: readonly Scale[] = ['tiny', 'seed', 'x10']

/** What is wrong with the command, in one line. */
class UsageError extends Error {}

type Wanted = { scale: Scale; directory: string; watch: boolean; edge: boolean }

/** The service, in this process or in one that watches the code. */
type Running = {
  url: string
  operatorsUrl: string
  /** Settles with the reason when it ended unasked. */
  gone: Promise<Error>
  /** Drains and closes; `drainMs` shortens the time that balancers get. */
  close(drainMs?: number): Promise<void>
}

const report = (line: string) => console.error(`turno: ${line}`)

async function command(): Promise<number> {
  const wishes = hearSignals()
  if (existsSync(`${root}.env`)) process.loadEnvFile(`${root}.env`)
  try {
    const wanted = readArguments()
    if (wanted === null) console.log(help)
    else await start(wanted, wishes)
    wishes.hurry.throwIfAborted() // cut short is not the same as ended
    return 0
  } catch (error) {
    if (error instanceof Interrupted) return 130
    if (error instanceof SettingsError) error.lines.forEach(report)
    else if (error instanceof Error) report(error.message)
    else throw error
    return 1
  }
}

function readArguments(): Wanted | null {
  const values = parse()
  if (values.help) return null
  const scale = scales.find((one) => one === values.scale)
  if (scale === undefined) throw new UsageError(`--scale ${values.scale} is none of ${scales.join(', ')}`)
  return { scale, directory: values.directory, watch: values.watch, edge: values.edge }
}

function parse() {
  const options = {
    scale: { type: 'string', default: 'seed' },
    directory: { type: 'string', default: `${root}.local/stack` },
    watch: { type: 'boolean', default: false },
    edge: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false }
  } as const
  try {
    return parseArgs({ options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

async function start(wanted: Wanted, wishes: Wishes): Promise<void> {
  const { scale, directory } = wanted
  const isPrivate = !process.env.MYSQL_PRIMARY_URL
  const settings = isPrivate ? await privateEnvironment(directory) : process.env
  // An edge of ours tells the service who asks.
  const given = wanted.edge ? { TRUST_PROXY: '127.0.0.1', ...settings } : settings
  // All that is wrong is said before anything starts.
  await refuseTakenPorts(readSettings(given), wishes.leave)
  if (wanted.edge) await installEdge(report)
  if (!isPrivate) return run(given, null, wanted, wishes)

  const { standOnStack } = await import('./private-stack.ts')
  const ground = await standOnStack(directory, scale, report, wishes.leave)
  wishes.hurry.addEventListener('abort', () => void ground.stop())
  try {
    // Its own jobs too: one process is all there is.
    await run({ WORKER: 'in', ...given, ...ground.variables }, ground, wanted, wishes)
  } finally {
    await ground.stop()
  }
}

/** Serves until somebody wishes to leave, then closes the service. What it stands on is the caller's to end. */
async function run(
  environment: NodeJS.ProcessEnv,
  ground: Ground | null,
  { watch, edge }: Wanted,
  wishes: Wishes
): Promise<void> {
  const settings = readSettings(environment)
  const running = watch ? serveWatched(settings, environment) : await serveHere(settings)
  const front = edge ? await edgeBefore(running, settings, wishes.leave) : null
  sayWhere(running, front, ground !== null)
  const trouble = await Promise.race([
    aborted(wishes.leave).then(() => null),
    running.gone,
    ...(ground ? [ground.gone.then(() => new Error('the npm start that ran the databases has ended'))] : [])
  ])
  // Balancers that need time to notice send SIGTERM; a person at a terminal has none.
  const byService = trouble === null && wishes.leave.reason.signal === 'SIGTERM'
  await Promise.race([running.close(byService ? undefined : 0), aborted(wishes.hurry)])
  await front?.stop()
  if (trouble !== null) throw trouble
}

/** nginx in front of the service, on ports beside its own; nothing of it stays. The service is closed if it fails. */
async function edgeBefore(
  running: Running,
  { port }: Settings,
  abort: AbortSignal
): Promise<{ url: string; stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'turno-edge-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  const ports = port === 0 ? {} : { port: port + 443, redirectPort: port + 80 }
  try {
    const upstreams = [new URL(running.url).host]
    const nginx = await startNginx({ role: 'edge', directory, upstreams, ...ports }, abort)
    return { url: nginx.url, stop: () => nginx.stop().then(remove) }
  } catch (error) {
    await Promise.all([running.close(0), remove()])
    throw error
  }
}

async function serveHere(settings: Settings): Promise<Running> {
  // Loaded last: a mistake is told sooner, and its tracing can hook into the drivers before they load.
  const { serve } = await import('../src/server.ts')
  const serving = await serve(settings)
  const gone = new Promise<Error>((resolve) => {
    process.once('uncaughtException', (error) => {
      serving.log.fatal({ err: error }, 'an error that nobody caught: leaving')
      resolve(new Error('the service ended by an error that nobody caught, see its log'))
    })
  })
  return { ...serving, gone }
}

/** In a session of its own: its signals come from us alone, one for each wish. */
function serveWatched({ host, port, operators }: Settings, environment: NodeJS.ProcessEnv): Running {
  const command = [process.execPath, '--watch', '--watch-preserve-output', 'src/server.ts']
  // Each change ends the service that runs: without a balancer there is nobody to wait for.
  const env = { DRAIN_MS: '0', ...environment }
  const service = spawnBound(command, 'SIGTERM', { cwd: root, stdio: 'inherit', env })
  const ended = once(service, 'exit')
  return {
    url: `http://${host}:${port}`,
    operatorsUrl: `http://${operators.host}:${operators.port}`,
    gone: ended.then(() => new Error('the watched service has ended')),
    close: async () => {
      service.kill('SIGTERM')
      await ended
    }
  }
}

function sayWhere({ url, operatorsUrl }: Running, edge: { url: string } | null, isSeeded: boolean): void {
  const profile = `${url}/api/profile/${known.therapist.id}`
  const lines = [
    '',
    `  API            ${url}/api/profiles`,
    `  documentation  ${url}/docs`,
    `  health         ${url}/health`,
    `  metrics        ${operatorsUrl}/metrics`,
    ...(edge ? [`  edge           ${edge.url}/api/profiles (a certificate of its own: curl -k)`] : []),
    ...(isSeeded
      ? ['', `  curl -i ${profile}`, `  npm run token -- --user ${known.therapist.id} --role therapist`]
      : []),
    '',
    '  Ctrl-C stops it.',
    ''
  ]
  console.log(lines.join('\n'))
}

/** The settings of a service on the private stack, all but where that will listen. */
async function privateEnvironment(directory: string): Promise<NodeJS.ProcessEnv> {
  const alone = ['MYSQL_REPLICA_URLS', 'REDIS_URL'].filter((name) => process.env[name])
  if (alone.length > 0)
    throw new SettingsError(
      alone.map((name) => `${name} is set, but MYSQL_PRIMARY_URL is not: set both or none`)
    )
  const isProduction = process.env.NODE_ENV === 'production'
  const secret = process.env.JWT_SECRET || (isProduction ? undefined : await developmentSecret(directory))
  return { ...process.env, MYSQL_PRIMARY_URL: 'mysql://turno@127.0.0.1/turno', JWT_SECRET: secret }
}

/** Whoever starts again at once may meet the one that is still leaving: so long, in ms, is waited for it. */
const leavingMs = 2000

async function refuseTakenPorts({ host, port, operators }: Settings, abort: AbortSignal): Promise<void> {
  const patience = Date.now() + leavingMs
  for (const wanted of [
    { host, port, variable: 'PORT' },
    { ...operators, variable: 'OPERATORS_PORT' }
  ]) {
    while (wanted.port !== 0 && (await isTaken(wanted))) {
      abort.throwIfAborted()
      if (Date.now() > patience)
        throw new Error(
          `port ${wanted.port} on ${wanted.host} is taken: set ${wanted.variable} to a free one`
        )
      await pause(100)
    }
  }
}

async function isTaken({ host, port }: { host: string; port: number }): Promise<boolean> {
  const server = createServer().listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
  }
  server.close()
  await once(server, 'close')
  return false
}

// Exits by itself where something is left open: by now nobody waits for it.
process.exit(await command())
