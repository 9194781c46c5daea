// What the databases and Redis count themselves. Our own questions are taken out.
import { Redis } from 'ioredis'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'

export type ServerCounts = {
  primary: number
  replicas: readonly number[]
  /** Reads from sockets: commands that came together are one round trip. */
  redisRoundTrips: number
  redisCommands: number
}

const askMs = 5_000

/** Connections of this run's own to every server, for as long as it lasts. */
export class Servers {
  readonly #mysql: readonly Connection[]
  readonly #redis: Redis
  #asked = 0

  private constructor(mysql: readonly Connection[], redis: Redis) {
    this.#mysql = mysql
    this.#redis = redis
  }

  static async connect(mysqlUrls: readonly string[], redisUrl: string): Promise<Servers> {
    const redis = new Redis(redisUrl, { lazyConnect: true, connectTimeout: askMs })
    redis.on('error', () => {}) // each question rejects with the same
    await redis.connect()
    const mysql = await Promise.all(
      mysqlUrls.map((uri) => createConnection({ uri, connectTimeout: askMs, decimalNumbers: true }))
    )
    for (const connection of mysql) connection.on('error', () => {})
    return new Servers(mysql, redis)
  }

  /** Since the servers began, less what was asked here. Not while Redis hangs. */
  async counts(): Promise<ServerCounts> {
    this.#asked++
    const questions = this.#mysql.map(async (connection) => {
      const [rows] = await connection.query<(RowDataPacket & { Value: string })[]>(
        "SHOW GLOBAL STATUS LIKE 'Questions'"
      )
      return Number(rows[0]?.Value ?? 0) - this.#asked
    })
    const info = await this.#redis.info('stats')
    const value = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1] ?? 0)
    const [primary = 0, ...replicas] = await Promise.all(questions)
    return {
      primary,
      replicas,
      redisRoundTrips: value('total_reads_processed') - this.#asked,
      redisCommands: value('total_commands_processed') - this.#asked
    }
  }

  async emptyRedis(): Promise<void> {
    this.#asked++
    await this.#redis.flushall()
    // One question of each kind: the same were asked of the databases.
    await Promise.all(this.#mysql.map((connection) => connection.query('DO 0')))
  }

  async versions(): Promise<{ mariadb: string; redis: string }> {
    this.#asked++
    const [answer] = await Promise.all([
      this.#redis.info('server'),
      ...this.#mysql.slice(1).map((connection) => connection.query('DO 0'))
    ])
    const [rows] = (await this.#mysql[0]?.query<(RowDataPacket & { version: string })[]>(
      'SELECT VERSION() AS version'
    )) ?? [[]]
    return {
      mariadb: rows[0]?.version ?? 'unknown',
      redis: /redis_version:(\S+)/.exec(String(answer))?.[1] ?? 'unknown'
    }
  }

  async close(): Promise<void> {
    this.#redis.disconnect()
    for (const connection of this.#mysql) connection.destroy()
  }
}

/** What was counted between two moments, less what happens anyway in so many seconds. */
export function between(
  before: ServerCounts,
  after: ServerCounts,
  idle: ServerCounts | null = null,
  seconds = 0
): ServerCounts {
  const less = (from: number, to: number, anyway = 0) => Math.max(0, to - from - anyway * seconds)
  return {
    primary: less(before.primary, after.primary, idle?.primary),
    replicas: after.replicas.map((to, index) => less(before.replicas[index] ?? 0, to, idle?.replicas[index])),
    redisRoundTrips: less(before.redisRoundTrips, after.redisRoundTrips, idle?.redisRoundTrips),
    redisCommands: less(before.redisCommands, after.redisCommands, idle?.redisCommands)
  }
}

/** What was counted, per second. */
export function perSecond(counts: ServerCounts, seconds: number): ServerCounts {
  return {
    primary: counts.primary / seconds,
    replicas: counts.replicas.map((one) => one / seconds),
    redisRoundTrips: counts.redisRoundTrips / seconds,
    redisCommands: counts.redisCommands / seconds
  }
}
