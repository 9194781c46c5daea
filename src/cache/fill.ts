// How a value is obtained when this process cannot answer alone: from Redis, else loaded once in the fleet; and what
// happens when Redis cannot be believed. Holds no entries.
import { randomBytes } from 'node:crypto'
import { Content } from './content.ts'
import { type Link, LinkDown, type Session } from './link.ts'
import type { Primary } from './primary.ts'
import { keyOf } from './scripts.ts'
import { atLeast, larger, type Stamp } from './slot.ts'
import type { Loaded, Miss, Sources } from './sources.ts'

const now = () => performance.now()

const leaseMs = 1_000
/** How long to wait for a filler elsewhere before filling alone, ms: a dead filler must not cost its whole lease. */
const leasePatienceMs = 300
/** What Redis keeps for no longer than this is filled anew while it is still served: nobody waits at its end, ms. */
const earlyMs = 2_000
const leasePollMs = { first: 3, factor: 1.5, most: 25 }

/** What is wanted, and what is known when it is. */
export type Want = {
  /** Identity of the entry across the fleet, shape revision included. */
  name: string
  slots: readonly number[]
  /** The newest versions this process knows of: nothing older will do. */
  floors: readonly number[]
  /** Versions of the entry at hand, which the primary may confirm; null when there is none. */
  held: readonly number[] | null
  /** How it is loaded, should it come to that. */
  miss: Miss
  /** Life of what is stored in Redis, ms. */
  lifeMs(content: Content): number
  /** The end of the reader's patience, local monotonic ms. */
  until: number
}

/** `layer: 'l1'` says that the entry at hand stands, and carries no content. */
export type Filled = {
  /** The moment whose knowledge this proves, local monotonic ms. */
  provenAt: number
  /** Of the link that takes part in keeping it fresh; -1: none. */
  generation: number
} & ({ layer: 'redis' | 'replica' | 'primary'; content: Content; stamp: Stamp } | { layer: 'l1' })

/** What Redis stores of an entry. */
export type Stored = {
  slots: readonly number[]
  versions: readonly number[]
  tag: string
  bytes: number
  endsInMs: number
}

export class Filler {
  #link: Link | null
  #primary: Primary
  #sources: Sources

  constructor(link: Link | null, primary: Primary, sources: Sources) {
    this.#link = link
    this.#primary = primary
    this.#sources = sources
  }

  /** @throws DatabaseUnavailable when nobody who may be believed answers before `want.until` */
  async fill(want: Want): Promise<Filled> {
    const link = this.#link
    if (link?.trusted()) {
      try {
        return await this.#withRedis(link, want)
      } catch (error) {
        if (!(error instanceof LinkDown)) throw error
      }
    }
    return this.#withoutRedis(want)
  }

  /** What Redis stores under this name; null when nothing. @throws LinkDown */
  async inspect(name: string): Promise<Stored | null> {
    if (!this.#link) return null
    return this.#link.run(async (redis, session) => {
      const [, value] = keys(session, name)
      const [fields, bytes, endsInMs] = await Promise.all([
        redis.hmget(value, 'slots', 'versions', 'tag'),
        redis.hstrlen(value, 'body'),
        redis.pttl(value)
      ])
      const [slots, versions, tag] = fields
      if (!slots || !versions) return null
      return { slots: numbers(slots), versions: numbers(versions), tag: tag ?? '', bytes, endsInMs }
    })
  }

  /** The newest versions that Redis knows of. @throws LinkDown */
  async known(slots: readonly number[]): Promise<(number | null)[] | null> {
    if (!this.#link) return null
    return this.#link.run(async (redis, { namespace }) => {
      const versions = await redis.hmget(keyOf.known(namespace), ...slots.map(String))
      return versions.map((version) => (version === null || version.startsWith('?') ? null : Number(version)))
    })
  }

  // Redis has the value, or says what the newest versions are and whether someone is filling already.
  async #withRedis(link: Link, want: Want): Promise<Filled> {
    const token = randomBytes(9).toString('base64url')
    const patience = now() + leasePatienceMs
    let wait = leasePollMs.first
    for (;;) {
      const provenAt = now()
      const generation = link.generation
      const { slots, name } = want
      const [verdict, ...found] = await link.run((redis, session) =>
        redis.cacheReadBuffer(
          ...keys(session, name),
          slots.length,
          leaseMs,
          token,
          earlyMs,
          ...slots,
          ...want.floors
        )
      )
      if (!link.trusted()) throw new LinkDown('the proof lapsed meanwhile')
      const [state, tag, body, known] = found.map((part) => (Buffer.isBuffer(part) ? part : Buffer.alloc(0)))
      const lease = { token, generation, provenAt }
      if ((verdict === 1 || verdict === 3) && body && tag) {
        const stamp = { slots, versions: numbers(String(state)) }
        if (verdict === 3) this.#forTheFleet(link, want, String(known).split(','), lease).catch(() => {})
        return { layer: 'redis', content: Content.stored(body, String(tag)), stamp, generation, provenAt }
      }
      if (verdict === 2 || now() > patience) {
        return this.#forTheFleet(link, want, String(state).split(','), lease)
      }
      want.miss.counters.leaseWaits++
      await new Promise((resolve) => setTimeout(resolve, wait))
      wait = Math.min(wait * leasePollMs.factor, leasePollMs.most)
    }
  }

  async #forTheFleet(
    link: Link,
    want: Want,
    state: readonly string[],
    { token, generation, provenAt }: { token: string; generation: number; provenAt: number }
  ): Promise<Filled> {
    const { slots, name, miss, until } = want
    // Reserved: Redis does not know the slot, which means ask, not zero. It was evicted, or never told.
    const reserved = state.map((version) => version.startsWith('?'))
    const known = state.map((version, i) => (reserved[i] ? 0 : Number(version)))
    const expected = larger(known, want.floors)
    const [fromReplica, asked] = await Promise.all([
      this.#sources.fromReplica(miss, expected),
      reserved.includes(true) ? this.#askPrimary(want) : null
    ])
    const needed = asked ? larger(expected, asked) : expected
    let loaded: Loaded | null = fromReplica
    if (!loaded || !atLeast(loaded.versions, needed)) {
      loaded = await this.#sources.fromPrimary(miss, until - now())
    }
    const { content, versions, layer } = loaded
    const stored = await link
      .run(async (redis, session) => {
        // Another connection may lead to another Redis, which has granted no lease. Thrown, not answered: only a
        // reply of Redis may count as one.
        if (session.generation !== generation) throw new LinkDown('another connection')
        const unasked = slots.map(() => 0)
        const head = [`${session.namespace}bus`, slots.length, want.lifeMs(content), token, content.tag]
        return redis.cachePut(
          ...keys(session, name),
          ...head,
          content.buffer('identity'),
          ...slots,
          ...versions,
          ...(asked ?? unasked),
          ...state
        )
      })
      .catch(() => 0)
    // Refused, it still answers its caller; it is just not shared, and must be asked for again.
    if (!stored) miss.counters.refusedFills++
    return { layer, content, stamp: { slots, versions }, generation: stored ? generation : -1, provenAt }
  }

  // In a flood all that are loaded together ask together: after they have reserved their slots, as must be.
  async #askPrimary({ slots, miss, until }: Want): Promise<number[]> {
    const turn = this.#sources.turnOf(miss.loader)
    if (turn !== null) await turn
    return this.#primary.ask(slots, until - now())
  }

  // The primary says what is newest: slower, still true.
  async #withoutRedis({ slots, floors, held, miss, until }: Want): Promise<Filled> {
    const { versions: newest, at: provenAt } = await this.#primary.recently(slots, until - now())
    const needed = larger(newest, floors)
    if (held && atLeast(held, needed)) {
      miss.counters.revalidated++
      return { layer: 'l1', provenAt, generation: -1 }
    }
    const { content, versions, layer } =
      (await this.#sources.fromReplica(miss, needed)) ??
      (await this.#sources.fromPrimary(miss, until - now()))
    return { layer, content, stamp: { slots, versions }, provenAt, generation: -1 }
  }
}

function keys({ namespace }: Session, name: string): [string, string, string] {
  return [keyOf.known(namespace), keyOf.value(namespace, name), keyOf.lease(namespace, name)]
}

function numbers(list: string): number[] {
  return list.split(',').map(Number)
}
