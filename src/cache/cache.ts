// The layered cache: in-process entries → Redis → a replica → the primary, and the one way to write past them.
// How it stays true is docs/coherence.md; each step here is a rule of it. Knows neither HTTP nor the domain.
import { performance } from 'node:perf_hooks'
import { DatabaseUnavailable, type Pool } from '../../db/pool.ts'
import { deadlock, errnoOf, lockWaitTimeout } from '../../db/refusal.ts'
import type { Replicas } from '../../db/replicas.ts'
import { type Admissions, Overloaded } from '../overload/admission.ts'
import { Census } from './census.ts'
import { Content, ownText } from './content.ts'
import { type Answer, Entry } from './entry.ts'
import type { Counters, ViewCounters } from './events.ts'
import { type Filled, Filler, type Stored } from './fill.ts'
import type { Floors } from './floors.ts'
import { type Link, type Made, proofMs } from './link.ts'
import type { Primary } from './primary.ts'
import { roomIn } from './room.ts'
import { SecondChance } from './second-chance.ts'
import { Shelf } from './shelf.ts'
import { atLeast, type Stamp, slotsOf, versionsIn } from './slot.ts'
import { Sources } from './sources.ts'
import { Together, type Work } from './together.ts'
import { type Kept, OpenTransaction, type Transaction } from './transaction.ts'
import type { CacheView } from './view.ts'

const now = () => performance.now()

/** One reader's whole wait for an answer, ms. */
const readWithinMs = 2_000
/** L1 asks Redis again after this share of a view's life. */
const l1Share = 0.1
const jitter = 0.1
/** A view that may be stale is loaded anew after this share of its budget: readers within the rest do not wait. */
const budgetBeforeRefresh = 0.8
const writeAttempts = 3
/** To each who asks for what was not counted. */
const denial: Answer = { content: Content.absence(), layer: 'l1', shared: false, ageMs: 0 }

export type { Answer, Transaction }

export type Written<T> = {
  result: T
  /** The versions this write made: who carries them reads his own write on any instance. */
  stamp: Stamp
}

/** Versions stand in the order of `slots`; null in them: Redis does not know that slot. */
export type Explanation = {
  slots: readonly number[]
  /** What this process knows to be newest. */
  floors: readonly number[]
  /** What Redis knows to be newest. */
  known: readonly (number | null)[] | null
  /** What is newest. */
  primary: readonly number[] | null
  l1: {
    fresh: boolean
    because: string
    versions: readonly number[]
    provenMsAgo: number
    endsInMs: number
    absent: boolean
    tag: string
    bytes: number
  } | null
  redis: Stored | null
}

type Flight = { floors: readonly number[]; startedAt: number; answer: Promise<Answer> }

export type CacheParts = {
  l1Bytes: number
  link: Link | null
  floors: Floors
  primary: Primary
  writes: Pool
  primaryReads: Pool
  replicas: Replicas
  counters: Counters
  /** Who may ask Redis and the databases at a time; left out: everybody. */
  admission?: Admissions | undefined
}

export class Cache {
  readonly counters: Counters
  #parts: CacheParts
  #filler: Filler
  /** Asked for lately; what they push out lies on the shelf. No name is in two of the three. */
  #hot: SecondChance
  #shelf: Shelf
  #absences: SecondChance
  #flights = new Map<string, Flight>()
  #census: Census
  #history = 0
  /** Revision of each view that has been read. */
  #revisions = new Map<string, string>()

  constructor(parts: CacheParts) {
    this.#parts = parts
    this.counters = parts.counters
    const sources = new Sources(parts.primaryReads, parts.replicas)
    this.#filler = new Filler(parts.link, parts.primary, sources)
    this.#census = new Census(parts)
    const room = roomIn(parts.l1Bytes)
    const evicted = () => {
      this.counters.evictions++
    }
    this.#shelf = new Shelf(room.shelf, evicted)
    this.#absences = new SecondChance({ capacity: room.absences, evicted })
    this.#hot = new SecondChance({
      capacity: room.hot,
      largest: room.largestEntry,
      evicted: (name, entry) => this.#shelf.put(name, entry)
    })
  }

  /** Bytes and entries in this process. */
  get l1(): { entries: number; bytes: number } {
    return {
      entries: this.#hot.size + this.#shelf.entries + this.#absences.size,
      bytes: this.#hot.bytes + this.#shelf.bytes + this.#absences.bytes
    }
  }

  /** Redis is believed at this moment; else the primary judges alone. */
  get trusted(): boolean {
    return this.#parts.link?.trusted() != null
  }

  /** The answer if this process may give it this moment without asking anybody. No I/O, no promise. */
  hit<P>(view: CacheView<P>, key: string, parameters: P): Answer | undefined {
    return this.hitNamed(view, nameOf(view, key), parameters)
  }

  /** The same for who asks for one entry again and again, and keeps its name: to find a new text takes longer. */
  hitNamed<P>(view: CacheView<P>, name: string, parameters: P): Answer | undefined {
    const entry = this.#hot.get(name) ?? this.#absences.get(name) ?? this.#fromShelf(name)
    if (entry === undefined) return undefined
    const time = now()
    if (!this.#fresh(entry, time)) return this.#withinBudget(view, name, parameters, entry, time)
    if (entry.countedBytes !== entry.content.bytes) this.#weighAgain(name, entry)
    if (time >= entry.refreshAt) this.#refresh(view, name, parameters, entry.stamp.slots)
    const counters = this.counters.of(view.name)
    counters.l1++
    if (entry.content.absent) counters.absent++
    return entry.hit
  }

  /**
   * The value, from the nearest layer that can show it is not older than any change acknowledged before.
   * @param written what the reader has written himself: never answered with anything older
   * @throws DatabaseUnavailable when nobody can be asked, and Overloaded when too many are at it, and the view allows no
   *   stale answer
   */
  async read<P>(view: CacheView<P>, key: string, parameters: P, written?: Stamp): Promise<Answer> {
    const counters = this.counters.of(view.name)
    const name = nameOf(view, key)
    const entry = this.#held(name)
    if (entry && this.#fresh(entry, now()) && (!written || covers(entry.stamp, written))) {
      counters.l1++
      return entry.hit
    }
    const slots = entry?.stamp.slots ?? slotsOf(view.tags(parameters))
    const least = this.#least(slots, written)
    if (this.#census.denies(view, key, slots, least)) {
      counters.l1++
      counters.absent++
      counters.denied++
      return denial
    }
    this.#revisions.set(view.name, view.revision)
    try {
      const answer = await this.#join(view, name, parameters, slots, least, counters)
      counters[answer.layer]++
      if (answer.content.absent) counters.absent++
      return answer
    } catch (error) {
      const unanswered = error instanceof DatabaseUnavailable || error instanceof Overloaded
      const stale = unanswered ? this.#lastValue(view, name, written) : null
      if (!stale) throw error
      counters.stale++
      return stale
    }
  }

  /** Another primary has another history: no entry, no flight and no version of the former one means anything now. */
  forget(): void {
    this.#history++
    this.#parts.floors.forget()
    this.#hot.clear()
    this.#shelf.clear()
    this.#absences.clear()
    this.#flights.clear()
    this.#census.forget()
  }

  /**
   * What each layer holds of one entry, and why it is or isn't fresh. For operators: it asks every layer.
   * Null when no layer knows the entry; a part that does not answer is null.
   */
  async explain(view: string, key: string): Promise<Explanation | null> {
    const name = nameOf({ name: view }, key)
    const entry = this.#hot.peek(name) ?? this.#absences.peek(name) ?? this.#shelf.peek(name)
    const redis = await this.#filler.inspect(`${this.#revisions.get(view)}:${name}`).catch(() => null)
    const slots = entry?.stamp.slots ?? redis?.slots
    if (!slots) return null
    const [known, primary] = await Promise.all([
      this.#filler.known(slots).catch(() => null),
      this.#parts.primary.ask(slots, readWithinMs).catch(() => null)
    ])
    const floors = this.#parts.floors.of(slots)
    return { slots, floors, known, primary, l1: entry ? this.#describe(entry) : null, redis }
  }

  #describe(entry: Entry): NonNullable<Explanation['l1']> {
    const time = now()
    const fresh = this.#fresh(entry, time)
    return {
      fresh,
      because: fresh
        ? 'nothing newer is known, and that is proved'
        : time >= entry.expiresAt
          ? 'its life has ended'
          : this.#parts.floors.allow(entry.stamp)
            ? 'the last proof is too old'
            : 'a newer version is known',
      versions: entry.stamp.versions,
      provenMsAgo: Math.round(time - entry.provenAt),
      endsInMs: Math.round(entry.expiresAt - time),
      absent: entry.content.absent,
      tag: entry.content.tag,
      bytes: entry.content.bytes
    }
  }

  /**
   * Runs `work` in one transaction on the primary, raises the versions of what it touched in the same transaction,
   * and tells the fleet after COMMIT. A deadlock or a lock wait is tried again; `work` must be safe to repeat.
   * @throws DatabaseUnavailable when the outcome is not known or other writers held the rows for too long, and whatever
   *   `work` throws (nothing is changed then)
   */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<Written<T>> {
    const { admission } = this.#parts
    if (!admission) return this.#writeRepeating(work)
    return admission.writes.run('write', () => this.#writeRepeating(work), kindOfWrite)
  }

  /**
   * Writes of one kind, done together: while one transaction is under way, those who ask wait for the next and share it.
   * @returns what does one of them; like `write`, but for what it throws: `Overloaded` where too many wait
   */
  together<Ask, T>(keyOf: (ask: Ask) => string, work: Work<Ask, T>): (ask: Ask) => Promise<Written<T>> {
    const together = new Together(keyOf, work, (all) => this.write(all))
    return (ask) => together.do(ask)
  }

  async #writeRepeating<T>(work: (transaction: Transaction) => Promise<T>): Promise<Written<T>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#writeOnce(work)
      } catch (error) {
        if (!isLockConflict(error)) throw error
        this.counters.lockConflicts++
        if (attempt === writeAttempts) {
          throw new DatabaseUnavailable('other writers held the rows for too long', { cause: error })
        }
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt))
      }
    }
  }

  async #writeOnce<T>(work: (transaction: Transaction) => Promise<T>): Promise<Written<T>> {
    const { writes, primary, floors, link } = this.#parts
    const history = this.#history
    const { result, stamp, kept, provenAt, generation } = await writes.use(async (connection) => {
      const transaction = new OpenTransaction(connection)
      const result = await work(transaction)
      // Before COMMIT is sent nothing newer than what it makes can be there, and what comes after is heard from here on.
      const provenAt = now()
      const generation = link?.trusted() ? link.generation : -1
      const stamp = await transaction.commit(primary)
      return { result, stamp, kept: transaction.kept, provenAt, generation }
    })
    floors.raiseTo(stamp)
    if (history === this.#history) {
      const proof = { layer: 'primary', provenAt, generation } as const
      for (const { view, key, slots, content } of kept) {
        const own = { slots, versions: versionsIn(stamp, slots) }
        this.#keep(view, nameOf(view, key), { ...proof, content, stamp: own }, 0)
      }
    }
    // Not being able to tell loses nothing: the rows stay untold and are relayed.
    if (stamp.slots.length > 0) {
      await link
        ?.tell(
          pairsOf(stamp),
          kept.map((one) => madeOf(one, stamp)),
          generation
        )
        .catch(() => {})
    }
    return { result, stamp }
  }

  // Served only if proved under this connection or within the proof's life, and no newer version is known.
  #fresh(entry: Entry, time: number): boolean {
    const { link, floors } = this.#parts
    if (time >= entry.expiresAt) return false
    const { slot, version } = entry
    // The stamp is made when it is asked for: not where two numbers say the same.
    if (!(slot === -1 ? floors.allow(entry.stamp) : floors.allowOne(slot, version))) return false
    if (link !== null && entry.generation === link.generation && link.proof > entry.provenAt) {
      entry.provenAt = link.proof
    }
    return time - entry.provenAt < proofMs
  }

  // A view with a budget: what was the newest so short a time ago is answered still, while one loader in the fleet
  // fetches anew. Measured from the last proof, so no reader meets a value older than the budget.
  #withinBudget<P>(
    view: CacheView<P>,
    name: string,
    parameters: P,
    entry: Entry,
    time: number
  ): Answer | undefined {
    const ageMs = time - entry.provenAt
    if (ageMs >= view.staleBudgetMs) return undefined
    if (ageMs >= view.staleBudgetMs * budgetBeforeRefresh) {
      this.#refresh(view, name, parameters, entry.stamp.slots)
    }
    this.counters.of(view.name).stale++
    return { content: entry.content, layer: 'stale', shared: false, ageMs }
  }

  #refresh<P>(view: CacheView<P>, name: string, parameters: P, slots: readonly number[]): void {
    if (this.#flights.has(name)) return
    const flight = this.#join(
      view,
      name,
      parameters,
      slots,
      this.#least(slots, undefined),
      this.counters.of(view.name)
    )
    // Nobody waits for it; who comes after the end asks again himself.
    flight.catch(() => {})
  }

  #held(name: string): Entry | undefined {
    return this.#hot.peek(name) ?? this.#absences.peek(name) ?? this.#fromShelf(name)
  }

  // Who is asked for is hot again, and pushes another out. A look-up that unpacked without that would prove a copy.
  #fromShelf(name: string): Entry | undefined {
    const entry = this.#shelf.take(name)
    if (entry) this.#hot.set(ownText(name), entry)
    return entry
  }

  // For this reader alone: a token must not be able to move what everybody else is measured by.
  #least(slots: readonly number[], written: Stamp | undefined): number[] {
    const floors = this.#parts.floors.of(slots)
    if (!written) return floors
    return floors.map((floor, i) =>
      Math.max(floor, written.versions[written.slots.indexOf(slots[i] ?? -1)] ?? 0)
    )
  }

  // A reader joins a flight only if it began knowing what the reader knows: its floors are at least the reader's,
  // and those are complete (the link is proved) or the flight is as young as a proof.
  #join<P>(
    view: CacheView<P>,
    name: string,
    parameters: P,
    slots: readonly number[],
    least: readonly number[],
    counters: ViewCounters
  ): Promise<Answer> {
    const link = this.#parts.link
    const time = now()
    const since = link !== null && time - link.proof < proofMs ? link.openedAt : time - proofMs
    const flying = this.#flights.get(name)
    if (flying && flying.startedAt >= since && atLeast(flying.floors, least)) {
      counters.coalesced++
      return flying.answer
    }
    const fill = () => this.#fill(view, name, parameters, slots, least, counters)
    const answer = this.#admit(view, fill).finally(() => {
      if (this.#flights.get(name)?.answer === answer) this.#flights.delete(name)
    })
    this.#flights.set(name, { floors: least, startedAt: time, answer })
    return answer
  }

  // A flight takes one place, however many wait for it. What has to wait has only its floors from before, and asks later:
  // what it then finds is newer.
  #admit<P>(view: CacheView<P>, fill: () => Promise<Answer>): Promise<Answer> {
    const { admission } = this.#parts
    if (!admission) return fill()
    const kindOf = (answer: Answer | null) => `${view.name} ${answer?.layer ?? 'failed'}`
    return admission.reads.run(view.list ? 'list' : 'item', fill, kindOf)
  }

  async #fill<P>(
    view: CacheView<P>,
    name: string,
    parameters: P,
    slots: readonly number[],
    floors: readonly number[],
    counters: ViewCounters
  ): Promise<Answer> {
    const startedAt = now()
    const history = this.#history
    const entry = this.#held(name)
    const filled = await this.#filler.fill({
      name: `${view.revision}:${name}`,
      slots,
      floors,
      held: entry && startedAt < entry.expiresAt ? entry.stamp.versions : null,
      miss: { loader: view, parameters, slots, counters },
      lifeMs: (content) => Math.round(jittered(lifeMs(view, content))),
      until: startedAt + readWithinMs
    })
    if (filled.layer !== 'l1') {
      if (history === this.#history) this.#keep(view, name, filled, now() - startedAt)
      if (filled.content.absent && filled.layer !== 'redis') this.#census.missed(view)
      const shared = filled.generation !== -1
      return { content: filled.content, layer: filled.layer, shared, ageMs: 0 }
    }
    if (!entry) throw new Error('only an entry at hand can be confirmed')
    entry.provenAt = Math.max(entry.provenAt, filled.provenAt)
    return entry.hit
  }

  #keep(view: Lives, name: string, filled: Exclude<Filled, { layer: 'l1' }>, costMs: number): void {
    const { content, stamp, generation, provenAt } = filled
    this.#parts.floors.raiseTo(stamp)
    const held = this.#held(name)
    // A fill that began earlier may end later: what is newer stays.
    if (held && !atLeast(stamp.versions, held.stamp.versions)) return
    const expiresAt = provenAt + Math.max(jittered(lifeMs(view, content) * l1Share), proofMs)
    // XFetch (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015), its
    // die cast once per entry: the dearer the fill, the earlier, and no two instances at one time.
    const refreshAt = expiresAt + costMs * Math.log(Math.random())
    const [home, other] = content.absent ? [this.#absences, this.#hot] : [this.#hot, this.#absences]
    other.delete(name)
    // What it lent of the former would wait for it for ever.
    this.#shelf.delete(name)
    home.set(ownText(name), new Entry(content, stamp, { generation, provenAt, expiresAt, refreshAt }))
  }

  #weighAgain(name: string, entry: Entry): void {
    this.#hot.delete(name)
    entry.countedBytes = entry.content.bytes
    this.#hot.set(name, entry)
  }

  #lastValue<P>(view: CacheView<P>, name: string, written: Stamp | undefined): Answer | null {
    const entry = this.#held(name)
    if (!entry) return null
    const ageMs = now() - entry.provenAt
    if (ageMs > view.staleIfErrorMs) return null
    // Nobody is ever answered with less than he wrote himself.
    if (written && !covers(entry.stamp, written)) return null
    return { content: entry.content, layer: 'stale', shared: false, ageMs }
  }
}

/** What an entry is called here; in Redis the view's revision stands before it. */
export function nameOf(view: Pick<CacheView<unknown>, 'name'>, key: string): string {
  return `${view.name}:${key}`
}

type Lives = Pick<CacheView<unknown>, 'ttlMs' | 'absentTtlMs'>

function lifeMs(view: Lives, content: Content): number {
  return content.absent ? view.absentTtlMs : view.ttlMs
}

function jittered(ms: number): number {
  return ms * (1 - jitter + Math.random() * 2 * jitter)
}

const kindOfWrite = (written: Written<unknown> | null) => (written ? 'write' : 'write failed')

// Of the slots that both speak of: a write's other slots say nothing of this value.
function covers(stamp: Stamp, written: Stamp): boolean {
  return written.slots.every((slot, i) => {
    const at = stamp.slots.indexOf(slot)
    return at === -1 || (stamp.versions[at] ?? 0) >= (written.versions[i] ?? 0)
  })
}

function madeOf({ view, key, slots, content }: Kept, stamp: Stamp): Made {
  return {
    name: `${view.revision}:${nameOf(view, key)}`,
    slots,
    versions: versionsIn(stamp, slots),
    lifeMs: Math.round(jittered(lifeMs(view, content))),
    tag: content.tag,
    body: content.buffer('identity')
  }
}

function pairsOf({ slots, versions }: Stamp): number[] {
  return slots.flatMap((slot, i) => [slot, versions[i] ?? 0])
}

function isLockConflict(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === deadlock || errno === lockWaitTimeout
}
