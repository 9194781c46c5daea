// Brings the schema of the primary to the newest of db/migrations/, and tells whether it is there.

import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle } from 'drizzle-orm/mysql2'
import { migrate as applyMigrations } from 'drizzle-orm/mysql2/migrator'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { withConnection } from './connection.ts'

const migrationsFolder = fileURLToPath(new URL('migrations', import.meta.url))

const limitMs = 600_000
const lockWaitSeconds = 60

/**
 * Applies the migrations that the primary lacks. Any number of processes may call it at once: a lock of the server lets
 * one work while the others wait for it and then find nothing to do.
 * @returns how many this call applied
 * @throws Error of one line: the server is away, refuses, or another process holds the lock for more than a minute
 */
export async function migrate(
  primaryUrl: string,
  report: (line: string) => void = () => {}
): Promise<number> {
  return withConnection(primaryUrl, 'migrate', limitMs, async (connection) => {
    await lock(connection)
    const pending = await pendingMigrations(async (sql) => {
      const [rows] = await connection.query<RowDataPacket[]>(sql)
      return rows
    })
    if (pending === 0) return 0
    report(`applying ${pending} migration${pending === 1 ? '' : 's'}`)
    await applyMigrations(drizzle({ client: connection }), { migrationsFolder })
    return pending
  })
}

/**
 * How many migrations of this program the database lacks: 0 when its schema is current, or newer than this program
 * knows (then another instance of a rolling update has migrated it).
 * @param query runs one statement on the database asked about and gives its rows
 */
export async function pendingMigrations(
  query: (sql: string) => Promise<Record<string, unknown>[]>
): Promise<number> {
  const known = readMigrationFiles({ migrationsFolder }).map((migration) => migration.folderMillis)
  const [table] = await query(
    `SELECT COUNT(*) AS found FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_name = '__drizzle_migrations'`
  )
  if (Number(table?.found) === 0) return known.length
  const [applied] = await query('SELECT MAX(created_at) AS newest FROM __drizzle_migrations')
  const newest = Number(applied?.newest ?? 0)
  return known.filter((createdAt) => createdAt > newest).length
}

// Not a row lock: DDL commits, which would let go of it between two statements. The lock ends with the connection.
async function lock(connection: Connection): Promise<void> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT GET_LOCK(CONCAT('migrate:', SHA1(DATABASE())), ${lockWaitSeconds}) AS taken`
  )
  if (row?.taken !== 1) throw new Error(`another process has been migrating it for ${lockWaitSeconds} s`)
}
