// A pool of connections to one MySQL server in which every wait ends. It knows mysql2 and nothing of the domain.
import mysql from 'mysql2'
import type { PoolConnection } from 'mysql2/promise'

/** The server did not answer in time, refused, or went away: the same work may succeed later or elsewhere. */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable'
}

export type { PoolConnection }
export type Row = mysql.RowDataPacket

/**
 * What a connection is for decides its session: `write` is READ COMMITTED; in `read` all statements of one unit of
 * work see one read view, which ends with it.
 */
export type Purpose = 'read' | 'write'

export type PoolOptions = {
  /** `mysql://user:password@host:port/database` */
  url: string
  purpose: Purpose
  connections: number
  /** Limit of TCP connect and handshake together, ms. */
  connectTimeoutMs: number
  /** Limit of one unit of work, the wait for a connection included, ms. */
  workTimeoutMs: number
}

export type PoolStats = { limit: number; open: number; busy: number; waiting: number }

// A waiter costs memory and, once its turn comes, work that nobody waits for any more.
const waitersPerConnection = 25
const probeEveryMs = 200

// Never the server's defaults: a plain read before a row lock double-books under REPEATABLE READ
// (measured: every round), while stamp and rows of a cached value need one read view, hence autocommit off.
const sessions: Record<Purpose, readonly string[]> = {
  write: [
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
    // Shorter than a unit of work may take: else a wait for a row would pass for a server that does not answer.
    "SET time_zone = '+00:00', innodb_lock_wait_timeout = 1"
  ],
  read: [
    'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY',
    "SET time_zone = '+00:00', autocommit = 0"
  ]
}

/**
 * Connections to one server. A server that stops answering costs the callers of that moment `workTimeoutMs` and
 * those after them nothing: until a probe gets through they are refused at once.
 */
export class Pool {
  readonly purpose: Purpose
  #pool: mysql.Pool
  #options: PoolOptions
  /** Each with its face of promises: the driver would make another one every time. */
  #open = new Map<mysql.PoolConnection, PoolConnection>()
  #busy = 0
  #waiting = 0
  #answeredAt = 0
  #suspect = false
  #probe: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
    this.purpose = options.purpose
    this.#pool = mysql.createPool({
      uri: options.url,
      connectionLimit: options.connections,
      queueLimit: options.connections * waitersPerConnection,
      connectTimeout: options.connectTimeoutMs,
      maxPreparedStatements: 256,
      // Several in a packet (db/statements.ts). Text of a client is never part of one: values are escaped, by the driver.
      multipleStatements: true,
      // The driver would take a stack for each statement, in case it fails.
      trace: false,
      timezone: 'Z',
      charset: 'utf8mb4_unicode_520_ci'
    })
    this.#pool.on('connection', (connection) => this.#opened(connection))
  }

  /**
   * Runs `work` on one connection of its own; connecting, waiting and working share one limit.
   * What `work` left open is rolled back when it fails.
   * @throws DatabaseUnavailable when the server does not answer within the limit or cannot be reached
   */
  async use<T>(
    work: (connection: PoolConnection) => Promise<T>,
    limitMs = this.#options.workTimeoutMs
  ): Promise<T> {
    if (this.#suspect) throw new DatabaseUnavailable('the database is not answering')
    // Nobody has been asked yet, so nobody is to be suspected.
    if (limitMs <= 0) throw new DatabaseUnavailable('no time is left to ask the database')
    const startedAt = performance.now()
    let timer: NodeJS.Timeout | undefined
    let judging: NodeJS.Immediate | undefined
    const deadline = new Promise<never>((_, reject) => {
      const judge = () => {
        // One slow statement is not a silent server: others may have been answered meanwhile.
        if (this.#answeredAt < startedAt) this.#suspectServer()
        reject(new DatabaseUnavailable(`the database did not answer within ${Math.round(limitMs)} ms`))
      }
      // Not at once: when this process itself stood still, the answer may lie in a socket that was not read yet.
      timer = setTimeout(() => {
        judging = setImmediate(judge)
      }, limitMs)
    })
    deadline.catch(() => {})
    const acquiring = this.#acquire()
    let core: mysql.PoolConnection | undefined
    try {
      core = await Promise.race([acquiring, deadline])
      const result = await this.#work(core, work, deadline)
      this.#answeredAt = performance.now()
      return result
    } catch (error) {
      // A connection that comes after its caller has gone goes back untouched.
      if (!core) acquiring.then((unused) => unused.release()).catch(() => {})
      throw this.#unavailable(error)
    } finally {
      clearTimeout(timer)
      clearImmediate(judging)
    }
  }

  async #work<T>(
    core: mysql.PoolConnection,
    work: (connection: PoolConnection) => Promise<T>,
    deadline: Promise<never>
  ): Promise<T> {
    const connection = this.#open.get(core) ?? core.promise()
    this.#busy++
    try {
      const result = await Promise.race([work(connection), deadline])
      // Ends the read view. Not awaited: the connection runs it before its next user's first query.
      if (this.purpose === 'read') connection.query('COMMIT').catch(() => {})
      core.release()
      return result
    } catch (error) {
      if (error instanceof DatabaseUnavailable || isConnectionTrouble(error)) this.#drop(core)
      else await this.#rollBack(core, connection, deadline)
      throw error
    } finally {
      this.#busy--
    }
  }

  async #rollBack(
    core: mysql.PoolConnection,
    connection: PoolConnection,
    deadline: Promise<never>
  ): Promise<void> {
    try {
      await Promise.race([connection.query('ROLLBACK'), deadline])
      core.release()
    } catch {
      this.#drop(core)
    }
  }

  /** Runs one statement and returns its rows. @throws DatabaseUnavailable as `use` */
  async query<R extends Row>(sql: string, values: readonly unknown[] = [], limitMs?: number): Promise<R[]> {
    return this.use(async (connection) => {
      const [rows] = await connection.query<R[]>(sql, [...values])
      return rows
    }, limitMs)
  }

  stats(): PoolStats {
    return {
      limit: this.#options.connections,
      open: this.#open.size,
      busy: this.#busy,
      waiting: this.#waiting
    }
  }

  /** False from the moment the server has let someone wait in vain until a probe gets through again. */
  get answering(): boolean {
    return !this.#suspect
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#probe)
    // A hung server never answers the goodbye.
    await new Promise<void>((resolve) => {
      const patience = setTimeout(resolve, 500)
      this.#pool.end(() => {
        clearTimeout(patience)
        resolve()
      })
    })
  }

  #acquire(): Promise<mysql.PoolConnection> {
    this.#waiting++
    return new Promise((resolve, reject) => {
      this.#pool.getConnection((error, connection) => {
        this.#waiting--
        if (error) reject(error)
        else resolve(connection)
      })
    })
  }

  #opened(connection: mysql.PoolConnection): void {
    this.#open.set(connection, connection.promise())
    connection.once('end', () => this.#open.delete(connection))
    connection.once('error', () => this.#open.delete(connection))
    // Queued on the connection itself, so it runs before its first user's first query.
    for (const statement of sessions[this.purpose]) {
      connection.query(statement, (error) => {
        if (error) this.#drop(connection)
      })
    }
  }

  #drop(connection: mysql.PoolConnection): void {
    this.#open.delete(connection)
    connection.destroy()
  }

  #unavailable(error: unknown): unknown {
    if (error instanceof DatabaseUnavailable || !isConnectionTrouble(error)) return error
    this.#suspectServer()
    return new DatabaseUnavailable('the database cannot be reached', { cause: error })
  }

  #suspectServer(): void {
    if (this.#suspect || this.#closed) return
    this.#suspect = true
    this.#runProbe()
  }

  #scheduleProbe(): void {
    if (this.#closed) return
    this.#probe = setTimeout(() => this.#runProbe(), probeEveryMs)
    this.#probe.unref()
  }

  // A connection of its own: those of the pool may all be held by work that still waits for its limit.
  #runProbe(): void {
    const { url, connectTimeoutMs } = this.#options
    const connection = mysql.createConnection({ uri: url, connectTimeout: connectTimeoutMs })
    connection.once('error', () => this.#scheduleProbe())
    connection.on('error', () => {})
    connection.once('connect', () => {
      this.#suspect = false
      connection.destroy()
    })
  }
}

const troubles = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_OPTION_PREVENTS_STATEMENT',
  'ER_READ_ONLY_MODE',
  'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION'
])

function isConnectionTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // The query builder wraps what the driver threw.
  if (error.cause instanceof Error && isConnectionTrouble(error.cause)) return true
  if ('code' in error && typeof error.code === 'string' && troubles.has(error.code)) return true
  if ('fatal' in error && error.fatal === true) return true
  return error.message === 'Queue limit reached.' || error.message === 'Pool is closed.'
}
