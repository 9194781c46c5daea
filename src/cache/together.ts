// Writes of one kind that are asked for at once, done in one transaction: group commit. What a transaction costs, its
// round trips, its fsync, and the wait for the rows that all of its kind raise, is then paid once for all of them. With one
// under way at a time the next is as large as there is need: one writer alone waits for nobody, and the more there
// are the cheaper each becomes. Where some shared one, those who come next gather as long as it took: the more rarely a
// transaction is paid for, the more the primary and the readers beside have left.
import { setTimeout as pause } from 'node:timers/promises'
import { DatabaseUnavailable } from '../../db/pool.ts'
import { Overloaded } from '../overload/admission.ts'
import type { Written } from './cache.ts'
import { type Stamp, slotsOf, versionsIn } from './slot.ts'
import type { Transaction } from './transaction.ts'

/** What became of one of those that were asked for: an error changes nothing for the others. */
export type Outcome<T> = { result: T; tags: readonly string[] } | { refused: Error }

/** Does all that is asked for in one transaction, touching the tags that the outcomes name. Safe to repeat. */
export type Work<Ask, T> = (transaction: Transaction, asks: readonly Ask[]) => Promise<readonly Outcome<T>[]>

/** In one transaction: what it locks others wait for. */
const mostTogether = 50
const mostWaiting = 1_024
/** Nobody waits longer for his turn, ms. */
const patienceMs = 1_000
/** Nobody gathers longer between two transactions, ms. */
const longestGatheringMs = 8

type Waiting<Ask, T> = {
  ask: Ask
  key: string
  since: number
  resolve(written: Written<T>): void
  reject(error: unknown): void
}

export class Together<Ask, T> {
  #keyOf: (ask: Ask) => string
  #work: Work<Ask, T>
  #write: <R>(work: (transaction: Transaction) => Promise<R>) => Promise<Written<R>>
  #waiting: Waiting<Ask, T>[] = []
  #working = false

  /**
   * @param keyOf names what is written: of one name there is never more than one in a transaction
   * @param write runs a transaction
   */
  constructor(
    keyOf: (ask: Ask) => string,
    work: Work<Ask, T>,
    write: <R>(work: (transaction: Transaction) => Promise<R>) => Promise<Written<R>>
  ) {
    this.#keyOf = keyOf
    this.#work = work
    this.#write = write
  }

  /** @throws Overloaded, what the transaction throws, or what was refused about this one */
  do(ask: Ask): Promise<Written<T>> {
    if (this.#waiting.length >= mostWaiting) return Promise.reject(new Overloaded('too many writes wait'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ask, key: this.#keyOf(ask), since: performance.now(), resolve, reject })
      if (this.#working) return
      this.#working = true
      // Not in this tick: what has arrived with this one goes with it.
      setImmediate(() => void this.#workOn())
    })
  }

  async #workOn(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#next()
      const begun = performance.now()
      await this.#all(batch)
      const isCrowd = batch.length > 1 && this.#waiting.length < mostTogether
      if (isCrowd) await pause(Math.min(performance.now() - begun, longestGatheringMs))
    }
    this.#working = false
  }

  /** The first of each name, in their order; those who have waited too long are sent away. */
  #next(): Waiting<Ask, T>[] {
    const earliest = performance.now() - patienceMs
    const batch = new Map<string, Waiting<Ask, T>>()
    const left: Waiting<Ask, T>[] = []
    for (const one of this.#waiting) {
      if (one.since < earliest) one.reject(new Overloaded('other writes took too long'))
      else if (batch.size < mostTogether && !batch.has(one.key)) batch.set(one.key, one)
      else left.push(one)
    }
    this.#waiting = left
    return [...batch.values()]
  }

  // Settles each, whatever happens.
  async #all(batch: readonly Waiting<Ask, T>[]): Promise<void> {
    if (batch.length === 0) return
    try {
      const { result, stamp } = await this.#write((transaction) =>
        this.#work(
          transaction,
          batch.map(({ ask }) => ask)
        )
      )
      for (const [i, one] of batch.entries()) settle(one, result[i], stamp)
    } catch (error) {
      // Nobody knows whether it was done, or nobody has the time: neither is a reason to try again.
      const isFinal = error instanceof DatabaseUnavailable || error instanceof Overloaded
      if (isFinal || batch.length === 1) {
        for (const { reject } of batch) reject(error)
        return
      }
      // One of them has spoilt it for all. It is found by halves.
      const half = Math.ceil(batch.length / 2)
      await this.#all(batch.slice(0, half))
      await this.#all(batch.slice(half))
    }
  }
}

function settle<Ask, T>(
  { resolve, reject }: Waiting<Ask, T>,
  outcome: Outcome<T> | undefined,
  stamp: Stamp
): void {
  if (outcome === undefined) reject(new Error('a write was left without an outcome'))
  else if ('refused' in outcome) reject(outcome.refused)
  else {
    // Of this one alone: who sends it back is to wait for his own write and no other.
    const slots = slotsOf(outcome.tags)
    resolve({ result: outcome.result, stamp: { slots, versions: versionsIn(stamp, slots) } })
  }
}
