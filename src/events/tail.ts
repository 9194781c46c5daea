// Follows the order of events for one instance, and hands each event to those of its listeners whom it concerns. One
// reader for all of them: what it asks the database does not depend on how many listen, and with none it asks nothing.
import { drizzle } from 'drizzle-orm/mysql2'
import type { Pool } from '../../db/pool.ts'
import type { Replicas } from '../../db/replicas.ts'
import type { Database } from '../cache/view.ts'
import { placeEvents, placeEventsIfAny } from './order.ts'
import { bounds, eventsAfter, ownEventsBetween, type PlacedEvent } from './queries.ts'

/** More than a person can have missed and still want one by one. */
const mostReplayed = 200
const batchSize = 500
/** How long what nobody announced may stay unseen: with announcements they are the backstop, without them the way. */
const lookEveryMs = { heard: 1_000, deaf: 250 }
/** Between two times that places are given here: the events of many changes get theirs together, and the first at once. */
const placeEveryMs = 100

/** What a listener is told. Methods return at once. */
export type Listener = {
  event(event: PlacedEvent): void
  /** The events since its place cannot be told one by one: it has to read anew whatever it shows. */
  reset(place: number): void
}

export type Opened = { place: number; close(): void }

export type TailParts = {
  primary: Pool
  primaryReads: Pool
  replicas: Replicas
  /** Tells the other instances how far the order has come. */
  announce(head: number): void
  /** Announcements of others arrive. */
  hears(): boolean
  failed(error: unknown): void
}

type Subscription = { listener: Listener; place: number; waiting: PlacedEvent[] | null }

export class Tail {
  #parts: TailParts
  #subscriptions = new Map<string, Set<Subscription>>()
  #count = 0
  /** Everything up to here has been handed on; null while nobody listens. */
  #place: number | null = null
  #announced = 0
  #starting: Promise<void> | null = null
  #placing: Promise<void> | null = null
  #placeAgain = false
  #placedAt = Number.NEGATIVE_INFINITY
  #endWait = () => {}
  #following: Promise<void> | null = null
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(parts: TailParts) {
    this.#parts = parts
  }

  /**
   * Listens to one user's events, beginning with those after `after` (null: with the next one).
   * @throws DatabaseUnavailable when what was missed cannot be read
   */
  async open(userId: string, after: number | null, listener: Listener): Promise<Opened> {
    // A place that this instance has not come to yet was given by another one: it is not behind it for long.
    if (after !== null && this.#place !== null && after > this.#place) await this.#look()
    // Again where the last listener has left meanwhile: then nobody has followed since.
    while (this.#place === null) await this.#start()
    const upTo = this.#place
    const subscription: Subscription = { listener, place: after ?? upTo, waiting: [] }
    const close = () => this.#remove(userId, subscription)
    // From here on nothing passes it by: what comes while the past is being read waits.
    this.#add(userId, subscription)
    try {
      await this.#catchUp(userId, subscription, upTo)
    } catch (error) {
      close()
      throw error
    }
    return { place: subscription.place, close }
  }

  /** A change was committed here, perhaps with an event. Returns at once. */
  committed(): void {
    if (this.#closed) return
    this.#placeAgain = true
    this.#placing ??= this.#placeAll()
  }

  /** Another instance says how far the order has come. */
  heard(head: number): void {
    if (head <= this.#announced) return
    this.#announced = head
    if (this.#place !== null && head > this.#place) void this.#follow()
  }

  /** How far this instance has come, as far as it knows. */
  get place(): number | null {
    return this.#place
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#endWait()
    await Promise.allSettled([this.#placing, this.#following])
  }

  #add(userId: string, subscription: Subscription): void {
    const own = this.#subscriptions.get(userId) ?? new Set()
    this.#subscriptions.set(userId, own.add(subscription))
    this.#count++
  }

  #remove(userId: string, subscription: Subscription): void {
    const own = this.#subscriptions.get(userId)
    if (!own?.delete(subscription)) return
    if (own.size === 0) this.#subscriptions.delete(userId)
    if (--this.#count > 0) return
    clearTimeout(this.#timer)
    this.#place = null
  }

  #start(): Promise<void> {
    this.#starting ??= placeEventsIfAny(this.#parts.primary)
      .then(({ head }) => {
        this.#place ??= head
        this.#announced = Math.max(this.#announced, head)
        this.#lookLater()
      })
      .finally(() => {
        this.#starting = null
      })
    return this.#starting
  }

  async #catchUp(userId: string, subscription: Subscription, upTo: number): Promise<void> {
    const { listener, place } = subscription
    if (place !== upTo) {
      const missed = await this.#missed(userId, place, upTo)
      if (missed === null) {
        subscription.place = upTo
        listener.reset(upTo)
      } else {
        for (const event of missed) listener.event(event)
        subscription.place = Math.max(place, upTo)
      }
    }
    const waiting = subscription.waiting ?? []
    subscription.waiting = null
    for (const event of waiting) hand(subscription, event)
  }

  /** Null when it cannot be told: too many, no longer kept, or a place of another history. */
  async #missed(userId: string, after: number, upTo: number): Promise<PlacedEvent[] | null> {
    return this.#readUpTo(Math.max(after, upTo), async (database) => {
      const { head, forgotten } = await bounds(database)
      if (after > head || after < forgotten) return null
      if (after >= upTo) return []
      const events = await ownEventsBetween(database, userId, after, upTo, mostReplayed + 1)
      return events.length > mostReplayed ? null : events
    })
  }

  // Places of events that were committed anywhere in the fleet by a process that could not place or announce them.
  async #look(): Promise<void> {
    try {
      const { head, placed } = await placeEventsIfAny(this.#parts.primary)
      if (placed > 0) this.#parts.announce(head)
      // Behind what was handed on already: the primary is another one, with a shorter history.
      if (this.#place !== null && head < this.#place) this.#startOver(head)
      this.#announced = head
      if (this.#place !== null && head > this.#place) await this.#follow()
    } catch (error) {
      this.#parts.failed(error)
    }
  }

  #lookLater(): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#place === null) return
    const everyMs = this.#parts.hears() ? lookEveryMs.heard : lookEveryMs.deaf
    this.#timer = setTimeout(() => void this.#look().finally(() => this.#lookLater()), everyMs)
    this.#timer.unref()
  }

  #startOver(head: number): void {
    this.#place = head
    for (const own of this.#subscriptions.values()) {
      for (const subscription of own) {
        subscription.place = head
        subscription.listener.reset(head)
      }
    }
  }

  async #placeAll(): Promise<void> {
    while (this.#placeAgain && !this.#closed) {
      await this.#untilPlacing()
      this.#placeAgain = false
      try {
        const { head, placed } = await placeEvents(this.#parts.primary)
        if (placed > 0) this.#parts.announce(head)
        this.heard(head)
      } catch (error) {
        // They wait, committed, for whoever looks next.
        this.#parts.failed(error)
      }
    }
    this.#placing = null
  }

  async #untilPlacing(): Promise<void> {
    const waitMs = this.#placedAt + placeEveryMs - performance.now()
    if (waitMs > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#endWait = resolve
      const timer = setTimeout(resolve, waitMs)
      await promise
      clearTimeout(timer)
    }
    this.#placedAt = performance.now()
  }

  #follow(): Promise<void> {
    this.#following ??= this.#followOn()
    return this.#following
  }

  async #followOn(): Promise<void> {
    try {
      await this.#followToHead()
    } catch (error) {
      this.#parts.failed(error)
    } finally {
      this.#following = null
    }
  }

  async #followToHead(): Promise<void> {
    for (;;) {
      const place = this.#place
      if (place === null || place >= this.#announced || this.#closed) return
      const events = await this.#readUpTo(Math.min(this.#announced, place + batchSize), (database) =>
        eventsAfter(database, place, batchSize)
      )
      // Nobody listens any more, or the order began anew, while this was being read.
      if (this.#place !== place) continue
      const last = events.at(-1)
      if (!last) return this.#recover(place)
      for (const event of events) this.#handOn(event)
      this.#place = last.place
    }
  }

  // Announced and not there: no announcement of ours, or events that are no longer kept. The primary knows.
  async #recover(place: number): Promise<void> {
    const { head } = await this.#onPrimary(bounds)
    this.#announced = head
    if (head !== place) this.#startOver(head)
  }

  #handOn(event: PlacedEvent): void {
    for (const userId of event.recipients) {
      for (const subscription of this.#subscriptions.get(userId) ?? []) hand(subscription, event)
    }
  }

  /**
   * Reads from a replica that has come to this place, else from the primary. A place tells by itself whether a replica
   * has come so far: whoever has it has all before it.
   */
  async #readUpTo<T>(place: number, read: (database: Database) => Promise<T>): Promise<T> {
    const replica = this.#parts.replicas.choose()
    const found = await replica?.pool
      .use(async (connection) => {
        const database = drizzle({ client: connection })
        const { head } = await bounds(database)
        return head < place ? null : { value: await read(database) }
      })
      .catch(() => null)
    return found ? found.value : this.#onPrimary(read)
  }

  #onPrimary<T>(read: (database: Database) => Promise<T>): Promise<T> {
    return this.#parts.primaryReads.use((connection) => read(drizzle({ client: connection })))
  }
}

function hand(subscription: Subscription, event: PlacedEvent): void {
  if (event.place <= subscription.place) return
  if (subscription.waiting) {
    subscription.waiting.push(event)
    return
  }
  subscription.place = event.place
  subscription.listener.event(event)
}
