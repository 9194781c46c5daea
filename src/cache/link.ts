// The one connection to Redis that the cache trusts: commands and announcements share it, in order. It knows when a
// floor may be believed; it knows no view, and of a value only that it has a name, versions and bytes.
import { performance } from 'node:perf_hooks'
import { type Redis, ReplyError } from 'ioredis'
import type { LinkCounters } from './events.ts'
import { keyOf } from './scripts.ts'

const now = () => performance.now()

/** How long one proof lets an L1 entry be served, ms. */
export const proofMs = 50
/** A gap in the proofs longer than this: others may have given Redis up meanwhile and left versions untold, ms. */
const gapMs = 2 * proofMs
/** The next proof is asked for this long after the last, ms: its answer has the rest of the other's life to come. */
const beatMs = Math.floor((2 / 3) * proofMs)
/** No reply for this long while one is due: the connection is dropped, ms. */
const silenceMs = 4 * proofMs
const openWithinMs = 1_000
const identityEveryMs = 500
/** So many beats (about 100 ms) may a version that its writer could not tell stay unknown to Redis. */
const relayEveryBeats = 3

/** Redis cannot be trusted now. Not an error of the caller: the primary judges instead. */
export class LinkDown extends Error {
  override name = 'LinkDown'
}

/** One connection's life. A Redis that failed over or forgot, and a promoted primary, are other namespaces. */
export type Session = { readonly generation: number; readonly namespace: string; readonly primary: string }

/** A value that a writer has made, with the versions that rose in its transaction; `lifeMs` of what Redis stores. */
export type Made = {
  name: string
  slots: readonly number[]
  versions: readonly number[]
  lifeMs: number
  tag: string
  body: Buffer
}

export type LinkParts = {
  /** Connects lazily, RESP3, without offline queue, retries or resubscription of its own. */
  redis: Redis
  counters: LinkCounters
  /** Who the primary is: part of the namespace. */
  identity(): Promise<string>
  /** A version rose somewhere in the fleet. */
  heard(slot: number, version: number): void
  /** The primary is another one than before: what was known is void. */
  otherPrimary(): void
  /** Tells Redis what its writers could not. Runs before a connection is trusted and after a gap in the proofs. */
  relay(tell: (pairs: readonly number[]) => Promise<void>): Promise<void>
}

/**
 * Any reply proves that every announcement published before its command was sent has been received: Redis answers
 * one connection in order. So each reply moves `proof` to the moment its command was sent; nothing else does.
 */
export class Link {
  #parts: LinkParts
  #redis: Redis
  #generation = 0
  #session: Session | null = null
  #proof = Number.NEGATIVE_INFINITY
  #openedAt = Number.POSITIVE_INFINITY
  #openingSince = 0
  #pending = 0
  #awaitingSince = 0
  #beatAt = 0
  #beats = 0
  #catchingUp = false
  #lastPrimary: string | null = null
  #timers: NodeJS.Timeout[] = []
  /** Own announcements that have not come back yet, by slot. */
  #underWay = new Map<number, { version: number; since: number }>()

  constructor(parts: LinkParts) {
    this.#parts = parts
    this.#redis = parts.redis
  }

  /** Rises with each connection and each loss: what an older one proved must be proved again. */
  get generation(): number {
    return this.#generation
  }

  /** Announcements published before this moment (local monotonic ms) have been heard on this generation. */
  get proof(): number {
    return this.#proof
  }

  /** Since when this generation hears everything. */
  get openedAt(): number {
    return this.#openedAt
  }

  /** The session if Redis may be believed at this moment, else null. */
  trusted(): Session | null {
    return this.#session && now() - this.#proof < gapMs ? this.#session : null
  }

  /** Begins to connect; resolves once trusted, or when `patienceMs` is over: the service serves without Redis too. */
  async start(patienceMs: number): Promise<void> {
    const redis = this.#redis
    redis.on('message', (_channel: string, message: string) => this.#hear(message))
    redis.on('connect', () => {
      this.#openingSince = now()
    })
    redis.on('ready', () => void this.#open())
    redis.on('close', () => this.#lose())
    this.#beatAt = now()
    this.#every(beatMs, () => this.#beat())
    this.#every(identityEveryMs, () => void this.#watchPrimary())
    redis.connect().catch(() => {})
    const until = now() + patienceMs
    while (!this.#session && now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#session = null
    this.#redis.disconnect()
  }

  /** Runs one command of the protocol. @throws LinkDown when it could not be sent or its reply proves nothing */
  async run<T>(command: (redis: Redis, session: Session) => Promise<T>): Promise<T> {
    const session = this.#session
    if (!session) throw new LinkDown('no session')
    const sentAt = now()
    this.#pending++
    this.#awaitingSince ||= sentAt
    try {
      const reply = await command(this.#redis, session)
      this.#awaitingSince = this.#pending > 1 ? now() : 0
      if (session.generation !== this.#generation) throw new LinkDown('the connection was lost meanwhile')
      this.#answered(sentAt, session)
      return reply
    } catch (error) {
      if (error instanceof LinkDown) throw error
      this.#refused(error, session)
      throw new LinkDown('Redis did not answer', { cause: error })
    } finally {
      this.#pending--
    }
  }

  /**
   * Announces versions, flat: slot, version, slot, version, …
   * @param made what their writer has made of it, to be stored beside; only if this is still the connection of
   *   `generation`: another may lead to a Redis of another history
   */
  async tell(
    pairs: readonly number[],
    made: readonly Made[] = [],
    generation = this.#generation
  ): Promise<void> {
    const since = now()
    for (let i = 0; i < pairs.length; i += 2) {
      this.#underWay.set(pairs[i] ?? -1, { version: pairs[i + 1] ?? 0, since })
    }
    await this.run((_redis, session) =>
      this.#tellIn(session, pairs, session.generation === generation ? made : [])
    )
  }

  async #open(): Promise<void> {
    const generation = ++this.#generation
    const redis = this.#redis
    const assertSame = () => {
      if (generation !== this.#generation) throw new LinkDown('the connection was lost while it opened')
    }
    try {
      const replication = /master_replid:(\w+)/.exec(await redis.info('replication'))?.[1]
      if (!replication) throw new LinkDown('Redis does not tell its replication id')
      const primary = await this.#parts.identity()
      const namespace = `turno:${replication.slice(0, 12)}.${primary}:`
      assertSame()
      await redis.subscribe(`${namespace}bus`)
      const session = { generation, namespace, primary }
      await this.#parts.relay((pairs) => this.#tellIn(session, pairs))
      const former = await redis.set('turno:namespace', namespace, 'GET')
      if (former && former !== namespace) await redis.unlink(keyOf.known(former))
      const sentAt = now()
      await redis.ping()
      assertSame()
      this.#meet(primary)
      this.#openingSince = 0
      this.#session = session
      this.#proof = sentAt
      this.#openedAt = now()
      this.#parts.counters.connections++
    } catch {
      if (generation === this.#generation) this.#drop()
    }
  }

  #lose(): void {
    this.#generation++
    this.#openingSince = 0
    this.#proof = Number.NEGATIVE_INFINITY
    this.#openedAt = Number.POSITIVE_INFINITY
    this.#awaitingSince = 0
    if (this.#session) this.#parts.counters.losses++
    this.#session = null
  }

  // Not disconnect(): a half-open socket would be waited for.
  #drop(): void {
    this.#redis.stream?.destroy()
  }

  #hear(message: string): void {
    this.#parts.counters.announcements++
    for (const pair of message.split(',')) {
      const colon = pair.indexOf(':')
      const slot = Number(pair.slice(0, colon))
      const version = Number(pair.slice(colon + 1))
      this.#parts.heard(slot, version)
      this.#arrived(slot, version)
    }
  }

  // What arrives here arrives everywhere else by the same way: the one measure of it that needs no second clock.
  #arrived(slot: number, version: number): void {
    const own = this.#underWay.get(slot)
    if (!own || version < own.version) return
    this.#underWay.delete(slot)
    const counters = this.#parts.counters
    const took = now() - own.since
    counters.arrivals++
    counters.arrivalMsTotal += took
    counters.arrivalMsMost = Math.max(counters.arrivalMsMost, took)
  }

  #answered(sentAt: number, session: Session): void {
    if (now() - this.#proof <= gapMs) {
      if (sentAt > this.#proof) this.#proof = sentAt
      return
    }
    if (!this.#catchingUp) void this.#catchUp(session)
  }

  // One instance of the fleet at a time: whoever takes the short lock.
  async #relay(): Promise<void> {
    const session = this.trusted()
    if (!session) return
    try {
      const lock = `${session.namespace}relay`
      const taken = await this.run((redis) => redis.set(lock, 1, 'PX', relayEveryBeats * beatMs - 5, 'NX'))
      if (taken) await this.#parts.relay((pairs) => this.#tellIn(session, pairs))
    } catch (error) {
      // Nothing is lost: the versions stay untold until the next time.
      this.#refused(error, session)
    }
  }

  // A Redis that answers pings but refuses writes (full, or a demoted master) hears of nothing new: it must not be
  // believed, or what cannot be told would stay unknown for as long as it lives.
  #refused(error: unknown, { generation }: Session): void {
    if (error instanceof ReplyError && generation === this.#generation) this.#drop()
  }

  // Checked in the tick that sends: a version must not be told to another run of Redis under this name.
  async #tellIn(
    { generation, namespace }: Session,
    pairs: readonly number[],
    made: readonly Made[] = []
  ): Promise<void> {
    if (generation !== this.#generation) throw new LinkDown('the connection was lost meanwhile')
    const keys = [keyOf.known(namespace), ...made.map(({ name }) => keyOf.value(namespace, name))]
    const values = made.flatMap(({ slots, versions, lifeMs, tag, body }) => [
      slots.length,
      lifeMs,
      tag,
      body,
      ...slots,
      ...versions
    ])
    await this.#redis.cacheTell(
      keys.length,
      ...keys,
      `${namespace}bus`,
      pairs.length / 2,
      ...pairs,
      ...values
    )
  }

  // After a gap: others may have found Redis gone, written without it and left versions untold. Tell them first.
  async #catchUp(session: Session): Promise<void> {
    this.#catchingUp = true
    try {
      await this.#parts.relay((pairs) => this.#tellIn(session, pairs))
      const sentAt = now()
      await this.#redis.ping()
      if (session.generation === this.#generation) this.#proof = sentAt
    } catch {
      if (session.generation === this.#generation) this.#drop()
    } finally {
      this.#catchingUp = false
    }
  }

  #beat(): void {
    const time = now()
    // A late tick says that this process stood still, not that Redis was silent: the next one judges.
    const late = time - this.#beatAt > gapMs
    this.#beatAt = time
    if (late) return
    if (this.#openingSince && time - this.#openingSince > openWithinMs) {
      this.#openingSince = 0
      this.#drop()
      return
    }
    if (!this.#session) return
    if (this.#awaitingSince && time - this.#awaitingSince > silenceMs) {
      this.#drop()
      return
    }
    // The lock is answered as a ping would be. Each command of its own would wake this process once more.
    if (++this.#beats % relayEveryBeats === 0 && this.trusted()) void this.#relay()
    else if (time - this.#proof > beatMs / 4 && this.#pending < 3) {
      this.run((redis) => redis.ping()).catch(() => {})
    }
  }

  async #watchPrimary(): Promise<void> {
    try {
      const primary = await this.#parts.identity()
      this.#meet(primary)
      if (this.#session && primary !== this.#session.primary) this.#drop()
    } catch {
      // No primary to ask: nothing is promoted yet.
    }
  }

  #meet(primary: string): void {
    if (this.#lastPrimary !== null && this.#lastPrimary !== primary) this.#parts.otherPrimary()
    this.#lastPrimary = primary
  }

  #every(ms: number, work: () => void): void {
    const timer = setInterval(work, ms)
    timer.unref()
    this.#timers.push(timer)
  }
}
