// One rough limit: counted in the process, told to Redis in the background, so that no request ever waits for it.
// The bound on what passes beyond the quota, and where it comes from, is in docs/limits.md.
import { LRUCache } from 'lru-cache'
import { policyField, secondsOf, standingBegins, standingEnds } from './fields.ts'
import type { Fleet } from './fleet.ts'
import type { RoughLimit } from './limit.ts'
import { countedIn, waitFor } from './window.ts'

/**
 * Addresses counted at a time, some 200 bytes each. Beyond it the longest unseen is forgotten, and begins anew: an
 * attacker with this many addresses is not stopped by counting addresses.
 */
const mostTallies = 20_000
/** What all instances together may keep to themselves is this share of the quota. */
const untoldShare = 0.1
/** Addresses in one command: Redis serves nobody else meanwhile. */
const mostTold = 100
/** For each look-up the same: lru-cache makes an options object for every one that brings none. */
const lookUp: LRUCache.GetOptions<string, Tally, unknown> = {}

export type Tally = {
  /** Whose it is, in Redis; made when it is told first. */
  name: string
  /** Which fixed window `current` counts. */
  window: number
  /** Admitted here. */
  current: number
  previous: number
  /** Admitted elsewhere, as of the last report. */
  elsewhere: number
  elsewherePrevious: number
  /** Admitted here since the last report. */
  untold: number
  /** It waits to be reported. */
  due: boolean
}

export class RoughCounts {
  readonly limit: RoughLimit
  readonly policy: string
  /** Requests refused since the start. */
  refused = 0
  #fleet: Fleet
  #nameOf: (key: string) => string
  #tallies = new LRUCache<string, Tally>({ max: mostTallies })
  #due: [key: string, tally: Tally][] = []
  #reporting: Promise<void> | null = null
  #epoch: string | null = null
  // What the clock decides, worked out once a tick and not once a request.
  #window = 0
  #elapsed = 0
  #quota: number
  #untoldAllowed = 1
  #standingBegins: string
  #standingEnds = ''

  /** @param nameOf the name of an address in Redis: a keyed hash, for an address is a personal datum */
  constructor(limit: RoughLimit, fleet: Fleet, nameOf: (key: string) => string) {
    this.limit = limit
    this.policy = policyField(limit)
    this.#standingBegins = standingBegins(limit)
    this.#quota = limit.quota
    this.#fleet = fleet
    this.#nameOf = nameOf
    this.#tick()
    fleet.onTick(() => {
      this.#tick()
      if (this.#due.length > 0) void this.report()
    })
  }

  /** How many addresses are held. */
  get size(): number {
    return this.#tallies.size
  }

  /** What is counted for `key`, to ask and to count more than once without looking for it. */
  tallyOf(key: string): Tally {
    this.#fleet.moveOn()
    const tally = this.#tallies.get(key, lookUp) ?? this.#begin(key)
    if (tally.window < this.#window) this.#roll(tally)
    return tally
  }

  /** Whether one more request would pass at this moment. Counts nothing. */
  hasRoom(tally: Tally): boolean {
    return this.#quota - this.#counted(tally) >= 1
  }

  /** Counts a request. How many more would pass; -1: refused, and not counted. */
  take(key: string, tally = this.tallyOf(key)): number {
    const room = this.#quota - this.#counted(tally)
    if (room < 1) {
      this.refused++
      return -1
    }
    tally.current++
    if (++tally.untold >= this.#untoldAllowed) this.#owe(key, tally)
    return Math.floor(room - 1)
  }

  /** How long until one more request of `key` would pass, whole seconds. */
  waitSeconds(key: string): number {
    const tally = this.#tallies.get(key, lookUp)
    if (!tally) return 1
    const counts = this.#together(tally)
    return secondsOf(waitFor(this.#quota, this.limit.windowMs, counts, this.#elapsed))
  }

  /** The `RateLimit` field of an admitted request. */
  standing(remaining: number): string {
    // No table of whole ones: where the quota is large none is ever found again.
    return this.#standingBegins + remaining + this.#standingEnds
  }

  /** Tells Redis what is due, and learns what the others have admitted. Resolves either way, within a command's limit. */
  report(): Promise<void> {
    this.#reporting ??= this.#report().finally(() => {
      this.#reporting = null
    })
    return this.#reporting
  }

  async #report(): Promise<void> {
    if (this.#epoch === null) return
    const due = this.#due.splice(0)
    const batches = Array.from({ length: Math.ceil(due.length / mostTold) }, (_, i) =>
      due.slice(i * mostTold, (i + 1) * mostTold)
    )
    await Promise.all(batches.map((batch) => this.#tell(batch)))
  }

  async #tell(batch: readonly [string, Tally][]): Promise<void> {
    const { fleet, windowMs, window } = { fleet: this.#fleet, ...this.limit, window: this.#window }
    const keys: string[] = []
    const own: number[] = []
    for (const [key, tally] of batch) {
      if (tally.window < window) this.#roll(tally)
      tally.name ||= `turno:limits:${this.limit.name}:${this.#nameOf(key)}`
      keys.push(`${tally.name}:${window}`, `${tally.name}:${window - 1}`)
      own.push(tally.current, tally.previous)
      tally.untold = 0
      tally.due = false
    }
    try {
      const [, ...sums] = await fleet.run((redis, epochKey) =>
        redis.limitReport(keys.length + 1, epochKey, ...keys, fleet.instance, windowMs, ...own)
      )
      batch.forEach(([, tally], i) => {
        // The window may have ended meanwhile: what was asked about it is not about the one that counts now.
        if (tally.window !== window) return
        tally.elsewhere = (sums[2 * i] ?? 0) - (own[2 * i] ?? 0)
        tally.elsewherePrevious = (sums[2 * i + 1] ?? 0) - (own[2 * i + 1] ?? 0)
      })
    } catch {
      // Whole counts are told, never differences: the next report makes up for this one.
      for (const [key, tally] of batch) this.#owe(key, tally)
    }
  }

  #owe(key: string, tally: Tally): void {
    // Apart nobody listens; once together again everything is told.
    if (tally.due || this.#epoch === null) return
    tally.due = true
    this.#due.push([key, tally])
    this.#fleet.soon()
  }

  #tick(): void {
    const { time, epoch, size } = this.#fleet
    const { quota, windowMs } = this.limit
    this.#window = Math.floor(time / windowMs)
    this.#elapsed = time / windowMs - this.#window
    // Apart, each instance admits its share: together they admit about the quota.
    this.#quota = epoch === null ? Math.ceil(quota / size) : quota
    this.#untoldAllowed = Math.max(1, Math.floor((quota * untoldShare) / size))
    this.#standingEnds = standingEnds(secondsOf((1 - this.#elapsed) * windowMs))
    if (epoch === this.#epoch) return
    this.#epoch = epoch
    // A Redis that is back, or has forgotten: everything is told again.
    if (epoch !== null) for (const [key, tally] of this.#tallies.entries()) this.#owe(key, tally)
  }

  #counted(tally: Tally): number {
    return countedIn(this.#together(tally), this.#elapsed)
  }

  #together(tally: Tally): { current: number; previous: number } {
    if (this.#epoch === null) return tally
    return { current: tally.current + tally.elsewhere, previous: tally.previous + tally.elsewherePrevious }
  }

  #begin(key: string): Tally {
    const tally: Tally = {
      name: '',
      window: this.#window,
      current: 0,
      previous: 0,
      elsewhere: 0,
      elsewherePrevious: 0,
      untold: 0,
      due: false
    }
    this.#tallies.set(key, tally)
    return tally
  }

  #roll(tally: Tally): void {
    const isNext = tally.window === this.#window - 1
    tally.previous = isNext ? tally.current : 0
    tally.elsewherePrevious = isNext ? tally.elsewhere : 0
    tally.current = 0
    tally.elsewhere = 0
    tally.window = this.#window
  }
}
