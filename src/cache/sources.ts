// Reads a value with its stamp from one server in one read view: from a replica that has seen enough, else from the
// primary.
import { drizzle } from 'drizzle-orm/mysql2'
import { DatabaseUnavailable, type Pool } from '../../db/pool.ts'
import type { Replica, Replicas } from '../../db/replicas.ts'
import type { Content } from './content.ts'
import type { ViewCounters } from './events.ts'
import { versionsOn } from './primary.ts'
import { atLeast } from './slot.ts'
import type { Database } from './view.ts'

export type Loaded = { versions: readonly number[]; content: Content; layer: 'replica' | 'primary' }
export type Load = (database: Database) => Promise<Content>

/** A replica that hangs must leave time to ask another server, ms. */
const replicaWithinMs = 500

export class Sources {
  #primaryReads: Pool
  #replicas: Replicas

  constructor(primaryReads: Pool, replicas: Replicas) {
    this.#primaryReads = primaryReads
    this.#replicas = replicas
  }

  /**
   * From a replica when one has seen `needed`, resolving null when the one asked lags behind it or none answers.
   * `needed` may not be known in full yet: the caller compares again.
   */
  async fromReplica(
    slots: readonly number[],
    needed: readonly number[],
    load: Load,
    counters: ViewCounters
  ): Promise<Loaded | null> {
    let failed: Replica | undefined
    for (let attempt = 0; attempt < 2; attempt++) {
      const replica = this.#replicas.choose(failed)
      if (!replica) return null
      try {
        return await this.#read(replica.pool, 'replica', slots, needed, load, counters, replicaWithinMs)
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) throw error
        failed = replica
      }
    }
    return null
  }

  /** @throws DatabaseUnavailable */
  async fromPrimary(
    slots: readonly number[],
    load: Load,
    counters: ViewCounters,
    limitMs: number
  ): Promise<Loaded> {
    const loaded = await this.#read(this.#primaryReads, 'primary', slots, null, load, counters, limitMs)
    if (!loaded) throw new Error('the primary is never behind itself')
    return loaded
  }

  // Versions first, then rows, in one read view: the stamp may never be above the data. A replica that lags is left
  // before it loads anything.
  #read(
    pool: Pool,
    layer: Loaded['layer'],
    slots: readonly number[],
    needed: readonly number[] | null,
    load: Load,
    counters: ViewCounters,
    limitMs: number
  ): Promise<Loaded | null> {
    return pool.use(async (connection) => {
      const versions = await versionsOn(connection, slots)
      if (needed && !atLeast(versions, needed)) {
        counters.laggingReplicas++
        return null
      }
      counters.loads++
      return { versions, content: await load(drizzle({ client: connection })), layer }
    }, limitMs)
  }
}
