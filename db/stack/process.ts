// One engine (MariaDB, Redis) as a child process on a loopback port: started, asked until it answers, hung,
// killed, ended. Knows nothing of SQL or Redis: how to ask is the caller's.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** How long an engine may take until it answers. Crash recovery after a kill -9 is part of it. */
const START_MS = 60_000
/** How long an engine may take to shut down cleanly before it is killed. */
const STOP_MS = 10_000
const PORT_ATTEMPTS = 5

/** What has to be known to run an engine: everything but the port, which is chosen when it starts. */
export type Program = {
  name: string
  /** Working directory and data; also what a leftover of this engine is recognised by. */
  directory: string
  logFile: string
  /** The command line that serves on `port`. */
  command(port: number): readonly string[]
  /**
   * Resolves when the process with this `pid` serves on `port`, rejects while it does not. It has to make sure
   * whom it asks: the port may have been taken by somebody else between choosing and binding.
   */
  answers(port: number, pid: number): Promise<void>
  /** What the kernel sends the engine when this process dies without stopping it (kill -9). */
  whenOrphaned: 'SIGTERM' | 'SIGKILL'
}

export type EngineProcess = {
  readonly pid: number
  readonly port: number
  /** Settles when the process is gone, however it ended. */
  readonly gone: Promise<void>
  signal(name: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL when it takes too long. */
  stop(): Promise<void>
  kill(): Promise<void>
}

/**
 * Starts the program on `port`, or on a free one when that is taken or not given, and waits until it answers.
 * Throws one line with the end of the engine's log when it does not come up.
 */
export async function startProcess(
  program: Program,
  port?: number,
  abort?: AbortSignal
): Promise<EngineProcess> {
  let wanted = port
  for (let attempt = 1; ; attempt++) {
    abort?.throwIfAborted()
    const chosen = wanted !== undefined && (await isFree(wanted)) ? wanted : await freePort()
    const logStart = logSize(program.logFile)
    const engine = launch(program, chosen)
    try {
      await answered(program, engine, abort)
      return engine
    } catch (error) {
      await engine.kill()
      abort?.throwIfAborted()
      const log = logTail(program.logFile, logStart)
      if (attempt < PORT_ATTEMPTS && /address already in use/i.test(log)) {
        wanted = undefined
        continue
      }
      throw new Error(
        `${program.name} did not start: ${(error as Error).message}. Its log ${program.logFile} ends:\n${log}`
      )
    }
  }
}

/** Runs a command to its end with `input` on stdin; throws one line with the end of its output when it fails. */
export async function run(
  command: readonly string[],
  options: { input: string; directory: string; logFile: string; abort?: AbortSignal | undefined }
): Promise<void> {
  const logStart = logSize(options.logFile)
  const log = openSync(options.logFile, 'a')
  const child = spawnBound(command, 'SIGKILL', { cwd: options.directory, stdio: ['pipe', log, log] })
  closeSync(log)
  const ended = once(child, 'close')
  const kill = () => child.kill('SIGKILL')
  options.abort?.addEventListener('abort', kill)
  // A program that ends early closes its stdin; its exit code and log say why, EPIPE would only hide it.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input)
  const [code] = await ended
  options.abort?.removeEventListener('abort', kill)
  options.abort?.throwIfAborted()
  if (code !== 0) throw new Error(`${command[0]} failed:\n${logTail(options.logFile, logStart)}`)
}

/** The path of the first of these programs that this machine has, or null. Looks in sbin too: a user's PATH seldom does. */
export function findProgram(...names: readonly string[]): string | null {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  for (const name of names) {
    for (const directory of directories) {
      const path = join(directory, name)
      if (directory !== '' && isExecutable(path)) return path
    }
  }
  return null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function launch(program: Program, port: number): EngineProcess {
  const log = openSync(program.logFile, 'a')
  const child = spawnBound(program.command(port), program.whenOrphaned, {
    cwd: program.directory,
    stdio: ['ignore', log, log]
  })
  closeSync(log)
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const signal = (name: NodeJS.Signals) => {
    child.kill(name)
  }
  const kill = async () => {
    signal('SIGKILL')
    await gone
  }
  const stop = async () => {
    signal('SIGTERM')
    signal('SIGCONT') // a hung engine would never see the SIGTERM
    const limit = setTimeout(() => signal('SIGKILL'), STOP_MS)
    await gone
    clearTimeout(limit)
  }
  return { pid: child.pid ?? 0, port, gone, signal, stop, kill }
}

/**
 * A child whose life is bound to ours: the kernel signals it when we die, so that not even kill -9 leaves it
 * behind. In a session of its own, because Ctrl-C in a terminal goes to the whole process group and would end the
 * engines under the service that is still draining.
 */
export function spawnBound(
  command: readonly string[],
  whenOrphaned: NodeJS.Signals,
  options: Pick<SpawnOptions, 'cwd' | 'stdio' | 'env'>
): ChildProcess {
  const setpriv = findProgram('setpriv')
  const bound =
    setpriv === null ? command : [setpriv, '--pdeathsig', whenOrphaned.slice('SIG'.length), ...command]
  const [file = '', ...parameters] = bound
  return spawn(file, parameters, { ...options, detached: true })
}

async function answered(
  program: Program,
  engine: EngineProcess,
  abort: AbortSignal | undefined
): Promise<void> {
  let over: string | null = null
  void engine.gone.then(() => {
    over = 'it ended'
  })
  const deadline = Date.now() + START_MS
  for (;;) {
    try {
      await program.answers(engine.port, engine.pid)
      return
    } catch (error) {
      abort?.throwIfAborted()
      if (over !== null) throw new Error(over)
      if (Date.now() > deadline)
        throw new Error(`no answer in ${START_MS / 1000} s (${(error as Error).message})`)
      await Promise.race([pause(20), engine.gone])
    }
  }
}

/** A port of loopback that nobody has at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1')
  return address.port
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

function logSize(file: string): number {
  if (!existsSync(file)) return 0
  const descriptor = openSync(file, 'r')
  const { size } = fstatSync(descriptor)
  closeSync(descriptor)
  return size
}

function logTail(file: string, from: number): string {
  if (!existsSync(file)) return ''
  const lines = readFileSync(file).subarray(from).toString().trimEnd().split('\n')
  return lines.slice(-8).join('\n')
}
