// Circuit breakers of one process, for calls to others: a target that keeps failing is left alone for a while, and then
// tried by one call before it is called again. What one instance finds out, all of the fleet know: states are kept in
// Redis and told by its bus. Without Redis each instance finds out for itself.
import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { Findings } from './findings.ts'

const now = () => performance.now()

const channel = 'turno:breakers'
/** How long a target is left alone at first, and at most; twice as long each time in a row, ms. */
const firstOpenMs = 1_000
const mostOpenMs = 60_000
/** Beyond a trial's own limit nobody else tries for so long: then its instance has died, ms. */
const trialGraceMs = 1_000
/** What nobody has called for so long is forgotten, ms. */
const keptMs = 600_000
/** Targets known at a time; the longest not called is forgotten beyond it. */
const mostTargets = 10_000

/** The target is being left alone. Nothing was sent. */
export class BreakerOpen extends Error {
  override name = 'BreakerOpen'
  /** When it is worth coming back, ms from now. */
  readonly retryInMs: number
  constructor(retryInMs: number) {
    super('the target is being left alone for a while')
    this.retryInMs = retryInMs
  }
}

/**
 * `closed`: calls go through. `open`: none does. `half-open`: the time is over, and the next call is the trial, if no
 * other instance has begun one.
 */
export type BreakerState = 'closed' | 'open' | 'half-open'

type Breaker = {
  findings: Findings
  /** Of the newest change that this process knows. */
  number: number
  /** Local monotonic ms; 0: closed. */
  openUntil: number
  /** How often in a row it has been opened. */
  times: number
  /** A call of this process is the trial. */
  trying: boolean
  /** It was opened here, and Redis could not be told. */
  untold: boolean
}

export class Breakers {
  readonly instance = randomBytes(6).toString('base64url')
  /** Calls refused since the start. */
  refused = 0
  #redis: Redis | null
  #breakers = new LRUCache<string, Breaker>({ max: mostTargets })

  /** @param redis connects lazily, RESP3, without offline queue or retries, each command with a limit; null: alone */
  constructor(redis: Redis | null) {
    this.#redis = redis
  }

  start(): void {
    const redis = this.#redis
    if (!redis) return
    redis.on('message', (_channel: string, message: string) => this.#hear(message))
    redis.on('ready', () => void this.#join(redis))
    redis.connect().catch(() => {})
  }

  close(): void {
    this.#redis?.disconnect()
  }

  /** What this process knows of a target. */
  state(target: string): BreakerState {
    const breaker = this.#breakers.get(target)
    if (!breaker || breaker.openUntil === 0) return 'closed'
    return now() < breaker.openUntil ? 'open' : 'half-open'
  }

  /** How many targets are left alone, or wait for a trial. */
  get open(): number {
    let count = 0
    for (const { openUntil } of this.#breakers.values()) if (openUntil > 0) count++
    return count
  }

  /**
   * Calls a target, unless it is being left alone.
   * @param target names it across the fleet: `webhooks api.example.com`; no personal datum, and no secret
   * @param limitMs the call has failed when it takes longer
   * @param call gets a signal that is aborted at the limit; what it throws counts as a failure of the target
   * @throws BreakerOpen without calling; and whatever `call` throws
   */
  async run<T>(target: string, limitMs: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const breaker = this.#breakers.get(target) ?? (await this.#meet(target))
    const trial = breaker.openUntil > 0
    if (trial) await this.#begin(target, breaker, limitMs)
    try {
      const result = await within(limitMs, call)
      if (trial) await this.#shut(target, breaker)
      else breaker.findings.note(false, now())
      return result
    } catch (error) {
      const failing = breaker.findings.note(true, now())
      // One that ended after others had found out says nothing new.
      if (trial || (failing && breaker.openUntil === 0)) await this.#open(target, breaker)
      throw error
    } finally {
      if (trial) breaker.trying = false
    }
  }

  async #meet(target: string): Promise<Breaker> {
    const breaker = {
      findings: new Findings(),
      number: 0,
      openUntil: 0,
      times: 0,
      trying: false,
      untold: false
    }
    this.#breakers.set(target, breaker)
    await this.#look(target, breaker)
    return breaker
  }

  // Returns with this call being the trial, of this process and of the fleet.
  async #begin(target: string, breaker: Breaker, limitMs: number): Promise<void> {
    const waitMs = breaker.openUntil - now()
    if (waitMs > 0) throw this.#refusal(waitMs)
    if (breaker.trying) throw this.#refusal(firstOpenMs)
    breaker.trying = true
    const answer = await this.#ask((redis) =>
      redis.breakerTry(...keys(target), this.instance, limitMs + trialGraceMs)
    )
    // Without Redis there is nobody to ask: each instance tries for itself.
    if (answer === null || answer[0] === 1) return
    breaker.trying = false
    const [, number, ms, times] = answer
    if (number > breaker.number && ms > 0) this.#learn(breaker, number, ms, times)
    throw this.#refusal(ms)
  }

  async #open(target: string, breaker: Breaker): Promise<void> {
    // Locally at once: those who come meanwhile are refused already.
    const times = breaker.times + 1
    this.#learn(breaker, breaker.number, Math.min(firstOpenMs * 2 ** (times - 1), mostOpenMs), times)
    await this.#tell(target, breaker)
  }

  async #tell(target: string, breaker: Breaker): Promise<void> {
    const known = await this.#ask((redis) =>
      redis.breakerOpen(...keys(target), channel, target, firstOpenMs, mostOpenMs, keptMs)
    )
    breaker.untold = known === null
    if (known) this.#learn(breaker, ...known)
  }

  async #shut(target: string, breaker: Breaker): Promise<void> {
    this.#learn(breaker, breaker.number, 0, 0)
    const number = await this.#ask((redis) => redis.breakerClose(...keys(target), channel, target, keptMs))
    if (number !== null) breaker.number = Math.max(breaker.number, number)
  }

  #learn(breaker: Breaker, number: number, ms: number, times: number): void {
    breaker.number = number
    breaker.openUntil = ms > 0 ? now() + ms : 0
    breaker.times = times
    breaker.untold = false
    breaker.findings.forget()
  }

  #refusal(retryInMs: number): BreakerOpen {
    this.refused++
    return new BreakerOpen(Math.ceil(retryInMs))
  }

  // Messages of our own come back too, and say what is known by then.
  #hear(message: string): void {
    const [target, number, ms, times]: [string, string, number, number] = JSON.parse(message)
    const breaker = this.#breakers.peek(target)
    if (breaker && Number(number) > breaker.number) this.#learn(breaker, Number(number), ms, times)
  }

  // After a connection was lost: what was told meanwhile was not heard, and what was found out here not told.
  async #join(redis: Redis): Promise<void> {
    try {
      await redis.subscribe(channel)
      for (const [target, breaker] of [...this.#breakers.entries()]) {
        await this.#look(target, breaker)
        if (breaker.untold && this.state(target) === 'open') await this.#tell(target, breaker)
      }
    } catch {
      // It is lost again: the next one begins anew.
    }
  }

  async #look(target: string, breaker: Breaker): Promise<void> {
    const known = await this.#ask((redis) => redis.breakerLook(keys(target)[0]))
    if (known && known[0] > breaker.number) this.#learn(breaker, ...known)
  }

  async #ask<T>(command: (redis: Redis) => Promise<T>): Promise<T | null> {
    if (this.#redis?.status !== 'ready') return null
    try {
      return await command(this.#redis)
    } catch {
      return null
    }
  }
}

function keys(target: string): [breaker: string, trial: string] {
  return [`turno:breaker:${target}`, `turno:breaker:${target}:trial`]
}

async function within<T>(limitMs: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(limitMs)
  const late = Promise.withResolvers<never>()
  const give = () => late.reject(signal.reason)
  signal.addEventListener('abort', give, { once: true })
  try {
    return await Promise.race([call(signal), late.promise])
  } finally {
    signal.removeEventListener('abort', give)
  }
}
