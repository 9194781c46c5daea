// Loads a data set into an empty, migrated database: once, whole, and never over anybody else's rows.
// It goes past the cache, so it belongs before the service's first start.

import { setImmediate } from 'node:timers/promises'
import { getTableName } from 'drizzle-orm'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { withConnection } from '../connection.ts'
import { pendingMigrations } from '../migrate.ts'
import type { Scale } from './generate.ts'
import { generate, sizes } from './generate.ts'
import type { Digest } from './literals.ts'
import { digesting, writings } from './literals.ts'
import type { Rows } from './rows.ts'
import { perTable, seeded, tableNames } from './rows.ts'

export { known } from './known.ts'
export type { Scale }

const limitMs = 3_600_000
const lockWaitSeconds = 600
// Of bookings and users together: what one transaction inserts.
const rowsPerBatch = 1_000

/**
 * Fills the database with a data set; where one was loaded before, of whatever scale, it says so and leaves it. A load
 * that was cut short is cleared away and done again. Several processes may call it at once: one loads, the others wait.
 * @throws Error of one line: the server is away, the schema is behind, or there are rows that no seed put there
 */
export async function seed(
  primaryUrl: string,
  scale: Scale,
  report: (line: string) => void = () => {}
): Promise<void> {
  await withConnection(primaryUrl, 'seed', limitMs, async (connection) => {
    await lock(connection, report)
    const select = async (sql: string) => (await connection.query<RowDataPacket[]>(sql))[0]
    if ((await pendingMigrations(select)) > 0) throw new Error('its schema is behind: migrate it first')

    await connection.query(markTable)
    const [mark] = await select('SELECT scale, finished_at AS finishedAt FROM __seed')
    if (mark?.finishedAt) return report(`the data set "${mark.scale}" is there already`)
    if (mark) {
      report('an earlier load was cut short: clearing it away')
      await clear(connection)
    } else if ((await select('SELECT 1 FROM users LIMIT 1')).length > 0) {
      throw new Error('it holds rows that no seed put there')
    }

    await connection.query('INSERT INTO __seed (scale, begun_at) VALUES (?, UTC_TIMESTAMP())', [scale])
    const { sha256, rows } = await load(connection, scale, report)
    await connection.query('UPDATE __seed SET finished_at = UTC_TIMESTAMP(), sha256 = ?', [sha256])
    report(
      `loaded ${thousands(rows.users)} users, ${thousands(rows.profiles)} therapists, ` +
        `${thousands(rows.bookings)} bookings, ${thousands(rows.payments)} payments`
    )
  })
}

/** The digest of a data set, without a database. */
export function digestOf(scale: Scale): Digest {
  const digest = digesting()
  for (const rows of generate(scale)) {
    for (const name of tableNames) for (const row of rows[name]) digest.add(name, writings[name].tuple(row))
  }
  return digest.digest()
}

// Written before the first row and finished after the last: between the two, the rows are a torso of our own making.
const markTable = `CREATE TABLE IF NOT EXISTS __seed (
  scale VARCHAR(8) NOT NULL PRIMARY KEY, begun_at DATETIME NOT NULL, finished_at DATETIME NULL, sha256 CHAR(64) NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin`

/** One seeder at a time; the lock ends with the connection. */
async function lock(connection: Connection, report: (line: string) => void): Promise<void> {
  const take = async (seconds: number) => {
    const [[row]] = await connection.query<RowDataPacket[]>(
      `SELECT GET_LOCK(CONCAT('seed:', SHA1(DATABASE())), ${seconds}) AS taken`
    )
    return row?.taken === 1
  }
  if (await take(0)) return
  report('another process is loading the data set: waiting for it')
  if (!(await take(lockWaitSeconds)))
    throw new Error(`another process has been at it for ${lockWaitSeconds} s`)
}

async function clear(connection: Connection): Promise<void> {
  // TRUNCATE refuses a parent table even where no child row is left.
  await connection.query('SET foreign_key_checks = 0')
  for (const name of tableNames) await connection.query(`TRUNCATE TABLE \`${getTableName(seeded[name])}\``)
  await connection.query('SET foreign_key_checks = 1')
  await connection.query('DELETE FROM __seed')
}

async function load(connection: Connection, scale: Scale, report: (line: string) => void): Promise<Digest> {
  const size = sizes[scale]
  const digest = digesting()
  let pending = perTable((): string[] => [])
  let writing = Promise.resolve()
  let bookings = 0
  let reported = 0

  // The database writes one batch while the next one is made.
  const flush = async () => {
    await writing
    writing = insert(connection, pending)
    // Awaited at the next flush; until then a failure is nobody's unhandled rejection.
    writing.catch(() => {})
    bookings += pending.bookings.length
    pending = perTable(() => [])
    if (bookings - reported < size.bookings / 10) return
    reported = bookings
    report(`bookings ${thousands(bookings)} of ${thousands(size.bookings)}`)
  }

  for (const rows of generate(scale)) {
    add(rows)
    if (pending.bookings.length + pending.users.length >= rowsPerBatch) await flush()
    // Making rows never waits: without a turn of the event loop the next statement would not leave.
    await setImmediate()
  }
  await flush()
  await writing
  return digest.digest()

  function add(rows: Rows): void {
    for (const name of tableNames) {
      for (const row of rows[name]) {
        const tuple = writings[name].tuple(row)
        digest.add(name, tuple)
        pending[name].push(tuple)
      }
    }
  }
}

/** Inserts a batch in one transaction, parents before children. */
async function insert(connection: Connection, tuples: Readonly<Record<string, string[]>>): Promise<void> {
  await connection.query('START TRANSACTION')
  for (const name of tableNames) {
    const batch = tuples[name] ?? []
    if (batch.length > 0) await connection.query(writings[name].insert + batch.join(','))
  }
  await connection.query('COMMIT')
}

function thousands(count: number): string {
  return count.toLocaleString('en-GB')
}
