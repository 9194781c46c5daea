// What only the primary knows: the versions as they are now, and how they rise. The one place where MySQL and
// MariaDB differ for the cache.
import { hash } from 'node:crypto'
import type { Pool, PoolConnection, Row } from '../../db/pool.ts'
import type { LinkCounters } from './events.ts'
import type { Stamp } from './slot.ts'

type VersionRow = Row & { slot: number; version: number }

const relayBatch = 2_000
const identityWithinMs = 500

export class Primary {
  #pool: Pool
  #counters: LinkCounters
  #mariadb: boolean | undefined
  #asking: { slots: Set<number>; answer: Promise<Map<number, number>> } | null = null

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
   * Raises the versions of `slots` (ascending, so that no two writers deadlock) inside the caller's transaction, marks
   * them untold and returns what they are now. The rows stay locked until COMMIT: it comes last before it.
   */
  async raise(connection: PoolConnection, slots: readonly number[]): Promise<Stamp> {
    if (await this.#isMariadb()) {
      const [rows] = await connection.query<VersionRow[]>(
        'INSERT INTO cache_slots (slot, version, untold) VALUES ? ON DUPLICATE KEY UPDATE version = version + 1, untold = 1 RETURNING slot, version',
        [slots.map((slot) => [slot, 1, 1])]
      )
      return stampOf(slots, rows)
    }
    await connection.query('UPDATE cache_slots SET version = version + 1, untold = 1 WHERE slot IN (?)', [
      slots
    ])
    return { slots, versions: await versionsOn(connection, slots) }
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

function stampOf(slots: readonly number[], rows: readonly VersionRow[]): Stamp {
  const versions = new Map(rows.map(({ slot, version }) => [slot, version]))
  return { slots, versions: slots.map((slot) => versions.get(slot) ?? 0) }
}
