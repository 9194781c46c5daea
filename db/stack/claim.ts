// Who runs the stack of a directory. The claim is an abstract Unix socket: the kernel gives it to one process and
// takes it back the moment that process dies, kill -9 included, so there is no stale lock to reason about. Whoever
// connects to it hears when the stack is ready, and when its owner has gone.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** How long engines left behind by a killed owner may take to shut down cleanly before they are killed. */
const LEFTOVER_MS = 15_000

export type Claim = {
  /** Tells everybody who waits, now and later, that the stack serves. */
  ready(): void
  release(): void
}

/** Claims a directory (its real path) for this process, or returns null while another process has it. */
export async function claim(directory: string): Promise<Claim | null> {
  const listeners = new Set<Socket>()
  let isReady = false
  const server = createServer((socket) => {
    listeners.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => listeners.delete(socket))
    if (isReady) socket.write(READY)
  })
  server.listen(claimName(directory))
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null
    throw error
  }
  server.unref()
  return {
    ready() {
      isReady = true
      for (const socket of listeners) socket.write(READY)
    },
    release() {
      server.close()
      for (const socket of listeners) socket.destroy()
    }
  }
}
const READY = 'ready\n'

/**
 * Waits until the owner of a directory says that its stack is ready. `gone` settles when the owner leaves.
 * Returns null if the owner left before it was ready, or there is none (any more).
 */
export async function awaitOwner(
  directory: string,
  abort?: AbortSignal
): Promise<{ gone: Promise<void> } | null> {
  const socket = connect(claimName(directory))
  const drop = () => socket.destroy()
  abort?.addEventListener('abort', drop)
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const told = new Promise<true>((resolve) => socket.on('data', () => resolve(true)))
  socket.on('error', () => {}) // 'close' follows
  const heard = await Promise.race([told, gone.then(() => false)])
  abort?.removeEventListener('abort', drop)
  abort?.throwIfAborted()
  socket.unref()
  return heard ? { gone } : null
}

/**
 * Ends engines that serve data in one of these directories though their owner is gone, so that nobody else writes
 * there. Only for the holder of the claim. They are told by what the kernel knows of them, program and working
 * directory, never by a recorded number that another process may have inherited.
 */
export async function endLeftovers(directories: readonly string[]): Promise<number> {
  const leftovers = await findEngines(directories)
  for (const pid of leftovers) {
    signal(pid, 'SIGTERM')
    signal(pid, 'SIGCONT')
  }
  const deadline = Date.now() + LEFTOVER_MS
  for (let alive = leftovers; alive.length > 0; alive = await findEngines(directories)) {
    if (Date.now() > deadline) for (const pid of alive) signal(pid, 'SIGKILL')
    await pause(50)
  }
  return leftovers.length
}

const ENGINES: ReadonlySet<string> = new Set(['mariadbd', 'redis-server', 'valkey-server'])

async function findEngines(directories: readonly string[]): Promise<number[]> {
  const wanted = new Set(directories)
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const program = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim()
        return ENGINES.has(program) && wanted.has(await readlink(`/proc/${pid}/cwd`))
      } catch {
        return false // ended meanwhile, or another user's
      }
    })
  )
  return pids.filter((_, index) => found[index]).map(Number)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // ended meanwhile
  }
}

function claimName(directory: string): string {
  return `\0turno-stack-${createHash('sha256').update(directory).digest('hex').slice(0, 32)}`
}
