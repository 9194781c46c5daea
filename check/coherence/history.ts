// The judge: what was acknowledged and when, and of each read how old its answer was. Pure.
import type { Entry } from './journal.ts'
import type { Rows } from './messages.ts'
import { boardBudgetMs, isBoard, sourceOf } from './rows.ts'
import type { Phase } from './schedule.ts'

type Read = Extract<Entry, { kind: 'read' }>
type Write = Extract<Entry, { kind: 'write' }>

/** A read is late by d when it answered with a value older than one acknowledged d before the read began. */
export type Figures = {
  reads: number
  writes: number
  /** Late by more than 50 ms, 300 ms, 1 s, 2 s: what is late by 2 s has stuck. */
  late50: number
  late300: number
  late1000: number
  sticky: number
  worstMs: number
  /** The same less the time in which some process of the checker's stood still by itself. */
  worstWithoutStallsMs: number
  ownReads: number
  /** Reads with the token of a write that did not see it. */
  ownUnseen: number
  /** A reader on one instance saw an older value than before. */
  backwards: number
  /** Answers put together of two moments. */
  torn: number
  failedReads: number
  failedWrites: number
  layers: Record<Read['layer'], number>
}

/** One late read, for whoever looks for its cause. Times in ms from the start of the run. */
export type Example = {
  instance: number
  phase: string
  key: number
  value: number
  layer: Read['layer']
  lateMs: number
  stalledMs: number
  acknowledgedAt: number
  from: number
  to: number
}

const lateMs = 50
const kept = 25
/** A missed change is looked for among so many after the value that was read; more would say nothing new. */
const lookAhead = 64

export type HistoryOptions = {
  rows: Rows
  phases: readonly Phase[]
  /** Of the run, on the clock of the journals. */
  startedAt: number
}

export class History {
  readonly phases: { phase: Phase; figures: Figures }[]
  readonly total = noFigures()
  readonly examples: Example[] = []
  #options: HistoryOptions
  #acknowledged = new Map<number, number[]>()
  #seen = new Map<string, number>()
  #stalls: { from: number; to: number }[] = []

  constructor(options: HistoryOptions) {
    this.#options = options
    this.phases = options.phases.map((phase) => ({ phase, figures: noFigures() }))
  }

  write(write: Write): void {
    this.#acknowledge(write.item, write.itemValue, write.to)
    this.#acknowledge(write.list, write.listValue, write.to)
    this.#count(write.to, (figures) => figures.writes++)
  }

  stall(from: number, to: number): void {
    this.#stalls.push({ from, to })
  }

  failed(kind: 'failedRead' | 'failedWrite', at: number): void {
    this.#count(at, (figures) => figures[kind === 'failedRead' ? 'failedReads' : 'failedWrites']++)
  }

  /**
   * Every write acknowledged before the read began must have been told of before.
   * @param process names the process that read: each incarnation of an instance is another
   */
  read(read: Read, instance: number, process: string): void {
    const { from, key, value, layer, torn, written } = read
    this.#count(from, (figures) => {
      figures.reads++
      figures.layers[layer]++
      if (torn) figures.torn++
      if (written > 0) figures.ownReads++
      if (written > value) figures.ownUnseen++
    })
    if (read.reader > 0) this.#mustNotGoBack(`${process} ${read.reader} ${key}`, value, from)

    const missedAt = this.#missed(sourceOf(this.#options.rows, key), value, from)
    if (missedAt === null) return
    const allowed = layer === 'stale' && isBoard(this.#options.rows, key) ? boardBudgetMs : 0
    const late = Math.max(0, from - missedAt - allowed)
    const stalledMs = late > lateMs ? this.#stalledBetween(missedAt, from) : 0
    // It became old in the phase in which the change was made, whenever that is found out.
    this.#count(missedAt, (figures) => {
      if (late > 50) figures.late50++
      if (late > 300) figures.late300++
      if (late > 1_000) figures.late1000++
      if (late > 2_000) figures.sticky++
      figures.worstMs = Math.max(figures.worstMs, late)
      figures.worstWithoutStallsMs = Math.max(figures.worstWithoutStallsMs, late - stalledMs)
    })
    if (late > lateMs) this.#keepExample(read, instance, { missedAt, late, stalledMs })
  }

  #acknowledge(key: number, value: number, at: number): void {
    const times = this.#acknowledged.get(key) ?? []
    times[value] = at
    this.#acknowledged.set(key, times)
  }

  // When the first change that the answer lacks was acknowledged, if that was before `from`.
  #missed(key: number, value: number, from: number): number | null {
    const times = this.#acknowledged.get(key)
    if (!times) return null
    let earliest = from
    const end = Math.min(times.length, value + 1 + lookAhead)
    for (let newer = value + 1; newer < end; newer++) earliest = Math.min(earliest, times[newer] ?? from)
    return earliest < from ? earliest : null
  }

  #mustNotGoBack(reader: string, value: number, at: number): void {
    const before = this.#seen.get(reader) ?? 0
    if (value < before) this.#count(at, (figures) => figures.backwards++)
    else this.#seen.set(reader, value)
  }

  // Stalls of several processes at one time count once.
  #stalledBetween(from: number, to: number): number {
    const within = this.#stalls
      .filter((stall) => stall.to > from && stall.from < to)
      .sort((a, b) => a.from - b.from)
    let until = from
    let sum = 0
    for (const stall of within) {
      const end = Math.min(stall.to, to)
      sum += Math.max(0, end - Math.max(stall.from, until))
      until = Math.max(until, end)
    }
    return sum
  }

  #count(at: number, change: (figures: Figures) => void): void {
    change(this.total)
    const phase = this.#phaseAt(at)
    if (phase) change(phase.figures)
  }

  #phaseAt(at: number): { phase: Phase; figures: Figures } | undefined {
    const since = at - this.#options.startedAt
    // What was before the first belongs to it, what comes after the last to that.
    return this.phases.find(({ phase }) => since < phase.to) ?? this.phases.at(-1)
  }

  #keepExample(
    { key, value, layer, from, to }: Read,
    instance: number,
    { missedAt, late, stalledMs }: { missedAt: number; late: number; stalledMs: number }
  ): void {
    const worst = this.examples
    if (worst.length === kept && late <= (worst.at(-1)?.lateMs ?? 0)) return
    const { startedAt } = this.#options
    worst.push({
      instance,
      phase: this.#phaseAt(missedAt)?.phase.name ?? '',
      key,
      value,
      layer,
      lateMs: Math.round(late),
      stalledMs: Math.round(stalledMs),
      acknowledgedAt: Math.round(missedAt - startedAt),
      from: Math.round(from - startedAt),
      to: Math.round(to - startedAt)
    })
    worst.sort((a, b) => b.lateMs - a.lateMs)
    if (worst.length > kept) worst.pop()
  }
}

function noFigures(): Figures {
  return {
    reads: 0,
    writes: 0,
    late50: 0,
    late300: 0,
    late1000: 0,
    sticky: 0,
    worstMs: 0,
    worstWithoutStallsMs: 0,
    ownReads: 0,
    ownUnseen: 0,
    backwards: 0,
    torn: 0,
    failedReads: 0,
    failedWrites: 0,
    layers: { l1: 0, redis: 0, replica: 0, primary: 0, stale: 0 }
  }
}
