// What the cache must know of a view. How it looks over HTTP is src/http/view.ts.
import type { MySql2Database } from 'drizzle-orm/mysql2'
import type { Client } from '../../db/statements.ts'
import type { Content } from './content.ts'

/**
 * Drizzle over one connection, inside one read view (a load) or one transaction (a write). `$client` is the connection, for
 * statements that are written by hand (db/statements.ts).
 */
export type Database = MySql2Database & { readonly $client: Client }

/** How values come from a database. Methods, so that a view of any parameters is one. */
export type Loader = {
  readonly name: string
  load(database: Database, parameters: unknown): Promise<Content>
  /** The same for many, in their order, in a bounded number of queries; left out where that makes no sense. */
  loadMany?(database: Database, parameters: readonly unknown[]): Promise<readonly Content[]>
}

export type CacheView<Parameters> = {
  readonly name: string
  /** Changes when the shape of the representation does: a rolling deploy never mixes two shapes. */
  readonly revision: string
  /** It is a list: where not everything can be asked for, it is given up before a single thing is. */
  readonly list?: boolean
  /** Known before loading. */
  tags(parameters: Parameters): readonly string[]
  load(database: Database, parameters: Parameters): Promise<Content>
  loadMany?(database: Database, parameters: readonly Parameters[]): Promise<readonly Content[]>
  /**
   * The keys of all that is not absent, page by page, in the read view of this connection: when most of what is asked for does not
   * exist, the cache learns what does. Left out where there is no such list, or where it would be of millions.
   */
  everyKey?(database: Database): AsyncIterable<readonly string[]>
  /** Backstops, not the means of staying true, ms; jittered by ±10 %. */
  readonly ttlMs: number
  readonly absentTtlMs: number
  /** How long after a change the value before it may still be served, while one loader fetches anew, ms. 0: not at all. */
  readonly staleBudgetMs: number
  /** How long the last value may be served when nobody can be asked, ms; 0: not at all. */
  readonly staleIfErrorMs: number
}
