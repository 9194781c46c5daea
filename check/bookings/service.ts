// The instances under check: the service itself, each a process of its own, killed and started again.
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import { spawnBound } from '../../db/stack/process.ts'
import type { StackUrls } from '../../db/stack/stack.ts'
import auth, { type Caller } from '../../plugins/auth.ts'
import { readSettings } from '../../src/config.ts'

const server = fileURLToPath(new URL('../../src/server.ts', import.meta.url))
const readyWithinMs = 60_000
const tokenSeconds = 3_600
const shownOfError = 2_000
const starts = 5

type Instance = { url: string; child: ChildProcess }

/** So many instances on one stack. */
export class Service {
  #environment: NodeJS.ProcessEnv
  #instances: Instance[] = []
  #next = 0
  killed = 0

  private constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment
  }

  /** Resolves when all of them serve. */
  static async start(stack: StackUrls, secret: string, spool: string, instances: number): Promise<Service> {
    const service = new Service({
      PATH: process.env.PATH,
      NODE_ENV: 'test',
      PORT: '0',
      MYSQL_PRIMARY_URL: stack.primaryUrl,
      MYSQL_REPLICA_URLS: stack.replicaUrls.join(','),
      REDIS_URL: stack.redisUrl,
      JWT_SECRET: secret,
      AUDIT_SPOOL_DIR: spool,
      DRAIN_MS: '0',
      LOG_LEVEL: 'info',
      RATE_LIMIT_READS_PER_MINUTE: '0'
    })
    try {
      await Promise.all(Array.from({ length: instances }, () => service.add()))
      return service
    } catch (error) {
      service.stop()
      throw error
    }
  }

  /** One that serves, in turn; null while there is none. */
  get url(): string | null {
    return this.#instances[this.#next++ % this.#instances.length]?.url ?? null
  }

  get serving(): number {
    return this.#instances.length
  }

  /** On a machine that is busy enough the database may not answer a start in time: then once more, as any supervisor would. */
  async add(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const child = spawnBound([process.execPath, server], 'SIGKILL', {
        env: this.#environment,
        stdio: ['ignore', 'pipe', 'pipe']
      })
      try {
        this.#instances.push({ url: await servingAt(child), child })
        return
      } catch (error) {
        if (attempt === starts) throw error
      }
    }
  }

  /** SIGKILL, at whatever it is. @param choice from 0 up to, not including, 1 */
  kill(choice: number): void {
    const [victim] = this.#instances.splice(Math.floor(choice * this.#instances.length), 1)
    if (!victim) return
    victim.child.kill('SIGKILL')
    this.killed++
  }

  stop(): void {
    for (const { child } of this.#instances.splice(0)) child.kill('SIGKILL')
  }
}

async function servingAt(child: ChildProcess): Promise<string> {
  let said = ''
  const url = Promise.withResolvers<string>()
  const hear = (chunk: Buffer) => {
    said = (said + chunk).slice(-shownOfError)
    const match = /serving on (http:[^"]+)/.exec(said)?.[1]
    if (match !== undefined) url.resolve(match)
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  child.once('exit', (code) => url.reject(new Error(`an instance ended with ${code}: ${said}`)))
  const limit = setTimeout(() => {
    child.kill('SIGKILL')
    url.reject(new Error(`an instance does not serve after ${readyWithinMs / 1_000} s: ${said}`))
  }, readyWithinMs)
  try {
    return await url.promise
  } finally {
    clearTimeout(limit)
    // What is not read fills the pipe, and the instance waits.
    child.stdout?.removeListener('data', hear).resume()
    child.stderr?.removeListener('data', hear).resume()
  }
}

/** Makes access tokens that instances with this secret accept. */
export async function tokens(secret: string): Promise<(caller: Caller) => string> {
  const app = Fastify()
  app.decorate(
    'settings',
    readSettings({ NODE_ENV: 'test', MYSQL_PRIMARY_URL: 'mysql://nobody@127.0.0.1/none', JWT_SECRET: secret })
  )
  await app.register(auth)
  await app.ready()
  return (caller) => app.signToken(caller, tokenSeconds)
}
