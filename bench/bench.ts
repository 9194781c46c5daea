// What a run has in its hands: engines, people, subjects that run, processors. Made once, given to whoever measures.
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findProgram } from '../db/stack/process.ts'
import { type Stack, urlsOf } from '../db/stack/stack.ts'
import { between, perSecond, type ServerCounts, Servers } from './counts/servers.ts'
import { type DataSize, startData } from './data.ts'
import type { RunningSubject, Subject } from './subjects/subject.ts'
import { type Ground, groundOf, type Signing, signing } from './world.ts'

const idleSeconds = 3

export type Processors = { subject: number; rest: number } | null

export class Bench {
  readonly stack: Stack
  readonly servers: Servers
  readonly ground: Ground
  readonly signing: Signing
  readonly processors: Processors
  readonly abort: AbortSignal
  readonly #directory: string
  readonly #running = new Map<string, RunningSubject>()
  /** The first number that no write of this run has used. */
  serial = 0
  /** What the servers are asked in a second while nobody comes. */
  idle: ServerCounts | null = null

  private constructor(
    parts: Pick<Bench, 'stack' | 'servers' | 'ground' | 'signing' | 'processors' | 'abort'>,
    directory: string
  ) {
    this.stack = parts.stack
    this.servers = parts.servers
    this.ground = parts.ground
    this.signing = parts.signing
    this.processors = parts.processors
    this.abort = parts.abort
    this.#directory = directory
  }

  /** @param directory the run's own, gone after it */
  static async start(
    directory: string,
    size: DataSize,
    report: (line: string) => void,
    abort: AbortSignal
  ): Promise<Bench> {
    const stack = await startData(directory, size, report, abort)
    let servers: Servers | undefined
    try {
      const processors = await apart(stack)
      const { primaryUrl, replicaUrls, redisUrl } = urlsOf(stack)
      servers = await Servers.connect([primaryUrl, ...replicaUrls], redisUrl)
      const ground = await groundOf(primaryUrl)
      return new Bench({ stack, servers, ground, signing: await signing(), processors, abort }, directory)
    } catch (error) {
      await servers?.close()
      await stack.stop()
      throw error
    }
  }

  /** The subject, started if it was not. */
  async running(subject: Subject): Promise<RunningSubject> {
    const known = this.#running.get(subject.name)
    if (known) return known
    const directory = join(this.#directory, subject.name)
    await mkdir(directory, { recursive: true })
    const { primaryUrl, replicaUrls, redisUrl } = urlsOf(this.stack)
    const running = await subject.start({
      mysql: { primaryUrl, replicaUrls },
      redisUrl,
      jwt: this.signing.jwt,
      directory,
      processor: this.processors?.subject ?? null,
      abort: this.abort
    })
    this.#running.set(subject.name, running)
    return running
  }

  /** A new process that knows nothing, and a Redis that holds nothing. */
  async anew(subject: Subject): Promise<RunningSubject> {
    await this.#running.get(subject.name)?.stop()
    this.#running.delete(subject.name)
    await this.servers.emptyRedis()
    return this.running(subject)
  }

  /** Looks at what goes on while nobody comes: with all subjects that run. */
  async measureIdle(): Promise<ServerCounts> {
    await pause(1_000, undefined, { signal: this.abort })
    const before = await this.servers.counts()
    await pause(idleSeconds * 1000, undefined, { signal: this.abort })
    this.idle = perSecond(between(before, await this.servers.counts()), idleSeconds)
    return this.idle
  }

  /** Engines by name. */
  enginePids(): Record<string, number> {
    const { primary, replicas } = this.stack.mysql
    return Object.fromEntries([primary, ...replicas, this.stack.redis].map(({ name, pid }) => [name, pid]))
  }

  /** All subjects' processes, of those that wait too. */
  subjectPids(): number[] {
    return [...this.#running.values()].flatMap(({ pids }) => Object.values(pids))
  }

  async stop(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map((running) => running.stop()))
    await this.servers.close()
    await this.stack.stop()
  }
}

/** The first processor is the subject's; engines, drivers and this process are kept off it. Null: there is only one. */
async function apart({ mysql, redis }: Stack): Promise<Processors> {
  const taskset = findProgram('taskset')
  if (taskset === null || availableParallelism() < 2) return null
  const rest = 1
  const pids = [process.pid, redis.pid, mysql.primary.pid, ...mysql.replicas.map(({ pid }) => pid)]
  const bind = promisify(execFile)
  await Promise.all(pids.map((pid) => bind(taskset, ['-a', '-p', '--cpu-list', String(rest), String(pid)])))
  return { subject: 0, rest }
}
