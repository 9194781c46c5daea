// Reads values with their stamps from one server in one read view: from a replica that has seen enough, else from
// the primary. Misses of one tick that a view can load together share a connection, a version query and a load.
import { drizzle } from 'drizzle-orm/mysql2'
import { DatabaseUnavailable, type Pool } from '../../db/pool.ts'
import type { Replica, Replicas } from '../../db/replicas.ts'
import type { Content } from './content.ts'
import type { ViewCounters } from './events.ts'
import { versionsOn } from './primary.ts'
import { atLeast } from './slot.ts'
import type { Loader } from './view.ts'

export type Loaded = { versions: readonly number[]; content: Content; layer: 'replica' | 'primary' }

/** One value that is wanted. */
export type Miss = {
  loader: Loader
  parameters: unknown
  slots: readonly number[]
  counters: ViewCounters
}

/** A replica that hangs must leave time to ask another server, ms. */
const replicaWithinMs = 500
/** Misses that share one load at most. */
const batchSize = 100
/**
 * When most of what is asked for does not exist, somebody is guessing ids. Misses of that view are then gathered for
 * this long, ms, so that however many ids are guessed, the database meets a bounded number of queries.
 */
const floodWindowMs = 20
const floodShare = 0.5
/** How fast the share of absences follows what is loaded: about the last 50 loads count. */
const absenceWeight = 0.02

type Waiting = Miss & {
  /** What the server must have seen; null: whatever it has is the newest there is. */
  needed: readonly number[] | null
  resolve(loaded: Loaded | null): void
  reject(error: unknown): void
}

/** Loaded together; `turn` says when, in a flood. */
type Batch = { waiting: Waiting[]; turn: Promise<void> | null }

export class Sources {
  #primaryReads: Pool
  #replicas: Replicas
  #gathering = new Map<string, Batch>()
  #absentShare = new Map<string, number>()

  constructor(primaryReads: Pool, replicas: Replicas) {
    this.#primaryReads = primaryReads
    this.#replicas = replicas
  }

  /**
   * From a replica that has seen `needed`; null when the one asked lags behind it or none answers.
   * `needed` may not be known in full yet: the caller compares again.
   */
  fromReplica(miss: Miss, needed: readonly number[]): Promise<Loaded | null> {
    return this.#gather('replica', miss, needed, replicaWithinMs)
  }

  /**
   * When what was last wanted of a replica is loaded; null: now. Whoever asks the primary about it may wait as long: he
   * asks with all that are loaded with it, and is answered no later.
   */
  turnOf({ name }: Loader): Promise<void> | null {
    return this.#gathering.get(`replica:${name}`)?.turn ?? null
  }

  /** @throws DatabaseUnavailable */
  async fromPrimary(miss: Miss, limitMs: number): Promise<Loaded> {
    const loaded = await this.#gather('primary', miss, null, limitMs)
    if (!loaded) throw new Error('the primary is never behind itself')
    return loaded
  }

  #gather(
    layer: Loaded['layer'],
    miss: Miss,
    needed: readonly number[] | null,
    limitMs: number
  ): Promise<Loaded | null> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { ...miss, needed, resolve, reject }
      if (!miss.loader.loadMany) {
        void this.#load(layer, [waiting], limitMs)
        return
      }
      const name = `${layer}:${miss.loader.name}`
      const together = this.#gathering.get(name)
      if (together && together.waiting.length < batchSize) {
        together.waiting.push(waiting)
        return
      }
      const flooded = (this.#absentShare.get(miss.loader.name) ?? 0) > floodShare
      const batch = { waiting: [waiting], turn: flooded ? passed(floodWindowMs) : null }
      this.#gathering.set(name, batch)
      const flush = () => {
        if (this.#gathering.get(name) === batch) this.#gathering.delete(name)
        void this.#load(layer, batch.waiting, limitMs)
      }
      if (batch.turn !== null) void batch.turn.then(flush)
      else setImmediate(flush)
    })
  }

  // Settles each of the batch, whatever happens.
  async #load(layer: Loaded['layer'], batch: readonly Waiting[], limitMs: number): Promise<void> {
    try {
      if (layer === 'primary') await this.#read(this.#primaryReads, layer, batch, limitMs)
      else if (!(await this.#readAnyReplica(batch, limitMs))) for (const { resolve } of batch) resolve(null)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  async #readAnyReplica(batch: readonly Waiting[], limitMs: number): Promise<boolean> {
    let failed: Replica | undefined
    for (let attempt = 0; attempt < 2; attempt++) {
      const replica = this.#replicas.choose(failed)
      if (!replica) return false
      try {
        await this.#read(replica.pool, 'replica', batch, limitMs)
        return true
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) throw error
        failed = replica
      }
    }
    return false
  }

  // Versions first, then rows, in one read view: a stamp may never be above its data. For whom the replica lags,
  // nothing is loaded.
  async #read(pool: Pool, layer: Loaded['layer'], batch: readonly Waiting[], limitMs: number): Promise<void> {
    const [first] = batch
    if (!first) return
    const { loader } = first
    const answers = await pool.use(async (connection) => {
      const slots = [...new Set(batch.flatMap((waiting) => waiting.slots))]
      const versions = await versionsOn(connection, slots)
      const versionOf = new Map(slots.map((slot, i) => [slot, versions[i] ?? 0]))
      const seen = batch.map((waiting) => ({
        waiting,
        versions: waiting.slots.map((slot) => versionOf.get(slot) ?? 0)
      }))
      const loadable = seen.filter(
        ({ waiting, versions }) => !waiting.needed || atLeast(versions, waiting.needed)
      )
      if (loadable.length === 0) return []
      first.counters.loads++
      const database = drizzle({ client: connection })
      const wanted = loadable.map(({ waiting }) => waiting.parameters)
      const contents = loader.loadMany
        ? await loader.loadMany(database, wanted)
        : [await loader.load(database, wanted[0])]
      return loadable.map((entry, i) => ({ ...entry, content: contents[i] }))
    }, limitMs)

    const answered = new Set<Waiting>()
    for (const { waiting, versions, content } of answers) {
      if (!content) throw new Error(`the loader of ${loader.name} left an answer out`)
      answered.add(waiting)
      this.#countAbsence(loader.name, content.absent)
      waiting.resolve({ versions, content, layer })
    }
    for (const waiting of batch) {
      if (answered.has(waiting)) continue
      waiting.counters.laggingReplicas++
      waiting.resolve(null)
    }
  }

  #countAbsence(name: string, absent: boolean): void {
    const share = this.#absentShare.get(name) ?? 0
    this.#absentShare.set(name, share + absenceWeight * (Number(absent) - share))
  }
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
