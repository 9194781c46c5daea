// Writes what is in the stream to the table, in batches. Any number of instances do so at once: the group gives an
// entry to one of them, and to another when that one has died. An entry leaves the group after its COMMIT, so it is
// written at least once; its id is the primary key, so it is there at most once.
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { type Redis, ReplyError } from 'ioredis'
import type { Pool } from '../../db/pool.ts'
import { type Entry, entryOf } from './entry.ts'
import { insertEntries } from './queries.ts'
import { newLife, streamConnection, streamKey } from './stream.ts'

const batchEntries = 500
/** How long fewer than that wait in Redis for company: a statement for each would cost a busy primary as much as the change. */
const gatherMs = 250
/** How long a read waits for something to write. */
const blockMs = 1_000
/** A command may take this much longer than a read waits. */
const commandMs = 2_000
/** Whoever has held an entry for longer has died: a write ends, well or not, long before. */
const abandonedMs = 5_000
const claimEveryMs = 1_000
/** A consumer that has not been heard of for so long is forgotten. */
const forgetMs = 3_600_000
const retryMs = { least: 100, most: 2_000 }

export type ConsumerCounters = {
  /** Entries that are in the table by this instance. */
  written: number
  /** That were there already: another had written them, and died before it could say so. */
  repeated: number
  /** That were none of ours and could not be written. */
  unreadable: number
  /** Taken over from consumers that had died. */
  claimed: number
  failures: number
  /** In the stream and not yet known to be in the table, as last seen. */
  waiting: number
}

export type AuditConsumer = {
  readonly counters: ConsumerCounters
  /** Ends after the batch at hand. */
  close(): Promise<void>
}

export type ConsumerParts = {
  redisUrl: string
  /** Of the primary, for writing. */
  pool: Pool
  log: { warn(details: object, message: string): void }
}

/** An entry of the stream: its id there, and its line. */
type Delivered = { id: string; line: string }

/** Begins to write what is in the stream, on a connection of its own, until closed. Redis and MySQL may come and go. */
export function startAuditConsumer(parts: ConsumerParts): AuditConsumer {
  return new Consumer(parts)
}

class Consumer implements AuditConsumer {
  readonly counters: ConsumerCounters = {
    written: 0,
    repeated: 0,
    unreadable: 0,
    claimed: 0,
    failures: 0,
    waiting: 0
  }
  #parts: ConsumerParts
  #redis: Redis
  /** Tells operators whose it is: XINFO CONSUMERS. */
  #name = `${hostname()}.${process.pid}.${randomUUID().slice(0, 8)}`
  #life: string | null = null
  #claimAt = 0
  #claimFrom = '0-0'
  #blocked = false
  #closing = false
  #wake: () => void = () => {}
  #ended: Promise<void>

  constructor(parts: ConsumerParts) {
    this.#parts = parts
    this.#redis = streamConnection(parts.redisUrl, blockMs + commandMs)
    this.#redis.connect().catch(() => {}) // it goes on trying
    this.#ended = this.#work()
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#wake()
    // What a read gets in this very moment is left to whoever claims it.
    if (this.#blocked) this.#redis.disconnect()
    await this.#ended
    this.#redis.disconnect()
  }

  async #work(): Promise<void> {
    let delayMs = retryMs.least
    while (!this.#closing) {
      try {
        await this.#turn()
        delayMs = retryMs.least
      } catch (error) {
        if (this.#closing) return
        this.#life = null
        // A no is an answer; after silence nobody knows what the connection still brings.
        if (!(error instanceof ReplyError)) this.#redis.stream?.destroy()
        await this.#rest(delayMs)
        delayMs = Math.min(retryMs.most, delayMs * 2)
      }
    }
  }

  async #turn(): Promise<void> {
    const life = this.#life ?? (await this.#join())
    const abandoned = await this.#claim(life)
    const delivered = abandoned.length > 0 ? abandoned : await this.#read(life)
    if (delivered.length > 0) await this.#write(life, delivered)
    else this.counters.waiting = await this.#redis.xlen(streamKey)
  }

  async #join(): Promise<string> {
    const [life] = await this.#redis.auditAppend(streamKey, newLife(), 0)
    // Older servers would only show it once it has been given something.
    await this.#redis.xgroup('CREATECONSUMER', streamKey, life, this.#name)
    this.#life = life
    return life
  }

  /** What others have held for too long: they died, or this process did not hear of its own. */
  async #claim(life: string): Promise<Delivered[]> {
    if (performance.now() < this.#claimAt) return []
    const reply: unknown = await this.#redis.xautoclaim(
      streamKey,
      life,
      this.#name,
      abandonedMs,
      this.#claimFrom,
      'COUNT',
      batchEntries
    )
    const [next, entries] = Array.isArray(reply) ? reply : []
    this.#claimFrom = typeof next === 'string' ? next : '0-0'
    const claimed = deliveredIn(entries)
    this.counters.claimed += claimed.length
    if (this.#claimFrom === '0-0') {
      await this.#redis.auditForget(streamKey, life, forgetMs)
      this.#claimAt = performance.now() + claimEveryMs
    }
    return claimed
  }

  async #read(life: string): Promise<Delivered[]> {
    this.#blocked = true
    try {
      const reply: unknown = await this.#redis.xreadgroup(
        'GROUP',
        life,
        this.#name,
        'COUNT',
        batchEntries,
        'BLOCK',
        blockMs,
        'STREAMS',
        streamKey,
        '>'
      )
      const [stream] = Array.isArray(reply) ? reply : []
      return Array.isArray(stream) ? deliveredIn(stream[1]) : []
    } finally {
      this.#blocked = false
    }
  }

  /** COMMIT first, then the acknowledgement: who dies between the two leaves entries that are written again, to no effect. */
  async #write(life: string, delivered: readonly Delivered[]): Promise<void> {
    const entries = delivered.map(({ line }) => entryOf(line)).filter((entry) => entry !== null)
    const fresh = entries.length > 0 ? await this.#insert(entries) : 0
    if (fresh === null) return
    this.counters.written += fresh
    this.counters.repeated += entries.length - fresh
    this.counters.unreadable += delivered.length - entries.length
    const left = await this.#redis.auditAcknowledge(streamKey, life, ...delivered.map(({ id }) => id))
    if (left < 0) this.#life = null
    else this.counters.waiting = left
    if (delivered.length < batchEntries && !this.#closing) await this.#rest(gatherMs)
  }

  /** @returns how many were new; null when it was closed before the primary would take them */
  async #insert(entries: readonly Entry[]): Promise<number | null> {
    for (let delayMs = retryMs.least; ; delayMs = Math.min(retryMs.most, delayMs * 2)) {
      try {
        return await insertEntries(this.#parts.pool, entries)
      } catch (error) {
        this.counters.failures++
        this.#parts.log.warn({ err: error }, 'audit entries could not be written for now')
        if (this.#closing) return null
        await this.#rest(delayMs)
      }
    }
  }

  async #rest(ms: number): Promise<void> {
    const woken = Promise.withResolvers<void>()
    const timer = setTimeout(woken.resolve, ms)
    this.#wake = woken.resolve
    await woken.promise
    clearTimeout(timer)
  }
}

/** The entries of a reply: `[id, [name, line]]`; the fields of one that was trimmed meanwhile are null. */
function deliveredIn(reply: unknown): Delivered[] {
  if (!Array.isArray(reply)) return []
  return reply.flatMap((entry: unknown) => {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string') return []
    const line: unknown = Array.isArray(entry[1]) ? entry[1][1] : null
    return [{ id: entry[0], line: typeof line === 'string' ? line : '' }]
  })
}
