// How much work may be under way at once: found out, not configured. A server that is given more than it can do at a
// time does not do more, it only answers later. So the limit rises while work takes as long as it does on a quiet server,
// and falls when it takes much longer: additive increase, multiplicative decrease (Chiu and Jain 1989), with the
// latency of each kind of work measured against its own best, as in Netflix's concurrency-limits. Pure but for the
// times that it is told.

/** Work under way that hurts no server; below it even a crippled one would idle. */
const floor = 16
const first = 32
const ceiling = 256
/** Latencies are judged together, this long and this many of them. */
const windowMs = 100
const leastSamples = 10
/** So much longer than at best is a queue somewhere behind us. */
const tolerance = 2
const decrease = 0.9
/**
 * A kind's best counts for one to two of these, ms: a server that has become slower for good is believed in the end. Who
 * has only seen it crowded would take that for its best: so a limit that is in use steps back to the floor for a moment
 * each time, and looks (as BBR does with its round trips). It costs less than a hundredth of the work.
 */
const memoryMs = 30_000
const lookWindows = 2

type Kind = {
  /** Of this window. */
  count: number
  totalMs: number
  /** Lowest means of a window: of this stretch of the memory, and of the one before. */
  best: number
  bestBefore: number
}

export class AdaptiveLimit {
  #limit = first
  #kinds = new Map<string, Kind>()
  #windowSince = 0
  #samples = 0
  #most = 0
  #memorySince = 0
  #inUse = false
  #looking = 0

  /** How many may be under way. */
  get value(): number {
    return this.#looking > 0 ? floor : this.#limit
  }

  /**
   * Some work has ended.
   * @param kind of work that takes about as long each time; a bounded set
   * @param ms from its admission to its end
   * @param underWay together with it, when it ended
   * @param now monotonic, ms
   */
  ended(kind: string, ms: number, underWay: number, now: number): void {
    const known = this.#kinds.get(kind)
    if (known) {
      known.count++
      known.totalMs += ms
    } else {
      this.#kinds.set(kind, { count: 1, totalMs: ms, best: Infinity, bestBefore: Infinity })
    }
    this.#samples++
    this.#most = Math.max(this.#most, underWay)
    if (now - this.#windowSince >= windowMs && this.#samples >= leastSamples) this.#judge(now)
  }

  #judge(now: number): void {
    const congestion = this.#congestion()
    if (this.#looking > 0) this.#looking--
    // What happened far below the limit says nothing about it.
    else if (this.#most * 2 >= this.#limit) {
      const full = this.#most >= this.#limit
      if (congestion > tolerance) this.#limit = Math.max(floor, Math.floor(this.#limit * decrease))
      else if (full) this.#limit = Math.min(ceiling, this.#limit + 1)
      this.#inUse ||= full
    }
    this.#windowSince = now
    this.#samples = 0
    this.#most = 0
    if (now - this.#memorySince >= memoryMs) this.#remember(now)
  }

  #remember(now: number): void {
    this.#memorySince = now
    for (const kind of this.#kinds.values()) {
      kind.bestBefore = kind.best
      kind.best = Infinity
    }
    if (this.#inUse) this.#looking = lookWindows
    this.#inUse = false
  }

  // How many times as long as at best the work of this window took, each kind by its own best.
  #congestion(): number {
    let took = 0
    let wouldTake = 0
    for (const kind of this.#kinds.values()) {
      if (kind.count === 0) continue
      const mean = kind.totalMs / kind.count
      kind.best = Math.min(kind.best, mean)
      took += kind.totalMs
      wouldTake += kind.count * Math.min(kind.best, kind.bestBefore)
      kind.count = 0
      kind.totalMs = 0
    }
    return wouldTake > 0 ? took / wouldTake : 1
  }
}
