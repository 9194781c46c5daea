// Exact limits: each request asks Redis, in one atomic step. What this process has admitted it also remembers itself:
// without Redis it judges by that, and to a Redis that forgot it is told again.
import { LRUCache } from 'lru-cache'
import { type Fleet, FleetApart } from './fleet.ts'

const now = () => performance.now()

/** Whoever is counted, in this process alone; the longest unseen is forgotten beyond it. */
const mostLogs = 10_000
/** Logs told again in one go. */
const restoredTogether = 100
/** Redis may forget again while it is being told; then the process judges by itself. */
const attempts = 5

/** One admission. The same in Redis and here, so that it can be told twice. */
type Admission = { member: string; at: number }
type Log = { windowMs: number; admissions: Admission[] }

export type Verdict = {
  /** This request and those before it in the window; beyond the quota it is refused, and was not counted. */
  counted: number
  /** Until one more fits, ms. */
  waitMs: number
}

export class ExactCounts {
  #fleet: Fleet
  #logs = new LRUCache<string, Log>({ max: mostLogs })
  #restored: string | null = null
  #restoring: Promise<void> | null = null
  #sequence = 0

  constructor(fleet: Fleet) {
    this.#fleet = fleet
    // Not only when somebody asks here: others ask, and what this one has admitted counts for them too.
    fleet.onTick(() => {
      const { epoch } = fleet
      if (epoch !== null && epoch !== this.#restored) this.#restore(epoch).catch(() => {})
    })
  }

  /** How many logs are held. */
  get size(): number {
    return this.#logs.size
  }

  /**
   * Counts a request of `key`. Never fails: without Redis the process admits its share of the quota by what it
   * remembers.
   * @param key goes to Redis as it is: no personal datum in it
   */
  async take(key: string, quota: number, windowMs: number): Promise<Verdict> {
    const member = `${this.#fleet.instance}.${++this.#sequence}`
    try {
      const verdict = await this.#ask(key, quota, windowMs, member)
      if (verdict.counted <= quota) this.#note(key, windowMs, member)
      return verdict
    } catch (error) {
      if (!(error instanceof FleetApart)) throw error
      return this.#judge(key, quota, windowMs, member)
    }
  }

  async #ask(key: string, quota: number, windowMs: number, member: string): Promise<Verdict> {
    for (let left = attempts; left > 0; left--) {
      const { epoch } = this.#fleet
      if (epoch === null) break
      if (epoch !== this.#restored) {
        await this.#restore(epoch)
        continue
      }
      const [counted, waitMs] = await this.#fleet.run((redis, epochKey) =>
        redis.limitTake(epochKey, key, epoch, quota, windowMs, member)
      )
      if (counted !== -1) return { counted, waitMs }
      await this.#fleet.meet()
    }
    throw new FleetApart('Redis keeps forgetting')
  }

  #judge(key: string, quota: number, windowMs: number, member: string): Verdict {
    const share = Math.ceil(quota / this.#fleet.size)
    const admissions = this.#recent(key)
    const oldest = admissions[0]
    const waitMs = oldest ? oldest.at + windowMs - now() : windowMs
    // Said in the quota's own measure: of the share, what is left is left.
    if (admissions.length >= share) return { counted: quota + 1, waitMs }
    this.#note(key, windowMs, member)
    // Redis does not know of this one, and has to be told before it is asked again.
    this.#restored = null
    return { counted: quota - (share - admissions.length - 1), waitMs }
  }

  #note(key: string, windowMs: number, member: string): void {
    const admissions = this.#recent(key)
    admissions.push({ member, at: now() })
    this.#logs.set(key, { windowMs, admissions })
  }

  #recent(key: string): Admission[] {
    const log = this.#logs.get(key)
    return log ? withinWindow(log) : []
  }

  // Before this process asks a Redis that forgot anything, it has told it all that it admitted itself.
  #restore(epoch: string): Promise<void> {
    this.#restoring ??= this.#tellAll()
      .then(() => {
        this.#restored = epoch
      })
      .finally(() => {
        this.#restoring = null
      })
    return this.#restoring
  }

  async #tellAll(): Promise<void> {
    const logs = [...this.#logs.entries()]
    for (let from = 0; from < logs.length; from += restoredTogether) {
      const told = logs.slice(from, from + restoredTogether).map(async ([key, log]) => {
        const known = withinWindow(log).flatMap(({ at, member }) => [Math.round(now() - at), member])
        if (known.length > 0) {
          await this.#fleet.run((redis) => redis.limitRestore(key, log.windowMs, ...known))
        }
      })
      await Promise.all(told)
    }
  }
}

function withinWindow({ windowMs, admissions }: Log): Admission[] {
  const since = now() - windowMs
  return admissions.filter(({ at }) => at > since)
}
