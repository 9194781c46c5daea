// Empty databases beside the one that a test file's engines come with.

import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import type { Test } from 'tap'

/** A connection that ends with the test; instants come as text. */
export async function connect(t: Pick<Test, 'teardown'>, url: string): Promise<Connection> {
  const connection = await mysql.createConnection({
    uri: url,
    timezone: 'Z',
    dateStrings: true,
    connectTimeout: 5_000
  })
  t.teardown(() => connection.destroy())
  return connection
}

/** The URL of a new, empty database on the same server. */
export async function emptyDatabase(connection: Connection, url: string, name: string): Promise<string> {
  // What a server set up without a thought would give: the tables must not depend on it.
  await connection.query(`CREATE DATABASE ${name} CHARACTER SET latin1`)
  return Object.assign(new URL(url), { pathname: name }).href
}

/** The rows of one statement. */
export async function rowsOf(
  connection: Connection,
  sql: string,
  values: unknown[] = []
): Promise<RowDataPacket[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql, values)
  return rows
}

/** The only value of the only row. */
export async function onlyValue(
  connection: Connection,
  sql: string,
  values: unknown[] = []
): Promise<unknown> {
  const [row = {}] = await rowsOf(connection, sql, values)
  return Object.values(row)[0]
}
