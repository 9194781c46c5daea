// What only the primary knows: the versions as they are now, and how they rise. The one place where MySQL and
// MariaDB differ for the cache.
import { hash } from 'node:crypto'
import type { Pool, PoolConnection, Row } from '../../db/pool.ts'
import { rowsIn, type Statement, statement } from '../../db/statements.ts'
import type { LinkCounters } from './events.ts'
import { proofMs } from './link.ts'
import { type Stamp, slotCount } from './slot.ts'

type VersionRow = Row & { slot: number; version: number }

const relayBatch = 2_000
const identityWithinMs = 500
/** Rows that are read at once where all are. */
const versionsBatch = 16_384

/** How long an answer of the primary is good for where nothing else tells, ms. */
const answerMs = proofMs
/** A slot that somebody wanted this short a time ago is asked for along with others, ms. */
const wantedMs = 200

/** A version as the primary had it at `at`, local monotonic ms of when it was asked. */
type Known = { version: number; at: number; wantedAt: number }

/** `raised` makes the stamp of what the last of the statements has answered. */
export type Raising = { statements: readonly Statement[]; raised(result: unknown): Stamp }

export class Primary {
  #pool: Pool
  #counters: LinkCounters
  #mariadb: boolean | undefined
  #asking: { slots: Set<number>; answer: Promise<Map<number, number>> } | null = null
  #recent = new Map<number, Known>()
  #refreshing: Promise<void> | null = null

  constructor(pool: Pool, counters: LinkCounters) {
    this.#pool = pool
    this.#counters = counters
  }

  /** A short name of the server's own lasting identity. @throws DatabaseUnavailable */
  async identity(): Promise<string> {
    const variable = (await this.#isMariadb()) ? '@@server_uid' : '@@server_uuid'
    const [row] = await this.#pool.query<Row & { id: string }>(
      `SELECT ${variable} AS id`,
      [],
      identityWithinMs
    )
    return hash('sha256', String(row?.id), 'hex').slice(0, 8)
  }

  /** The versions of these slots, in their order. All who ask in one tick share a query. @throws DatabaseUnavailable */
  async ask(slots: readonly number[], limitMs: number): Promise<number[]> {
    this.#asking ??= this.#askTogether(limitMs)
    for (const slot of slots) this.#asking.slots.add(slot)
    const answer = await this.#asking.answer
    return slots.map((slot) => answer.get(slot) ?? 0)
  }

  /**
   * The versions of these slots as they were at `at`, no earlier than 50 ms before this call. For readers without Redis: one query
   * answers for all slots that have been wanted of late, so that however many there are, an instance asks about twenty
   * times a second. @throws DatabaseUnavailable
   */
  async recently(slots: readonly number[], limitMs: number): Promise<{ versions: number[]; at: number }> {
    const earliest = performance.now() - answerMs
    for (;;) {
      const known = slots.map((slot) => this.#want(slot))
      const at = Math.min(...known.map((one) => one.at))
      if (at > earliest) return { versions: known.map(({ version }) => version), at }
      this.#refreshing ??= this.#refresh(limitMs).finally(() => {
        this.#refreshing = null
      })
      await this.#refreshing
    }
  }

  // Wanted anew each time round: a slot that waits for a slow answer must not be taken for one that nobody wants.
  #want(slot: number): Known {
    const known = this.#recent.get(slot) ?? { version: 0, at: Number.NEGATIVE_INFINITY, wantedAt: 0 }
    known.wantedAt = performance.now()
    this.#recent.set(slot, known)
    return known
  }

  async #refresh(limitMs: number): Promise<void> {
    const at = performance.now()
    for (const [slot, { wantedAt }] of this.#recent) if (at - wantedAt > wantedMs) this.#recent.delete(slot)
    const slots = [...this.#recent.keys()]
    // This process stood still since they were wanted, and all are forgotten: whoever waits wants them anew.
    if (slots.length === 0) return
    const versions = await this.ask(slots, limitMs)
    slots.forEach((slot, i) => {
      const known = this.#recent.get(slot)
      if (known) Object.assign(known, { version: versions[i] ?? 0, at })
    })
  }

  /**
   * What raises the versions of `slots` (ascending, so that no two writers deadlock), marks them untold and tells what
   * they are now. The rows stay locked until COMMIT: it comes last before it, in the same packet.
   */
  async raising(slots: readonly number[]): Promise<Raising> {
    const rows = slots.map((slot) => [slot, 1, 1])
    const raised = (result: unknown) => stampOf(slots, rowsIn<VersionRow>(result))
    if (await this.#isMariadb()) {
      return {
        statements: [
          statement(
            'INSERT INTO cache_slots (slot, version, untold) VALUES ? ON DUPLICATE KEY UPDATE version = version + 1, untold = 1 RETURNING slot, version',
            [rows]
          )
        ],
        raised
      }
    }
    return {
      statements: [
        statement('UPDATE cache_slots SET version = version + 1, untold = 1 WHERE slot IN (?)', [[...slots]]),
        statement('SELECT slot, version FROM cache_slots WHERE slot IN (?)', [[...slots]])
      ],
      raised
    }
  }

  /** Tells what its writers could not tell, and remembers that it is told. @throws DatabaseUnavailable, or what `tell` throws */
  async relay(tell: (pairs: readonly number[]) => Promise<void>): Promise<void> {
    for (;;) {
      const rows = await this.#pool.query<VersionRow>(
        `SELECT slot, version FROM cache_slots WHERE untold = 1 LIMIT ${relayBatch}`
      )
      if (rows.length === 0) return
      await tell(rows.flatMap(({ slot, version }) => [slot, version]))
      this.#counters.relayed += rows.length
      // Only where the version is still the one told: a writer that raised it since has marked it anew.
      await this.#pool.query('UPDATE cache_slots SET untold = NULL WHERE (slot, version) IN (?)', [
        rows.map(({ slot, version }) => [slot, version])
      ])
      if (rows.length < relayBatch) return
    }
  }

  #askTogether(limitMs: number) {
    const slots = new Set<number>()
    const answer = new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
      this.#asking = null
      this.#counters.askedPrimary++
      const rows = await this.#pool.query<VersionRow>(
        'SELECT slot, version FROM cache_slots WHERE slot IN (?)',
        [[...slots]],
        limitMs
      )
      return new Map(rows.map(({ slot, version }) => [slot, version]))
    })
    return { slots, answer }
  }

  async #isMariadb(): Promise<boolean> {
    if (this.#mariadb === undefined) {
      const [row] = await this.#pool.query<Row & { version: string }>('SELECT VERSION() AS version')
      this.#mariadb = /mariadb/i.test(String(row?.version))
    }
    return this.#mariadb
  }
}

/** The versions of `slots` in the read view or transaction of this connection, in their order. */
export async function versionsOn(connection: PoolConnection, slots: readonly number[]): Promise<number[]> {
  const [rows] = await connection.query<VersionRow[]>(
    'SELECT slot, version FROM cache_slots WHERE slot IN (?)',
    [slots]
  )
  return [...stampOf(slots, rows).versions]
}

/** The version of each slot, by its number; 0 where it has none. */
export type EveryVersion = Float64Array

/** The versions of all slots in the read view of this connection. */
export async function everyVersion(connection: PoolConnection): Promise<EveryVersion> {
  const versions = new Float64Array(slotCount)
  for (let from = 0; from < slotCount; from += versionsBatch) {
    const [rows] = await connection.query<VersionRow[]>(
      'SELECT slot, version FROM cache_slots WHERE slot BETWEEN ? AND ?',
      [from, from + versionsBatch - 1]
    )
    for (const { slot, version } of rows) versions[slot] = version
  }
  return versions
}

function stampOf(slots: readonly number[], rows: readonly VersionRow[]): Stamp {
  const versions = new Map(rows.map(({ slot, version }) => [slot, version]))
  return { slots, versions: slots.map((slot) => versions.get(slot) ?? 0) }
}
