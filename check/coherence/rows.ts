// The rows under check: items with a counter each, and lists that count the changes of their items. A value is its
// counter, so that how old a read is can be told by subtraction.
import { sql } from 'drizzle-orm'
import type { RowDataPacket } from 'mysql2/promise'
import { withConnection } from '../../db/connection.ts'
import type { Database } from '../../src/cache/view.ts'
import type { Rows } from './messages.ts'

const limitMs = 30_000

/** How old a board may be served. A list may not be. */
export const boardBudgetMs = 1_000

export type Raised = { item: number; itemValue: number; list: number; listValue: number }
export type Value = { counter: number; torn: boolean }

/** Adds rows of its own for one run, next to those of earlier ones, and waits until every replica has them. */
export async function addRows(
  primaryUrl: string,
  replicaUrls: readonly string[],
  items: number,
  lists: number
): Promise<Rows> {
  const firstId = await withConnection(primaryUrl, 'prepare', limitMs, async (connection) => {
    await connection.query(
      'CREATE TABLE IF NOT EXISTS check_items (id INT PRIMARY KEY, list_id INT NOT NULL, counter INT NOT NULL, KEY (list_id))'
    )
    await connection.query(
      'CREATE TABLE IF NOT EXISTS check_lists (id INT PRIMARY KEY, counter INT NOT NULL)'
    )
    const [[last]] = await connection.query<RowDataPacket[]>('SELECT MAX(id) AS id FROM check_lists')
    const first = Number(last?.id ?? 0) + 1
    const rows = { firstId: first, items, lists }
    await connection.query('INSERT INTO check_items (id, list_id, counter) VALUES ?', [
      Array.from({ length: items }, (_, item) => [first + item, first + listOf(rows, item), 0])
    ])
    await connection.query('INSERT INTO check_lists (id, counter) VALUES ?', [
      Array.from({ length: lists }, (_, list) => [first + items + list, 0])
    ])
    return first
  })
  const last = firstId + items + lists - 1
  await Promise.all(replicaUrls.map((url) => follows(url, last)))
  return { firstId, items, lists }
}

async function follows(replicaUrl: string, lastList: number): Promise<void> {
  await withConnection(replicaUrl, 'prepare', limitMs, async (connection) => {
    for (;;) {
      // Here the table itself may not have come yet.
      const [found] = await connection
        .query<RowDataPacket[]>('SELECT 1 FROM check_lists WHERE id = ?', [lastList])
        .catch((error: NodeJS.ErrnoException): [RowDataPacket[]] => {
          if (error.code === 'ER_NO_SUCH_TABLE') return [[]]
          throw error
        })
      if (found.length > 0) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
}

/** The key of the list that an item is in. */
export function listOf({ items, lists }: Rows, item: number): number {
  return items + (item % lists)
}

/** A board is a list that may be served a while after it changed. */
export function isBoard({ items, lists }: Rows, key: number): boolean {
  return key >= items + lists
}

/** What has the value of `key`: itself, or the list that a board shows. */
export function sourceOf(rows: Rows, key: number): number {
  return isBoard(rows, key) ? key - rows.lists : key
}

export function idOf(rows: Rows, key: number): number {
  return rows.firstId + sourceOf(rows, key)
}

export function tagOf(rows: Rows, key: number): string {
  return `check:${idOf(rows, key)}`
}

/** Counts one change of an item and of its list, inside the caller's transaction. */
export async function raise(database: Database, rows: Rows, item: number): Promise<Raised> {
  const list = listOf(rows, item)
  const itemId = rows.firstId + item
  const listId = rows.firstId + list
  await database.execute(sql`UPDATE check_items SET counter = counter + 1 WHERE id = ${itemId}`)
  await database.execute(sql`UPDATE check_lists SET counter = counter + 1 WHERE id = ${listId}`)
  const [values] = await database.execute(
    sql`SELECT (SELECT counter FROM check_items WHERE id = ${itemId}) AS item,
               (SELECT counter FROM check_lists WHERE id = ${listId}) AS list`
  )
  const row = firstRow(values)
  return { item, itemValue: Number(row.item), list, listValue: Number(row.list) }
}

/** The values of some items, in one statement. */
export async function loadItems(database: Database, rows: Rows, items: readonly number[]): Promise<Value[]> {
  const ids = items.map((item) => idOf(rows, item))
  const [found] = await database.execute(sql`SELECT id, counter FROM check_items WHERE id IN ${ids}`)
  const counters = new Map(rowsOf(found).map(({ id, counter }) => [Number(id), Number(counter)]))
  return ids.map((id) => {
    const counter = counters.get(id)
    if (counter === undefined) throw new Error('an item under check is missing')
    return { counter, torn: false }
  })
}

/**
 * A list or a board, in two statements: its own counter and the sum of its items'. In one read view they agree.
 * @param between runs between the two
 */
export async function loadList(
  database: Database,
  rows: Rows,
  key: number,
  between: () => Promise<void>
): Promise<Value> {
  const id = idOf(rows, key)
  const [found] = await database.execute(sql`SELECT counter FROM check_lists WHERE id = ${id}`)
  await between()
  const [summed] = await database.execute(
    sql`SELECT SUM(counter) AS counter FROM check_items WHERE list_id = ${id}`
  )
  const counter = Number(firstRow(found).counter)
  return { counter, torn: counter !== Number(firstRow(summed).counter) }
}

function firstRow(rows: unknown): Record<string, unknown> {
  const [row] = rowsOf(rows)
  if (row === undefined) throw new Error('a row under check is missing')
  return row
}

function rowsOf(rows: unknown): Record<string, unknown>[] {
  return Array.isArray(rows) ? rows : []
}
