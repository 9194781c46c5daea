// What an instance does all day: readers that note what they saw and when, and writers that raise counters.
import { setTimeout as pause } from 'node:timers/promises'
import type { Stream } from '../../db/seed/random.ts'
import type { Design } from './design.ts'
import { clock, type Journal } from './journal.ts'
import type { FromInstance, Rows } from './messages.ts'

const readers = 8
const writers = 2
/** Readers read so many one after another, then rest. */
const burst = [1, 12] as const
const readerRestMs = [5, 25] as const
const writerRestMs = [10, 50] as const
/** After a failure, so that an engine that is away is not asked all the time. */
const failureRestMs = 20
/** Half of what is read are so many keys of each kind: hot ones. */
const hot = 8
/** So many writes hand their token to a reader on another instance. */
const ownShare = 0.3

export type WorkloadParts = {
  design: Design
  journal: Journal
  rows: Rows
  random: Stream
  announce(message: FromInstance): void
}

export class Workload {
  #parts: WorkloadParts

  constructor(parts: WorkloadParts) {
    this.#parts = parts
  }

  /** Goes on until the process ends. */
  start(): void {
    for (let reader = 1; reader <= readers; reader++) void this.#read(reader)
    for (let writer = 0; writer < writers; writer++) void this.#write()
  }

  /** Reads with the token of a write made elsewhere. */
  async readOwn(key: number, token: string, written: number): Promise<void> {
    const { design, journal } = this.#parts
    const from = clock()
    try {
      const { counter, layer, torn } = await design.read(key, token)
      journal.add({ kind: 'read', from, to: clock(), reader: 0, key, value: counter, layer, torn, written })
    } catch (error) {
      this.#failed('failedRead', from, error)
    }
  }

  async #read(reader: number): Promise<void> {
    const { design, journal, random } = this.#parts
    for (;;) {
      for (let left = random.integer(...burst); left > 0; left--) {
        const key = this.#someKey()
        const from = clock()
        try {
          const { counter, layer, torn } = design.hit(key) ?? (await design.read(key))
          journal.add({
            kind: 'read',
            from,
            to: clock(),
            reader,
            key,
            value: counter,
            layer,
            torn,
            written: 0
          })
        } catch (error) {
          this.#failed('failedRead', from, error)
          await pause(failureRestMs)
        }
      }
      await pause(random.integer(...readerRestMs))
    }
  }

  async #write(): Promise<void> {
    const { design, journal, random, rows, announce } = this.#parts
    for (;;) {
      await pause(random.integer(...writerRestMs))
      const from = clock()
      try {
        const { token, ...raised } = await design.write(random.integer(0, rows.items - 1))
        journal.add({ kind: 'write', from, to: clock(), ...raised })
        if (!random.chance(ownShare)) continue
        const { item, itemValue, list, listValue } = raised
        const own = random.chance(0.5) ? { key: item, written: itemValue } : { key: list, written: listValue }
        announce({ say: 'written', token, ...own })
      } catch (error) {
        this.#failed('failedWrite', from, error)
        await pause(failureRestMs)
      }
    }
  }

  #failed(kind: 'failedRead' | 'failedWrite', from: number, error: unknown): void {
    const { journal, announce } = this.#parts
    journal.add({ kind, from, to: clock() })
    announce({ say: 'failed', error: `${kind === 'failedRead' ? 'read' : 'write'}: ${reasonOf(error)}` })
  }

  #someKey(): number {
    const { rows, random } = this.#parts
    const { items, lists } = rows
    const [first, count] = random.weighted([
      [[0, items], 2],
      [[items, lists], 1],
      [[items + lists, lists], 1]
    ] as const)
    return first + random.integer(0, (random.chance(0.5) ? Math.min(hot, count) : count) - 1)
  }
}

// The query builder wraps what the driver threw, and quotes the statement.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? ` (${reasonOf(error.cause)})` : ''
  const statement = 'sql' in error ? ` in ${String(error.sql).slice(0, 80)}` : ''
  // Without figures: the same failure is counted, however long it took.
  return `${error.name}: ${error.message.split('\n', 1)[0]?.replace(/-?\d+/g, '…')}${statement}${cause}`
}
