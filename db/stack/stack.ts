// The private stack: a MariaDB primary, replicas that follow it by GTID, and Redis, as child processes on free
// loopback ports with all their data under one directory. What `npm start` and every test run on.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { awaitOwner, claim, endLeftovers } from './claim.ts'
import { copyData, follow, initialise, mariadbProgram, mariadbUrl } from './mariadb.ts'
import { type EngineProcess, type Program, startProcess } from './process.ts'
import { redisProgram, redisUrl } from './redis.ts'

/** One running server. After `restart` it has the same port and another pid. */
export type Engine = {
  readonly name: string
  readonly url: string
  readonly pid: number
  readonly port: number
  /** SIGKILL, and wait until the process is gone. */
  kill(): Promise<void>
  /** SIGSTOP: it keeps its connections and answers nothing. */
  hang(): void
  /** SIGCONT. */
  resume(): void
  /** Starts it again on the same port and data and waits until it answers, a replica until it follows. */
  restart(): Promise<void>
}

export type Stack = {
  mysql: { primary: Engine; replicas: Engine[] }
  redis: Engine
  /** Ends the engines in order: replicas, primary, Redis. Called again while it is at it, it kills what is left. */
  stop(): Promise<void>
}

export type StackOptions = {
  /** Where all data, logs and secrets of the stack live. Made when missing, used again when there. */
  directory: string
  /** How many replicas follow the primary: 2. */
  replicas?: number
  /** Hears, in one line each, what takes time and which engine ended unasked. */
  report?: (line: string) => void
  /** For data of which nobody will ask tomorrow: nothing waits for the disk. */
  throwaway?: boolean
  /** A stopped stack's directory whose primary's data every engine begins with, instead of an empty database. */
  template?: string
  /** Gives up starting: everything that had been started is gone when `startStack` rejects. */
  abort?: AbortSignal
}

/** What another process needs to use a stack. */
export type StackUrls = { primaryUrl: string; replicaUrls: string[]; redisUrl: string }

/** Another process runs the stack of this directory. `joinStack` uses it. */
export class StackIsRunning extends Error {
  override name = 'StackIsRunning'
}

/**
 * Starts the stack of a directory, on the ports that it had before where they are free. Engines left behind by an
 * owner that was killed are ended first, and their data is used.
 * @throws StackIsRunning, or an Error that says which engine did not start, with the end of its log
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { report = () => {}, throwaway = false, abort } = options
  await mkdir(options.directory, { recursive: true, mode: 0o700 })
  const directory = await realpath(options.directory)
  const claimed = await claim(directory)
  if (claimed === null) throw new StackIsRunning(`another process runs the stack in ${directory}`)

  const names = [
    'primary',
    ...Array.from({ length: options.replicas ?? 2 }, (_, index) => `replica-${index + 1}`)
  ]
  const home = (name: string) => join(directory, name)
  const logFile = (name: string) => join(directory, `${name}.log`)
  const running: RunningEngine[] = []
  const killAll = () => Promise.all(running.map((engine) => engine.kill()))
  const onAbort = () => void killAll() // whoever waits for an engine then fails at once
  abort?.addEventListener('abort', onAbort)
  try {
    const left = await endLeftovers([...names, 'redis'].map(home))
    if (left > 0) report('ended the engines that a killed process had left behind')
    const password = await keepPassword(directory, options.template)
    await prepareData(names, { home, logFile, password, template: options.template, abort, report })

    const earlier = await readPorts(directory)
    const start = async (program: Program, url: (port: number) => string, settle?: () => Promise<void>) => {
      const engine = await startEngine({ program, url, port: earlier[program.name], settle, abort, report })
      running.push(engine)
      return engine
    }
    const whenOrphaned = throwaway ? 'SIGKILL' : 'SIGTERM'
    const redis = start(
      await redisProgram({ directory: home('redis'), logFile: logFile('redis'), password, whenOrphaned }),
      (port) => redisUrl(port, password)
    )
    const databases = names.map(async (name, index): Promise<RunningEngine> => {
      const role = index === 0 ? 'primary' : 'replica'
      const common = { name, role, serverId: index + 1, password, throwaway } as const
      const program = await mariadbProgram({ ...common, directory: home(name), logFile: logFile(name) })
      const settle = async () => {
        if (role === 'primary') return
        const [primary, self] = await Promise.all([databases[0], databases[index]])
        if (primary && self) await follow(self.port, primary.port, password)
      }
      return start(program, (port) => mariadbUrl(port, password), settle)
    })
    // Every start settles before any failure is thrown, so that `running` holds all there is to be ended.
    await everySettled([redis, ...databases])
    const [primary, ...replicas] = await Promise.all(databases)
    if (primary === undefined) throw new Error('a stack has a primary')
    await everySettled(replicas.map((replica) => replica.settle()))
    abort?.throwIfAborted()

    const stack = { mysql: { primary, replicas }, redis: await redis }
    await writeState(directory, stack)
    claimed.ready()
    return { ...stack, stop: stopping(stack, claimed.release) }
  } catch (error) {
    await killAll()
    claimed.release()
    abort?.throwIfAborted()
    throw error
  } finally {
    abort?.removeEventListener('abort', onAbort)
  }
}

/**
 * Waits until the process that runs the stack of this directory has it ready, and tells how to use it. `gone`
 * settles when that process ends, and the stack with it. Null when no process runs it (any more).
 */
export async function joinStack(
  directory: string,
  abort?: AbortSignal
): Promise<{ urls: StackUrls; gone: Promise<void> } | null> {
  const real = await realpath(directory)
  const owner = await awaitOwner(real, abort)
  if (owner === null) return null
  const state: State = JSON.parse(await readFile(join(real, STATE_FILE), 'utf8'))
  return { urls: state.urls, gone: owner.gone }
}

/** How to use a stack, for settings. */
export function urlsOf(stack: Pick<Stack, 'mysql' | 'redis'>): StackUrls {
  return {
    primaryUrl: stack.mysql.primary.url,
    replicaUrls: stack.mysql.replicas.map((replica) => replica.url),
    redisUrl: stack.redis.url
  }
}

type RunningEngine = Engine & { stop(): Promise<void>; settle(): Promise<void> }

async function startEngine(options: {
  program: Program
  url: (port: number) => string
  port: number | undefined
  settle: (() => Promise<void>) | undefined
  abort: AbortSignal | undefined
  report: (line: string) => void
}): Promise<RunningEngine> {
  const { program, report } = options
  let expected = false
  const launch = async (port: number | undefined, abort?: AbortSignal) => {
    const started = await startProcess(program, port, abort)
    expected = false
    void started.gone.then(() => {
      if (!expected && process === started) report(`${program.name} ended unasked, see ${program.logFile}`)
    })
    return started
  }
  let process: EngineProcess
  process = await launch(options.port, options.abort)
  const { port } = process
  const settle = options.settle ?? (async () => {})
  const end = async (how: 'kill' | 'stop') => {
    expected = true
    await process[how]()
  }
  return {
    name: program.name,
    url: options.url(port),
    port,
    get pid() {
      return process.pid
    },
    kill: () => end('kill'),
    stop: () => end('stop'),
    hang: () => process.signal('SIGSTOP'),
    resume: () => process.signal('SIGCONT'),
    settle,
    restart: async () => {
      await end('stop')
      process = await launch(port)
      if (process.port !== port) throw new Error(`${program.name}: somebody else took port ${port} meanwhile`)
      await settle()
    }
  }
}

function stopping(
  stack: { mysql: { primary: RunningEngine; replicas: RunningEngine[] }; redis: RunningEngine },
  release: () => void
): () => Promise<void> {
  const { primary, replicas } = stack.mysql
  const everything = [...replicas, primary, stack.redis]
  const inOrder = async () => {
    await Promise.all(replicas.map((replica) => replica.stop()))
    await primary.stop()
    await stack.redis.stop()
  }
  const atOnce = async () => {
    await Promise.all(everything.map((engine) => engine.kill()))
  }
  let stopped: Promise<void> | null = null
  return async () => {
    if (stopped !== null) await atOnce()
    stopped ??= inOrder().finally(release)
    await stopped
  }
}

/** The secret of the stack's one user: other users of this machine reach its ports, but not this file. */
async function keepPassword(directory: string, template: string | undefined): Promise<string> {
  const file = join(directory, 'password')
  if (!existsSync(file)) {
    if (template === undefined) await writeFile(file, randomBytes(18).toString('base64url'), { mode: 0o600 })
    else await copyFile(join(template, 'password'), file)
  }
  return (await readFile(file, 'utf8')).trim()
}

/** Sees to it that every server has data: what there was, else a copy of the template, else an empty database. */
async function prepareData(
  names: readonly string[],
  options: {
    home: (name: string) => string
    logFile: (name: string) => string
    password: string
    template: string | undefined
    abort: AbortSignal | undefined
    report: (line: string) => void
  }
): Promise<void> {
  const { home, logFile, password, abort, report } = options
  const missing = names.filter((name) => !existsSync(home(name)))
  if (missing.length === 0) return
  if (options.template !== undefined) {
    const data = join(options.template, 'primary')
    await Promise.all(missing.map((name) => copyData(data, home(name))))
    return
  }
  // A replica may begin empty however old the primary is: the primary keeps its whole binary log.
  report('making new databases')
  const fresh = home('fresh')
  await rm(fresh, { recursive: true, force: true })
  await initialise({ directory: fresh, logFile: logFile('initialise'), password, abort })
  await Promise.all(missing.map((name) => copyData(fresh, home(name))))
  await rm(fresh, { recursive: true, force: true })
}

const STATE_FILE = 'stack.json'
type State = { ports: Record<string, number>; urls: StackUrls }

async function writeState(directory: string, stack: Pick<Stack, 'mysql' | 'redis'>): Promise<void> {
  const engines = [stack.mysql.primary, ...stack.mysql.replicas, stack.redis]
  const ports = Object.fromEntries(engines.map(({ name, port }) => [name, port]))
  const state: State = { ports, urls: urlsOf(stack) }
  const file = join(directory, STATE_FILE)
  await writeFile(`${file}.new`, JSON.stringify(state, null, 2), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** The ports of the last time. Keeping them keeps the URLs that people have typed, and MariaDB's `@@server_uid`. */
async function readPorts(directory: string): Promise<Record<string, number>> {
  const file = join(directory, STATE_FILE)
  if (!existsSync(file)) return {}
  const state: State = JSON.parse(await readFile(file, 'utf8'))
  return state.ports
}

async function everySettled(work: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(work)
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure) throw failure.reason
}
