// What the limits of all instances share: a connection to Redis of their own, how many instances there are, and one
// clock. It knows no limit.
// A connection of its own, because the cache's proves freshness by the order of its replies: whatever else were sent on
// it would stand in that queue too.
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Redis } from 'ioredis'

const now = () => performance.now()

const epochKey = 'turno:limits:epoch'
const fleetKey = 'turno:limits:fleet'

/** How often an instance says that it lives. */
const meetEveryMs = 500
/** Who has not said so for this long is not counted, ms. */
const aliveMs = 5 * meetEveryMs
/** No reply at all for this long: the connection is thrown away for a new one, ms. */
const silenceMs = 2_000
/** The clock moves in steps: reading it costs nothing then, and no window is shorter than many of them. */
const tickMs = 50

/** Redis is not to be asked now: each instance judges by what it knows. */
export class FleetApart extends Error {
  override name = 'FleetApart'
}

export class Fleet {
  /** This process, in Redis and for as long as it runs. */
  readonly instance = randomBytes(6).toString('base64url')
  #redis: Redis | null
  #epoch: string | null = null
  #size = 1
  #offsetMs = performance.timeOrigin
  #time = performance.timeOrigin + now()
  #heardAt = now()
  #meeting: Promise<void> | null = null
  #timers: NodeJS.Timeout[] = []
  #ticked = new Set<() => void>()
  #tickedAt = Number.NEGATIVE_INFINITY
  #soon: NodeJS.Timeout | undefined

  /** @param redis connects lazily, without offline queue or retries, each command with a limit; null: always apart */
  constructor(redis: Redis | null) {
    this.#redis = redis
  }

  /** Redis's memory: another one than before has forgotten everything. Null: Redis is not to be asked now. */
  get epoch(): string | null {
    return this.#epoch
  }

  /** Instances seen lately; without Redis, as many as there were last. */
  get size(): number {
    return this.#size
  }

  /** The same on all instances within milliseconds: Redis's clock, ms since 1970. Up to 50 ms old where requests move it on. */
  get time(): number {
    return this.#time
  }

  /** Runs `work` whenever the clock has moved. */
  onTick(work: () => void): void {
    this.#ticked.add(work)
  }

  /** Begins to connect; resolves once Redis is met, or when `patienceMs` is over. */
  async start(patienceMs: number): Promise<void> {
    this.#tick()
    const redis = this.#redis
    if (!redis) return
    const met = new Promise<void>((resolve) => {
      redis.on('ready', () => void this.meet().then(resolve))
    })
    redis.on('close', () => {
      this.#epoch = null
    })
    redis.connect().catch(() => {})
    this.#every(meetEveryMs, () => {
      if (redis.status !== 'ready') return
      // Not disconnect(): a half-open socket would be waited for.
      if (now() - this.#heardAt > silenceMs) redis.stream?.destroy()
      else void this.meet()
    })
    let patience: NodeJS.Timeout | undefined
    const impatient = new Promise<void>((resolve) => {
      patience = setTimeout(resolve, patienceMs)
    })
    await Promise.race([met, impatient])
    clearTimeout(patience)
  }

  /** For whoever counts a request: the clock moves on if it has stood for a tick. A timer would wake an idle process. */
  moveOn(): void {
    if (now() - this.#tickedAt >= tickMs) this.#tick()
  }

  /** For whoever has something to tell: the clock moves on within a tick, whether or not there are requests. */
  soon(): void {
    this.#soon ??= setTimeout(() => this.#tick(), tickMs).unref()
  }

  #tick(): void {
    clearTimeout(this.#soon)
    this.#soon = undefined
    this.#tickedAt = now()
    this.#time = this.#tickedAt + this.#offsetMs
    for (const work of this.#ticked) work()
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#soon)
    this.#epoch = null
    this.#redis?.disconnect()
  }

  /**
   * Runs one command. After one that failed, nobody else waits for Redis until it answers again.
   * @throws FleetApart when there is no Redis to ask, or it did not answer
   */
  async run<T>(command: (redis: Redis, epochKey: string) => Promise<T>): Promise<T> {
    if (!this.#redis || this.#epoch === null) throw new FleetApart('Redis is not to be asked now')
    try {
      const reply = await command(this.#redis, epochKey)
      this.#heardAt = now()
      return reply
    } catch (error) {
      this.#epoch = null
      throw new FleetApart('Redis did not answer', { cause: error })
    }
  }

  /** Learns the epoch, the size and the time. Resolves either way. */
  meet(): Promise<void> {
    this.#meeting ??= this.#meet().finally(() => {
      this.#meeting = null
    })
    return this.#meeting
  }

  async #meet(): Promise<void> {
    const redis = this.#redis
    if (redis?.status !== 'ready') return
    const sentAt = now()
    try {
      const candidate = randomBytes(6).toString('base64url')
      const reply = await redis.limitMeet(epochKey, fleetKey, this.instance, aliveMs, candidate)
      const [epoch, size, timeMs] = reply
      const heardAt = now()
      this.#heardAt = heardAt
      this.#offsetMs = timeMs - (sentAt + heardAt) / 2
      this.#size = Math.max(1, size)
      this.#epoch = epoch
    } catch {
      this.#epoch = null
    }
    this.#tick()
  }

  #every(ms: number, work: () => void): void {
    const timer = setInterval(work, ms)
    timer.unref()
    this.#timers.push(timer)
  }
}
