// Statements as texts with their values in place, and how several of them go to the server in one packet. For what is sent
// so often that building it anew each time, or a round trip for each, would cost more than running it. The names of
// columns and what their values are in the database come from db/schema.ts; values are escaped here and nowhere else.

import { type Column, getTableColumns, getTableName } from 'drizzle-orm'
import type { MySqlColumn, MySqlTable } from 'drizzle-orm/mysql-core'
import mysql from 'mysql2'
import { uuidToSql } from './columns.ts'
import type { PoolConnection, Row } from './pool.ts'

/** SQL that can be sent as it is. Nothing but the functions of this file and constants of the code may make one. */
export type Statement = string

/** Whatever sends statements: a connection, or what stands before one. */
export type Client = Pick<PoolConnection, 'query'>

/** Instants and ids go as their columns have them (db/columns.ts). */
export type Value = string | number | boolean | null | Buffer | Value[]

/** @param sql a constant; `?` stands for a value, `(?)` for a list of them, `VALUES ?` for rows */
export function statement(sql: string, values: readonly Value[]): Statement {
  return mysql.format(sql, [...values])
}

/** Adds these rows. What a row does not say is the column's default. */
export function insertInto<Table extends MySqlTable>(
  table: Table,
  rows: readonly Table['$inferInsert'][]
): Statement {
  const { name, columns } = partsOf(table)
  const given: readonly Readonly<Record<string, unknown>>[] = rows
  const said = columns.filter(({ field }) => given.some((row) => row[field] !== undefined))
  const names = said.map(({ name }) => name).join(', ')
  const values = given.map((row) => `(${said.map((column) => column.written(row[column.field])).join(', ')})`)
  return `INSERT INTO ${name} (${names}) VALUES ${values.join(', ')}`
}

/** What is to become of the row with this id. What `row` does not say stays. */
export type RowChange<Table extends MySqlTable> = { id: string; row: Partial<Table['$inferInsert']> }

/** Changes rows, each another one. Those of which the same is said share a statement: each is answered by itself. */
export function updatesById<Table extends MySqlTable & { id: MySqlColumn }>(
  table: Table,
  changes: readonly RowChange<Table>[]
): Statement[] {
  const { name, columns } = partsOf(table)
  const alike = Map.groupBy(changes.map(told), ({ names }) => names.join())
  return [...alike.values()].map((group) => update(group))

  function told(change: RowChange<Table>) {
    const row: Readonly<Record<string, unknown>> = change.row
    const said = columns.filter(({ field }) => row[field] !== undefined)
    return {
      id: literal(table.id, change.id),
      names: said.map(({ name }) => name),
      values: said.map((column) => column.written(row[column.field]))
    }
  }

  function update(group: readonly ReturnType<typeof told>[]): Statement {
    const names = group[0]?.names ?? []
    const parts = names.map((name, i) => `${name} = ${group.length === 1 ? group[0]?.values[i] : chosen(i)}`)
    const ids = group.map(({ id }) => id).join(', ')
    return `UPDATE ${name} SET ${parts.join(', ')} WHERE id IN (${ids})`

    function chosen(i: number): string {
      return `CASE id ${group.map(({ id, values }) => `WHEN ${id} THEN ${values[i]}`).join(' ')} END`
    }
  }
}

const idType = 'binary(16)'

/** A column: how a row calls it, how SQL does, and how a value of it is written there. */
type Written = { field: string; name: string; written(value: unknown): string }
type Parts = { name: string; columns: readonly Written[] }

const known = new WeakMap<MySqlTable, Parts>()

/** What is the same of each statement that a table is in. */
function partsOf(table: MySqlTable): Parts {
  const made = known.get(table)
  if (made) return made
  const columns = Object.entries(getTableColumns(table)).map(([field, column]) => ({
    field,
    name: mysql.escapeId(column.name),
    written: (value: unknown) => (value === undefined ? 'DEFAULT' : literal(column, value))
  }))
  const parts = { name: mysql.escapeId(getTableName(table)), columns }
  known.set(table, parts)
  return parts
}

function literal(column: Column, value: unknown): string {
  // Nearly every second value is an id: it need not become bytes first.
  if (typeof value === 'string' && column.getSQLType() === idType) return uuidToSql(value)
  return mysql.escape(valueFor(column, value))
}

function valueFor(column: Pick<Column, 'mapToDriverValue'>, value: unknown): Value {
  const driven = value === null ? null : column.mapToDriverValue(value)
  if (driven === null || Buffer.isBuffer(driven)) return driven
  if (typeof driven === 'string' || typeof driven === 'number' || typeof driven === 'boolean') return driven
  // The driver would make `name = value` pairs of an object: SQL that nobody has written.
  throw new TypeError('not a value of SQL')
}

/**
 * Sends statements in one packet. They run in their order, and none after the first that fails.
 * @returns what each has answered: `rowsIn` reads those that have rows. Dates are texts.
 */
export async function send(
  connection: Client,
  statements: readonly Statement[]
): Promise<readonly unknown[]> {
  const [answer] = await connection.query({ sql: statements.join(';\n'), dateStrings: true })
  // A single statement is answered by its own result alone.
  if (statements.length === 1) return [answer]
  return Array.isArray(answer) ? answer : []
}

/** The rows of one of the results of `send`; none where it has none. */
export function rowsIn<R extends Row>(result: unknown): R[] {
  return Array.isArray(result) ? result : []
}
