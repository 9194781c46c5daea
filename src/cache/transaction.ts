// One transaction on the primary, with as few round trips as its work allows: it begins with its first statement, and what
// nobody waits for, the versions and COMMIT go together at its end.
import { drizzle } from 'drizzle-orm/mysql2'
import mysql from 'mysql2'
import type { PoolConnection, Row } from '../../db/pool.ts'
import { type Statement, send } from '../../db/statements.ts'
import type { Content } from './content.ts'
import type { Primary } from './primary.ts'
import { type Stamp, slotsOf } from './slot.ts'
import type { CacheView, Database } from './view.ts'

/** A transaction on the primary. The versions of what it touches rise in it, last before COMMIT. */
export type Transaction = {
  readonly database: Database
  /** Runs statements in one packet. @returns what each has answered */
  send(statements: readonly Statement[]): Promise<readonly unknown[]>
  /** A statement whose outcome the work needs not know: it goes with COMMIT, and is undone with the rest if it fails. */
  atEnd(statement: Statement): void
  /** Names what changed. Functions that change a table call it themselves: a forgotten touch is a stale read. */
  touch(...tags: string[]): void
  /**
   * What a view holds of it from COMMIT on, so that nobody has to load it: for the next reader here and elsewhere. All
   * that `content` is made of must be locked by this transaction, and every tag of the view touched in it: then its
   * versions are exactly those that rise here.
   */
  keep<P>(view: CacheView<P>, key: string, parameters: P, content: Content): void
}

/** What will be true of a view's entry when it is committed. */
export type Kept = {
  view: Pick<CacheView<unknown>, 'name' | 'revision' | 'ttlMs' | 'absentTtlMs'>
  key: string
  slots: readonly number[]
  content: Content
}

const begin = 'START TRANSACTION'

export class OpenTransaction implements Transaction {
  readonly kept: Kept[] = []
  #database: Database | undefined
  #connection: PoolConnection
  #begun = false
  #tags: string[] = []
  #last: Statement[] = []

  constructor(connection: PoolConnection) {
    this.#connection = connection
  }

  /** Made at first need: what is sent often is no text of the query builder. */
  get database(): Database {
    this.#database ??= drizzle({ client: this.#beginning(this.#connection) })
    return this.#database
  }

  send = async (statements: readonly Statement[]): Promise<readonly unknown[]> => {
    if (this.#begun) return send(this.#connection, statements)
    this.#begun = true
    const [, ...results] = await send(this.#connection, [begin, ...statements])
    return results
  }

  atEnd = (statement: Statement): void => {
    this.#last.push(statement)
  }

  touch = (...tags: string[]): void => {
    this.#tags.push(...tags)
  }

  keep = <P>(view: CacheView<P>, key: string, parameters: P, content: Content): void => {
    this.kept.push({ view, key, slots: slotsOf(view.tags(parameters)), content })
  }

  /** @returns the versions that it made. @throws Error for what is kept and was not touched: nothing is written then */
  async commit(primary: Primary): Promise<Stamp> {
    const slots = slotsOf(this.#tags)
    for (const { view, slots: needed } of this.kept) {
      const isTouched = needed.every((slot) => slots.includes(slot))
      if (!isTouched) throw new Error(`kept for ${view.name}, but not all that it depends on was touched`)
    }
    const raising = slots.length > 0 ? await primary.raising(slots) : null
    if (!this.#begun && this.#last.length === 0 && raising === null) return { slots, versions: [] }
    const results = await this.send([...this.#last, ...(raising?.statements ?? []), 'COMMIT'])
    // The last but COMMIT tells what they are now.
    return raising?.raised(results.at(-2)) ?? { slots, versions: [] }
  }

  // The query builder sends what it builds one by one: the first of them takes the beginning along.
  #beginning(connection: PoolConnection): PoolConnection {
    const query = async (asked: string | mysql.QueryOptions, values: mysql.SqlValue[] = []) => {
      const options = typeof asked === 'string' ? { sql: asked } : asked
      if (this.#begun) return connection.query(options, values)
      this.#begun = true
      const sql = `${begin};\n${mysql.format(options.sql, values)}`
      const [[, result], [, fields]] = await connection.query<Row[][]>({ ...options, sql })
      return [result, fields]
    }
    return new Proxy(connection, {
      get: (target, name) => (name === 'query' ? query : Reflect.get(target, name))
    })
  }
}
