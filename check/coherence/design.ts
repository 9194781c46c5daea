// What the checker needs of a design of caching, and where it may hold one up.
import type { Layer } from '../../src/cache/events.ts'
import type { Raised, Value } from './rows.ts'

export type Reading = Value & { layer: Layer }

export type Design = {
  /** The value of a key if this process may serve it at once. */
  hit(key: number): Reading | undefined
  /** @param token of an earlier write, whose change the answer must hold */
  read(key: number, token?: string): Promise<Reading>
  /** Counts one change of the item and its list; resolves when it is acknowledged. */
  write(item: number): Promise<Raised & { token: string }>
}

/** Where the checker looks in. Each resolves when the design may go on. */
export type Points = {
  /** A transaction has been committed, and nobody has been told. */
  committed(raised: Raised): Promise<void>
  /** Before, between and after the statements of a load. */
  loading(): Promise<void>
  /** Redis has answered with a value, which has not been used yet. */
  answered(): Promise<void>
}
