// Who may begin work now, who waits a moment, and who is refused at once. What this process answers by itself never
// comes here: only work for which Redis or a database is asked, once for all who wait for the same (src/cache/cache.ts).
// A burst may wait; a queue that stands is only delay, and is cut down to what makes no gap between two works.
import { AdaptiveLimit } from './limit.ts'

/** What is given up first stands last. */
export const urgencies = ['write', 'item', 'list'] as const
export type Urgency = (typeof urgencies)[number]

/** More is asked for than can be done. Made once: where there is too much to do, no stack is to be captured for each. */
export class Overloaded extends Error {
  override name = 'Overloaded'
}
const overloaded = new Overloaded('too much to do')

/** Nobody waits longer, ms. A write is somebody's booking: it may take its time before it is refused. */
const patienceMs: Record<Urgency, number> = { write: 1_000, item: 300, list: 300 }
/** A queue that has not been empty for this long stands, ms. */
const standingMs = 300
/** Both of reads, as long as the process is cold: what it has not at hand yet is no overload. */
const coldMs = 1_000
const sweepEveryMs = 10
/** How many may wait in a burst; and in a queue that stands, as a share of the limit. */
const burstRoom = 1_024
const standingShare: Record<Urgency, number> = { write: 2, item: 0.5, list: 0.5 }

/** Writes and reads have servers of their own: those that wait for one must not keep the other idle. */
export type Admissions = { readonly reads: Admission; readonly writes: Admission }

type Waiter = { since: number; begin(): void; refuse(): void }

export class Admission {
  /** Refused since the start, by urgency. */
  readonly refused: Record<Urgency, number> = { write: 0, item: 0, list: 0 }
  #limit = new AdaptiveLimit()
  #underWay = 0
  #waiting: Record<Urgency, Waiter[]> = { write: [], item: [], list: [] }
  #waiters = 0
  #waitingSince = 0
  #sweep: NodeJS.Timeout | undefined
  #coldUntil: number

  /** @param coldForMs how long from now on nothing is at hand and hardly any code compiled, ms */
  constructor(coldForMs = 0) {
    this.#coldUntil = performance.now() + coldForMs
  }

  /** How many may be under way, how many are, and how many wait. */
  get state(): { limit: number; underWay: number; waiting: number } {
    return { limit: this.#limit.value, underWay: this.#underWay, waiting: this.#waiters }
  }

  /**
   * Runs `work` as soon as there is room.
   * @param kindOf names what was done, for its latency to be compared with that of its like; null: it failed
   * @throws Overloaded when there is none, at once or when its patience is over; and whatever `work` throws
   */
  async run<T>(urgency: Urgency, work: () => Promise<T>, kindOf: (result: T | null) => string): Promise<T> {
    if (this.#waiters > 0 || this.#underWay >= this.#limit.value) await this.#wait(urgency)
    else this.#underWay++
    const since = performance.now()
    let kind = ''
    try {
      const result = await work()
      kind = kindOf(result)
      return result
    } catch (error) {
      kind = kindOf(null)
      throw error
    } finally {
      const now = performance.now()
      this.#limit.ended(kind, now - since, this.#underWay, now)
      this.#underWay--
      this.#beginNext()
    }
  }

  // Resolves with the permit taken.
  #wait(urgency: Urgency): Promise<void> {
    const now = performance.now()
    if (this.#waiters === 0) this.#waitingSince = now
    if (!this.#hasRoom(urgency, now) && !this.#refuseBehind(urgency)) return this.#refuse(urgency)
    return new Promise((resolve, reject) => {
      this.#waiters++
      this.#waiting[urgency].push({
        since: now,
        begin: () => {
          this.#underWay++
          resolve()
        },
        refuse: () => {
          this.refused[urgency]++
          reject(overloaded)
        }
      })
      this.#sweep ??= setInterval(() => this.#sweepQueue(), sweepEveryMs)
    })
  }

  #refuse(urgency: Urgency): Promise<never> {
    this.refused[urgency]++
    return Promise.reject(overloaded)
  }

  #hasRoom(urgency: Urgency, now: number): boolean {
    const standing = now < this.#coldUntil ? coldMs : standingMs
    if (now - this.#waitingSince < standing) return this.#waiters < burstRoom
    return this.#waiters < Math.ceil(this.#limit.value * standingShare[urgency])
  }

  // Makes room by refusing the newest of the least urgent, if it is less urgent than this.
  #refuseBehind(urgency: Urgency): boolean {
    for (const behind of urgencies.toReversed()) {
      if (behind === urgency) return false
      const newest = this.#waiting[behind].pop()
      if (!newest) continue
      this.#refuseWaiter(newest)
      return true
    }
    return false
  }

  #refuseWaiter(waiter: Waiter | undefined): void {
    this.#waiters--
    waiter?.refuse()
  }

  #beginNext(): void {
    while (this.#waiters > 0 && this.#underWay < this.#limit.value) {
      const next = urgencies.map((urgency) => this.#waiting[urgency]).find(({ length }) => length > 0)
      const waiter = next?.shift()
      if (!waiter) return
      this.#waiters--
      waiter.begin()
    }
  }

  #sweepQueue(): void {
    const now = performance.now()
    for (const urgency of urgencies.toReversed()) {
      const queue = this.#waiting[urgency]
      const patience = now < this.#coldUntil ? Math.max(coldMs, patienceMs[urgency]) : patienceMs[urgency]
      while (queue[0] && now - queue[0].since > patience) this.#refuseWaiter(queue.shift())
      // What has come in a burst and not gone within its time is a standing queue: the newest go first.
      while (queue.length > 0 && !this.#hasRoom(urgency, now)) this.#refuseWaiter(queue.pop())
    }
    if (this.#waiters > 0) return
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }
}
