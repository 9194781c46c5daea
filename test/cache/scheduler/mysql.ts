// A primary and a replica that lags, in memory: they understand the statements that the cache sends and those of
// `counterView`, and nothing else. Each statement goes at one point and is answered at another.
import { Pool, type PoolConnection, type Purpose } from '../../../db/pool.ts'
import { Replica, Replicas } from '../../../db/replicas.ts'
import type { Point } from './redis.ts'

/** What one commit left behind; never changed. */
type Snapshot = { readonly versions: ReadonlyMap<number, number>; readonly value: number }

const firstVersion = 1

export class FakeMysql {
  /** Slots whose version Redis may not know. */
  readonly untold = new Set<number>()
  #first: Snapshot
  #commits: Snapshot[]
  #applied = 0
  #lock: Promise<void> = Promise.resolve()

  /** @param slots those that have a row from the beginning */
  constructor(slots: readonly number[]) {
    this.#first = { versions: new Map(slots.map((slot) => [slot, firstVersion])), value: firstVersion }
    this.#commits = [this.#first]
  }

  get primary(): Snapshot {
    return this.#commits.at(-1) ?? this.#first
  }

  get replica(): Snapshot {
    return this.#commits[this.#applied] ?? this.primary
  }

  /** The replica applies all that has been committed by now. */
  replicate(): void {
    this.#applied = this.#commits.length - 1
  }

  commit(next: Snapshot): void {
    this.#commits.push(next)
  }

  /** Rows stay locked from here until the function that it resolves to is called. */
  async locked(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#lock
    this.#lock = promise
    await before
    return resolve
  }
}

export function versionOf({ versions }: Snapshot, slot: number): number {
  return versions.get(slot) ?? firstVersion
}

/** A unit of work on one server: a transaction on the primary, or one read view. */
class Session {
  #mysql: FakeMysql
  #server: 'primary' | 'replica'
  #purpose: Purpose
  #point: (what: string) => Promise<void>
  #view: Snapshot | null = null
  #draft: Snapshot | null = null
  #raised: number[] = []
  #unlock: (() => void) | null = null

  constructor(mysql: FakeMysql, server: 'primary' | 'replica', purpose: Purpose, point: Point) {
    this.#mysql = mysql
    this.#server = server
    this.#purpose = purpose
    this.#point = point
  }

  /** As mysql2 has it: a text or `{ sql }`, values apart or in it, [rows, fields] back; of several, a list of each. */
  query = async (
    statement: string | { sql: string },
    values: readonly unknown[] = []
  ): Promise<[unknown, []]> => {
    const sql = typeof statement === 'string' ? statement : statement.sql
    const what = sql.slice(0, 60)
    await this.#point(`→ ${what}`)
    // A packet of several arrives and is answered as one.
    const results: object[][] = []
    for (const each of sql.split(';\n')) results.push(await this.#run(each, values))
    const rows = results.length === 1 ? results[0] : results
    await this.#point(`← ${what} = ${JSON.stringify(rows)}`)
    return [rows, []]
  }

  rollBack(): void {
    this.#draft = null
    this.#unlock?.()
    this.#unlock = null
  }

  async #run(sql: string, values: readonly unknown[]): Promise<object[]> {
    if (sql.startsWith('START TRANSACTION')) return []
    if (sql.startsWith('COMMIT')) return this.#commit()
    if (sql.startsWith('SELECT VERSION()')) return [{ version: '10.11.0-MariaDB' }]
    if (sql.startsWith('SELECT @@server_uid')) return [{ id: 'the one primary' }]
    if (sql.startsWith('SELECT slot, version FROM cache_slots WHERE slot IN')) {
      const view = this.#read()
      return numbersOf(values).map((slot) => ({ slot, version: versionOf(view, slot) }))
    }
    if (sql.startsWith('SELECT slot, version FROM cache_slots WHERE slot BETWEEN')) {
      const [from = 0, to = 0] = numbersOf(values)
      const rows = [...this.#read().versions].filter(([slot]) => slot >= from && slot <= to)
      return rows.map(([slot, version]) => ({ slot, version }))
    }
    if (sql.startsWith('SELECT slot, version FROM cache_slots WHERE untold')) {
      return [...this.#mysql.untold].map((slot) => ({ slot, version: versionOf(this.#mysql.primary, slot) }))
    }
    if (sql.startsWith('UPDATE cache_slots SET untold = NULL WHERE (slot, version) IN')) {
      for (const [slot, version] of pairsOf(numbersOf(values))) {
        if (versionOf(this.#mysql.primary, slot) === version) this.#mysql.untold.delete(slot)
      }
      return []
    }
    if (sql.startsWith('INSERT INTO cache_slots')) {
      return this.#raise([...sql.matchAll(/\((\d+), 1, 1\)/g)].map(([, slot]) => Number(slot)))
    }
    if (sql.startsWith('SELECT value FROM counters')) return [{ value: this.#read().value }]
    if (sql.startsWith('UPDATE counters SET value = value + 1')) {
      const { versions, value } = await this.#drafted()
      this.#draft = { versions, value: value + 1 }
      return []
    }
    throw new Error(`no statement of the cache: ${sql}`)
  }

  // REPEATABLE READ: what the first statement saw, the others see.
  #read(): Snapshot {
    const now = this.#mysql[this.#server]
    if (this.#purpose === 'write') return this.#draft ?? now
    this.#view ??= now
    return this.#view
  }

  async #drafted(): Promise<Snapshot> {
    this.#unlock ??= await this.#mysql.locked()
    this.#draft ??= this.#mysql.primary
    return this.#draft
  }

  async #raise(slots: readonly number[]): Promise<object[]> {
    const { versions, value } = await this.#drafted()
    const raised = new Map(versions)
    for (const slot of slots) raised.set(slot, (versions.get(slot) ?? firstVersion) + 1)
    this.#draft = { versions: raised, value }
    this.#raised.push(...slots)
    return slots.map((slot) => ({ slot, version: raised.get(slot) ?? 0 }))
  }

  #commit(): object[] {
    if (this.#draft) {
      this.#mysql.commit(this.#draft)
      for (const slot of this.#raised) this.#mysql.untold.add(slot)
    }
    this.rollBack()
    return []
  }
}

export class FakePool extends Pool {
  #session: () => Session

  constructor(mysql: FakeMysql, server: 'primary' | 'replica', purpose: Purpose, name: string, point: Point) {
    super({ ...unused, purpose })
    this.#session = () => new Session(mysql, server, purpose, (what) => point(`${name} ${server} ${what}`))
  }

  override async use<T>(work: (connection: PoolConnection) => Promise<T>): Promise<T> {
    const session = this.#session()
    if (!isConnection(session)) throw new Error('a session answers queries')
    try {
      return await work(session)
    } finally {
      session.rollBack()
    }
  }
}

export class FakeReplicas extends Replicas {
  #replica: FakeReplica

  constructor(pool: Pool) {
    super({ ...unused, urls: [], maxLagMs: 0 })
    this.#replica = new FakeReplica(pool)
  }

  override choose(): Replica {
    return this.#replica
  }
}

class FakeReplica extends Replica {
  override readonly pool: Pool

  constructor(pool: Pool) {
    super('replica', unused.url, { ...unused, urls: [], maxLagMs: 0 })
    this.pool = pool
  }
}

// Nothing connects there.
const unused = { url: 'mysql://nowhere', connections: 1, connectTimeoutMs: 1, workTimeoutMs: 1 }

// Of a connection the cache and drizzle use nothing but `query`.
function isConnection(session: Session): session is Session & PoolConnection {
  return typeof session.query === 'function'
}

function numbersOf(values: readonly unknown[]): number[] {
  return values.flatMap((value) => (Array.isArray(value) ? numbersOf(value) : [Number(value)]))
}

function pairsOf(numbers: readonly number[]): [number, number][] {
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i] ?? 0, numbers[2 * i + 1] ?? 0])
}
