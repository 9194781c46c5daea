// Which replica may answer a read: each is asked a few times a second whether it lives and how far it is behind.
// It knows pools and replication status, nothing of what is read. Lag only routes: that a value is new enough is
// proved by its stamp (src/cache), never by the figures here.
import mysql from 'mysql2'
import { Pool, type PoolStats } from './pool.ts'

export type ReplicaState = {
  name: string
  /** In rotation: alive, following and close enough. */
  serving: boolean
  /** Whole seconds behind the primary as the replica itself says; null while it is unreachable or not following. */
  lagSeconds: number | null
  /** Why it is out of rotation; null while it serves. */
  reason: string | null
  pool: PoolStats
}

export type ReplicaOptions = {
  urls: readonly string[]
  connections: number
  connectTimeoutMs: number
  workTimeoutMs: number
  /** A replica further behind than this leaves the rotation, ms. */
  maxLagMs: number
}

const watchEveryMs = 250
const answerWithinMs = 500
/** A replica that comes back must answer well this often in a row before it is asked again: a flapping one stays out. */
const goodAnswersToReturn = 3

/** The replicas of one primary, and the choice among those that serve. */
export class Replicas {
  readonly all: readonly Replica[]

  constructor(options: ReplicaOptions) {
    this.all = options.urls.map((url, index) => new Replica(`replica-${index + 1}`, url, options))
  }

  /** One serving replica at random, or null when none serves. `except`: one that has just failed. */
  choose(except?: Replica): Replica | null {
    const serving = this.all.filter((replica) => replica.serving && replica !== except)
    return serving[Math.floor(Math.random() * serving.length)] ?? null
  }

  states(): ReplicaState[] {
    return this.all.map((replica) => replica.state())
  }

  /** Resolves when each replica has been asked once, whatever it answered. */
  async start(): Promise<void> {
    await Promise.all(this.all.map((replica) => replica.start()))
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((replica) => replica.close()))
  }
}

export class Replica {
  readonly name: string
  readonly pool: Pool
  #url: string
  #options: ReplicaOptions
  #lagSeconds: number | null = null
  #reason: string | null = 'not asked yet'
  #goodAnswers = goodAnswersToReturn - 1
  #watcher: mysql.Connection | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(name: string, url: string, options: ReplicaOptions) {
    this.name = name
    this.#url = url
    this.#options = options
    this.pool = new Pool({ ...options, url, purpose: 'read' })
  }

  get serving(): boolean {
    return this.#reason === null && this.pool.answering
  }

  state(): ReplicaState {
    return {
      name: this.name,
      serving: this.serving,
      lagSeconds: this.#lagSeconds,
      reason: this.#reason ?? (this.pool.answering ? null : 'not answering'),
      pool: this.pool.stats()
    }
  }

  async start(): Promise<void> {
    await this.#watch()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#watcher?.destroy()
    await this.pool.close()
  }

  async #watch(): Promise<void> {
    try {
      this.#judge(await this.#ask())
    } catch (error) {
      this.#watcher?.destroy()
      this.#watcher = undefined
      this.#lagSeconds = null
      this.#out(error instanceof Error ? `not answering (${errorCode(error)})` : 'not answering')
    }
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#watch(), watchEveryMs)
    this.#timer.unref()
  }

  #judge(lagSeconds: number | null): void {
    this.#lagSeconds = lagSeconds
    if (lagSeconds === null) this.#out('not following the primary')
    else if (lagSeconds * 1000 > this.#options.maxLagMs) this.#out(`${lagSeconds} s behind`)
    else if (++this.#goodAnswers >= goodAnswersToReturn) this.#reason = null
  }

  #out(reason: string): void {
    this.#goodAnswers = 0
    this.#reason = reason
  }

  // A connection of its own, so that a pool exhausted by slow reads is not taken for a dead server.
  #ask(): Promise<number | null> {
    return new Promise((resolve, reject) => {
      const watcher = this.#watcher ?? this.#connectWatcher()
      const limit = setTimeout(() => reject(new Error('timeout')), answerWithinMs)
      watcher.query<mysql.RowDataPacket[]>('SHOW REPLICA STATUS', (error, rows) => {
        clearTimeout(limit)
        if (error) reject(error)
        else resolve(lagOf(rows[0]))
      })
    })
  }

  #connectWatcher(): mysql.Connection {
    const watcher = mysql.createConnection({
      uri: this.#url,
      connectTimeout: answerWithinMs,
      // It prepares none; room for those that it might have is made at once, by default half a megabyte.
      maxPreparedStatements: 1
    })
    watcher.on('error', () => {
      if (this.#watcher === watcher) this.#watcher = undefined
    })
    this.#watcher = watcher
    return watcher
  }
}

// MySQL says Source where MariaDB says Master. No row at all: the server follows nobody.
function lagOf(status: mysql.RowDataPacket | undefined): number | null {
  const seconds: unknown = status?.Seconds_Behind_Source ?? status?.Seconds_Behind_Master
  return seconds === undefined || seconds === null ? null : Number(seconds)
}

function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
