// One connection to the primary for the commands that prepare a database (migrations, seed data); never for a request.

import mysql from 'mysql2/promise'

const connectTimeoutMs = 5_000
const lockWaitSeconds = 60

/**
 * Runs `work` on a connection of its own: UTC, READ COMMITTED, strict; closed when the work ends, cut after `limitMs`.
 * @param purpose what is being done, for the error: "migrate"
 * @throws Error of one line that names the server and the purpose, never the password; `cause` has the driver's own.
 */
export async function withConnection<T>(
  primaryUrl: string,
  purpose: string,
  limitMs: number,
  work: (connection: mysql.Connection) => Promise<T>
): Promise<T> {
  const server = nameOf(primaryUrl)
  let connection: mysql.Connection | undefined
  const limit = Promise.withResolvers<never>()
  const timer = setTimeout(() => limit.reject(new Error(`no end after ${limitMs / 1000} s`)), limitMs)
  try {
    connection = await mysql.createConnection({
      uri: primaryUrl,
      timezone: 'Z',
      dateStrings: true,
      connectTimeout: connectTimeoutMs,
      charset: 'utf8mb4_unicode_520_ci'
    })
    // A connection that dies between two queries would otherwise end the process with an unhandled 'error'.
    connection.on('error', limit.reject)
    const result = await Promise.race([prepared(connection).then(work), limit.promise])
    await Promise.race([connection.end(), limit.promise])
    return result
  } catch (cause) {
    throw new Error(`cannot ${purpose} ${server}: ${reasonOf(cause)}`, { cause })
  } finally {
    clearTimeout(timer)
    connection?.destroy()
  }
}

async function prepared(connection: mysql.Connection): Promise<mysql.Connection> {
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  await connection.query(
    `SET time_zone = '+00:00', lock_wait_timeout = ${lockWaitSeconds}, innodb_lock_wait_timeout = ${lockWaitSeconds},
         sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'`
  )
  return connection
}

/** `turno at 127.0.0.1:3306` */
function nameOf(primaryUrl: string): string {
  const url = URL.parse(primaryUrl)
  if (url === null)
    throw new Error('MYSQL_PRIMARY_URL is not a URL: expected mysql://user:password@host:port/database')
  return `${url.pathname.slice(1) || 'the database'} at ${url.hostname}:${url.port || 3306}`
}

// Drizzle wraps the driver's error in one that quotes the whole statement: the innermost says what is wrong.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause !== undefined) return reasonOf(error.cause)
  if (error instanceof AggregateError) return reasonOf(error.errors[0])
  return error.message.split('\n', 1)[0] || error.name
}
