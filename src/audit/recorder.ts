// Records entries: takes a line without ever making anybody wait, hands it on, and keeps it until the table has it.
//
// A line goes queue → Redis → table. It is acknowledged when Redis has answered, or when the disk has it: from then on
// it reaches the table although this process dies. Until the table has it this process keeps it too, and gives it
// again when Redis forgets; the table takes it once. While Redis does not answer, lines go to the spool instead.
import type { Spool, Taken } from './spool.ts'
import type { StreamState } from './stream.ts'

/** One command's worth of lines. */
const batchLines = 500
/** How long fewer lines than that wait for company: a command for each would cost a busy instance as much as a request. */
const gatherMs = 50
/** One fsync's worth. */
const diskLines = 2_000
/** Lines that Redis has and the table does not: beyond these, nothing more is given to Redis. */
const mostUnderWay = 20_000
/** Lines that may wait in memory until some of those under way have arrived; beyond them the queue goes to disk. */
const patientLines = 5_000
/** What the queue may take; beyond it an entry is dropped, and counted. In characters, which are bytes. */
const mostQueued = 32 * 1024 * 1024
/** How often the table's progress is asked for while nothing else is. */
const pollMs = 100
/** After Redis or the disk has failed. */
const retryMs = 200
const adoptEveryMs = 30_000

/** Appends lines, in order, to where the table is filled from; with none it only tells the state. */
export type Append = (lines: readonly string[]) => Promise<StreamState>

export type RecorderCounters = {
  recorded: number
  /** Redis or the disk has had them. */
  acknowledged: number
  /** Lines that went to disk. */
  spooled: number
  /** Lost: neither memory nor disk had room. */
  dropped: number
}

/** Lines that Redis has, and of which nobody knows yet that the table has them. */
type UnderWay = { life: string; last: string; lines: readonly string[]; taken: Taken | null }

export class Recorder {
  readonly counters: RecorderCounters = { recorded: 0, acknowledged: 0, spooled: 0, dropped: 0 }
  #append: Append
  #spool: Spool
  #queue: string[] = []
  #queued = 0
  #underWay: UnderWay[] = []
  #linesUnderWay = 0
  /** Were under way when Redis was lost: acknowledged once, and to be given again before all others. */
  #recalled: string[] = []
  /** Redis is left alone until then; monotonic ms. */
  #awayUntil = 0
  #adopting = true
  #working: Promise<void> | null = null
  #wake: () => void = () => {}
  #timer: NodeJS.Timeout
  #closing = false

  constructor(append: Append, spool: Spool) {
    this.#append = append
    this.#spool = spool
    this.#timer = setInterval(() => {
      this.#adopting = true
      this.#start()
    }, adoptEveryMs)
    this.#timer.unref()
    this.#start()
  }

  /** What is on disk: bytes, and lines that were found damaged there. */
  get spool(): { bytes: number; damaged: number } {
    return { bytes: this.#spool.bytes, damaged: this.#spool.damaged }
  }

  /** Takes a line. Never waits; what there is no room for is dropped. */
  record(line: string): void {
    this.counters.recorded++
    if (this.#closing || this.#queued + line.length > mostQueued) {
      this.counters.dropped++
      return
    }
    this.#queue.push(line)
    this.#queued += line.length
    this.#start()
  }

  /** Resolves once all that was recorded before is acknowledged, or dropped. */
  async settled(): Promise<void> {
    const wanted = this.counters.recorded
    while (this.counters.acknowledged + this.counters.dropped < wanted) await pause(1)
  }

  /** Gives what there is to Redis and the table, for so long at most; then the rest to the disk. */
  async close(patienceMs: number): Promise<void> {
    clearInterval(this.#timer)
    const end = performance.now() + patienceMs
    const away = () => performance.now() < this.#awayUntil
    while (this.#holding && !away() && performance.now() < end) await pause(2)
    this.#closing = true
    this.#wake()
    await this.#working
    this.#recall()
    while (this.#queue.length + this.#recalled.length > 0) {
      const kept = await this.#toDisk().catch(() => 0)
      if (kept === 0) break
    }
    this.counters.dropped += this.#queue.length
    await this.#spool.close()
  }

  /** Something would be lost with this process and Redis. */
  get #holding(): boolean {
    return this.#queue.length + this.#recalled.length + this.#linesUnderWay > 0
  }

  #start(): void {
    this.#wake()
    if (this.#working || this.#closing) return
    // Not in this tick: all that is recorded in it goes in one command.
    this.#working = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#work())
      .finally(() => {
        this.#working = null
      })
  }

  async #work(): Promise<void> {
    while (!this.#closing) {
      if (this.#adopting) await this.#adopt()
      if (!this.#holding && !this.#spool.waiting) return
      if (performance.now() < this.#awayUntil) await this.#withoutRedis()
      else if (this.#linesUnderWay >= mostUnderWay) await this.#withoutRoom()
      else await this.#hand()
    }
  }

  async #adopt(): Promise<void> {
    this.#adopting = false
    // Left for the next time: a folder that cannot be read must not keep entries from Redis.
    await this.#spool.adopt().catch(() => {})
  }

  async #withoutRedis(): Promise<void> {
    const waiting = this.#queue.length + this.#recalled.length > 0
    const kept = waiting ? await this.#toDisk().catch(() => 0) : 0
    if (kept === 0) await this.#rest(waiting ? retryMs : this.#awayUntil - performance.now())
  }

  async #withoutRoom(): Promise<void> {
    if (this.#queue.length > patientLines) await this.#toDisk().catch(() => 0)
    else await pause(pollMs / 10)
    await this.#give([], null)
  }

  /** Gives the next lines to Redis: recalled ones, the queue's, the disk's; without any, asks how far the table is. */
  async #hand(): Promise<void> {
    if (this.#recalled.length > 0) {
      const lines = this.#recalled.slice(0, batchLines)
      if (await this.#give(lines, null)) this.#recalled.splice(0, lines.length)
      return
    }
    if (this.#queue.length > 0) {
      if (this.#queue.length < batchLines) await pause(gatherMs)
      const lines = this.#queue.slice(0, batchLines)
      if (await this.#give(lines, null)) this.#leaveQueue(lines)
      return
    }
    const taken = await this.#spool.take(batchLines).catch(() => null)
    if (taken) {
      if (!(await this.#give(taken.lines, taken))) this.#spool.putBack(taken)
      return
    }
    await this.#rest(pollMs)
    if (this.#queue.length === 0) await this.#give([], null)
  }

  /** @returns whether Redis has them */
  async #give(lines: readonly string[], taken: Taken | null): Promise<boolean> {
    const state = await this.#append(lines).catch(() => null)
    if (state === null) {
      this.#awayUntil = performance.now() + retryMs
      this.#recall()
      return false
    }
    // Another life of the stream: what the former one held may be nowhere.
    if (this.#underWay.some(({ life }) => life !== state.life)) this.#recall()
    await this.#arrived(state.written)
    if (lines.length === 0) return true
    if (state.last === null) {
      this.#awayUntil = performance.now() + retryMs
      return false
    }
    this.#underWay.push({ life: state.life, last: state.last, lines, taken })
    this.#linesUnderWay += lines.length
    return true
  }

  async #arrived(written: string): Promise<void> {
    for (let first = this.#underWay[0]; first && isBefore(first.last, written); first = this.#underWay[0]) {
      this.#underWay.shift()
      this.#linesUnderWay -= first.lines.length
      // A file that cannot be removed is given again one day, and changes nothing then.
      if (first.taken) await this.#spool.settle(first.taken).catch(() => {})
    }
  }

  #recall(): void {
    for (const { lines, taken } of this.#underWay) if (!taken) this.#recalled.push(...lines)
    this.#underWay = []
    this.#linesUnderWay = 0
    this.#spool.rewind()
  }

  async #toDisk(): Promise<number> {
    const recalled = this.#recalled.length > 0
    const lines = (recalled ? this.#recalled : this.#queue).slice(0, diskLines)
    const kept = await this.#spool.append(lines)
    this.counters.spooled += kept
    if (recalled) this.#recalled.splice(0, kept)
    else this.#leaveQueue(lines.slice(0, kept))
    return kept
  }

  #leaveQueue(lines: readonly string[]): void {
    this.#queue.splice(0, lines.length)
    for (const { length } of lines) this.#queued -= length
    this.counters.acknowledged += lines.length
  }

  /** Until something is recorded, for so long at most. */
  async #rest(ms: number): Promise<void> {
    const woken = Promise.withResolvers<void>()
    const timer = setTimeout(woken.resolve, Math.max(1, ms))
    this.#wake = woken.resolve
    await woken.promise
    clearTimeout(timer)
  }
}

/** Compares two ids of a stream, `milliseconds-sequence`. */
function isBefore(one: string, other: string): boolean {
  const [ms = 0, sequence = 0] = one.split('-').map(Number)
  const [otherMs = 0, otherSequence = 0] = other.split('-').map(Number)
  return ms < otherMs || (ms === otherMs && sequence < otherSequence)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
