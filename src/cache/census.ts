// All keys of a view that exist, with the versions of all slots, read in one read view: what is not among them is absent,
// and that is proved as an entry of L1 is proved, without an entry for each guess. Taken when somebody floods a view
// with keys that do not exist; holds nothing while nobody does.
import { drizzle } from 'drizzle-orm/mysql2'
import type { Pool } from '../../db/pool.ts'
import type { Counters } from './events.ts'
import { Flood } from './flood.ts'
import { KeyFilter } from './key-filter.ts'
import { type Link, proofMs } from './link.ts'
import { type EveryVersion, everyVersion } from './primary.ts'
import type { CacheView, Database } from './view.ts'

const now = () => performance.now()

/** No view is counted more often, ms; what has shown to be too many much less. */
const againMs = 60_000
const tooManyAgainMs = 60 * againMs
/** But where the connection was lost that was to prove it: Redis blinks, and floods go on. */
const lostAgainMs = 10_000
const mostKeys = 1_000_000
/** It gives itself up, ms, before the pool takes a long work for a server that hangs. */
const patienceMs = 15_000
const poolPatienceMs = 20_000
const lookEveryMs = 5_000

type Taken = { versions: EveryVersion; keys: KeyFilter; generation: number; at: number }

type Counted = Pick<CacheView<unknown>, 'name' | 'everyKey'>

/** What is known of one view. */
type Watch = { flood: Flood; taken: Taken | null; notBefore: number; timer: NodeJS.Timeout | null }

class TooMany extends Error {
  override name = 'TooMany'
}

export type CensusParts = {
  link: Pick<Link, 'generation' | 'proof' | 'trusted'> | null
  primaryReads: Pick<Pool, 'use'>
  counters: Counters
}

export class Census {
  #parts: CensusParts
  #views = new Map<string, Watch>()
  #history = 0
  #taking = false

  constructor(parts: CensusParts) {
    this.#parts = parts
  }

  /**
   * True when it is proved at this moment that there is no such thing. `least`: the newest versions of its slots that
   * the reader or this process knows of; to be read in the same tick.
   */
  denies({ name }: Counted, key: string, slots: readonly number[], least: readonly number[]): boolean {
    const watch = this.#views.get(name)
    const { link } = this.#parts
    if (!watch?.taken || link === null) return false
    const { versions, keys, generation } = watch.taken
    const time = now()
    // As with an entry: what was announced while another connection opened was heard by nobody here; no reply for too
    // long, and what was announced may be under way; and a slot that has risen since may have risen for this key.
    if (generation !== link.generation || time - link.proof >= proofMs) return false
    if (!slots.every((slot, i) => (versions[slot] ?? 0) >= (least[i] ?? 0))) return false
    if (keys.mayHave(key)) return false
    watch.flood.count(time)
    return true
  }

  /** A key that does not exist has cost a load. In a flood, what spares the next one is begun. */
  missed(view: Counted): void {
    if (!view.everyKey) return
    const time = now()
    const watch = this.#watchOf(view.name)
    watch.flood.count(time)
    if (this.#taking || !watch.flood.lasts(time) || !this.#parts.link?.trusted()) return
    if (time < watch.notBefore && !isLost(watch.taken, this.#parts.link, time)) return
    watch.notBefore = time + againMs
    void this.#take(view, watch, this.#parts.link.generation)
  }

  /** Another primary has another history. */
  forget(): void {
    this.#history++
    for (const watch of this.#views.values()) watch.taken = null
  }

  // Whatever goes wrong: guesses go the ordinary way, as before.
  async #take(view: Counted, watch: Watch, generation: number): Promise<void> {
    const history = this.#history
    this.#taking = true
    const at = now()
    try {
      // Of the primary: what was announced before this connection opened has raised no floor here, so that the versions
      // of a replica that lags would pass.
      const counted = await this.#parts.primaryReads.use(async (connection) => {
        const versions = await everyVersion(connection)
        return { versions, keys: await keysOf(view, drizzle({ client: connection }), at + patienceMs) }
      }, poolPatienceMs)
      if (history !== this.#history) return
      watch.taken = { ...counted, generation, at }
      this.#parts.counters.of(view.name).censuses++
      watch.timer ??= this.#dropWhenOver(watch)
    } catch (error) {
      if (error instanceof TooMany) watch.notBefore = now() + tooManyAgainMs
    } finally {
      this.#taking = false
    }
  }

  // By the clock, as perhaps nobody asks any more: the memory of a flood must not outlive it.
  #dropWhenOver(watch: Watch): NodeJS.Timeout {
    const timer = setInterval(() => {
      if (watch.flood.lasts(now())) return
      watch.taken = null
      watch.timer = null
      clearInterval(timer)
    }, lookEveryMs)
    return timer.unref()
  }

  #watchOf(name: string): Watch {
    const known = this.#views.get(name)
    if (known) return known
    const fresh: Watch = { flood: new Flood(), taken: null, notBefore: 0, timer: null }
    this.#views.set(name, fresh)
    return fresh
  }
}

// Nothing can prove it any more.
function isLost(taken: Taken | null, link: Pick<Link, 'generation'>, time: number): boolean {
  return taken !== null && taken.generation !== link.generation && time - taken.at >= lostAgainMs
}

// Each page is a round trip: in between everybody else has his turn.
async function keysOf(view: Counted, database: Database, until: number): Promise<KeyFilter> {
  const keys = new KeyFilter()
  let count = 0
  for await (const page of view.everyKey?.(database) ?? []) {
    count += page.length
    if (count > mostKeys) throw new TooMany(`more than ${mostKeys} keys of ${view.name}`)
    if (now() > until) throw new Error(`the keys of ${view.name} take too long`)
    for (const key of page) keys.add(key)
  }
  return keys
}
