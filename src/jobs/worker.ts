// Starts jobs when they are due: BullMQ, on the Redis that is there for the cache. Its queue says who does what when, and
// nothing more: that Redis may evict or lose it all, and the next look at the tables finds what is left to do.
import { Queue, type QueueOptions, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import type { Job, JobCounters } from './job.ts'

const prefix = 'turno:jobs'
const periodic = 'periodic'
const delivering = 'deliveries'
/** Jobs that this process does at once; a delivery mostly waits for a stranger. */
const concurrency = { periodic: 4, deliveries: 20 }
/** Batches that one start may do: others want their turn. */
const mostBatches = 20
const oneLook = { removeOnComplete: true, removeOnFail: true } as const
const dueEveryMs = 1_000
/** A Redis that has lost what is to be looked for is told again. */
const sayEveryMs = 30_000

export type DeliveryJobs = {
  /** Deliveries that are due, with how often they were tried. */
  due(): Promise<readonly { id: string; attempts: number }[]>
  /** Makes one attempt. */
  deliver(id: string): Promise<void>
}

export type WorkerParts = {
  redisUrl: string
  jobs: readonly Job[]
  deliveries: DeliveryJobs
  failed(job: string, error: unknown): void
}

export class JobWorker {
  readonly counters = new Map<string, JobCounters>()
  #parts: WorkerParts
  #connection: Redis
  #queues: { periodic: Queue; deliveries: Queue }
  #workers: Worker[]
  #due: Job
  #saying: NodeJS.Timeout | undefined

  constructor(parts: WorkerParts) {
    this.#parts = parts
    this.#connection = new Redis(parts.redisUrl, connectionOptions)
    this.#connection.on('error', () => {}) // it goes on trying
    const options: QueueOptions = { connection: this.#connection, prefix, skipVersionCheck: true }
    this.#queues = { periodic: new Queue(periodic, options), deliveries: new Queue(delivering, options) }
    this.#due = {
      name: 'deliveries-due',
      everyMs: dueEveryMs,
      run: () => this.#enqueueDue()
    }
    const all = [...parts.jobs, this.#due]
    const byName = new Map(all.map((job) => [job.name, job]))
    for (const { name } of [...all, { name: delivering }]) {
      this.counters.set(name, { runs: 0, failures: 0, done: 0, lastMs: 0, lastAt: 0 })
    }
    this.#workers = [
      new Worker(periodic, (task) => this.#look(byName.get(task.name)), {
        ...options,
        concurrency: concurrency.periodic
      }),
      new Worker(delivering, (task) => this.#measure(delivering, () => this.#deliver(String(task.data.id))), {
        ...options,
        concurrency: concurrency.deliveries
      })
    ]
    // Of the connection: what a job throws is told by the job.
    for (const worker of this.#workers) worker.on('error', () => {})
    for (const queue of Object.values(this.#queues)) queue.on('error', () => {})
  }

  /** Begins. Without Redis it waits for it; nobody waits for that. */
  start(): void {
    const say = () => void this.#schedule().catch(() => {})
    say()
    this.#saying = setInterval(say, sayEveryMs * (0.8 + 0.4 * Math.random()))
  }

  /** Says in Redis what is to be looked for, and how often. Said again it changes nothing. */
  async #schedule(): Promise<void> {
    for (const { name, everyMs } of [...this.#parts.jobs, this.#due]) {
      await this.#queues.periodic.upsertJobScheduler(name, { every: everyMs }, { name, opts: oneLook })
    }
  }

  /** Lets what is under way come to its end. */
  async close(withinMs: number): Promise<void> {
    clearInterval(this.#saying)
    // Without Redis there is nobody to say goodbye to.
    const patienceMs = this.#connection.status === 'ready' ? withinMs : 0
    const patience = new Promise<void>((resolve) => setTimeout(resolve, patienceMs))
    const parts = [...this.#workers, ...Object.values(this.#queues)]
    await Promise.race([Promise.allSettled(parts.map((part) => part.close())), patience])
    // What is still at it is claimed in the tables, and done again by another.
    this.#connection.disconnect()
  }

  async #look(job: Job | undefined): Promise<void> {
    // Of a release that had more jobs.
    if (!job) return
    for (let batch = 1; batch <= mostBatches; batch++) {
      const { more } = await this.#measure(job.name, job.run)
      if (!more) return
    }
  }

  async #enqueueDue(): Promise<{ done: number; more: boolean }> {
    const due = await this.#parts.deliveries.due()
    // An attempt is queued once, however often it is found.
    await this.#queues.deliveries.addBulk(
      due.map(({ id, attempts }) => ({
        name: 'deliver',
        data: { id },
        opts: { jobId: `${id}.${attempts}`, ...oneLook }
      }))
    )
    return { done: due.length, more: false }
  }

  async #deliver(id: string): Promise<{ done: number; more: boolean }> {
    await this.#parts.deliveries.deliver(id)
    return { done: 1, more: false }
  }

  async #measure(name: string, run: Job['run']): Promise<{ done: number; more: boolean }> {
    const counters = this.counters.get(name)
    const startedAt = performance.now()
    try {
      const result = await run()
      if (counters) counters.done += result.done
      return result
    } catch (error) {
      if (counters) counters.failures++
      this.#parts.failed(name, error)
      return { done: 0, more: false }
    } finally {
      if (counters) {
        counters.runs++
        counters.lastMs = performance.now() - startedAt
        counters.lastAt = Date.now()
      }
    }
  }
}

const connectionOptions = {
  // A blocking command waits for work: only its own end may end it.
  maxRetriesPerRequest: null,
  connectTimeout: 1_000,
  retryStrategy: (attempt: number) => Math.min(100 * attempt, 2_000)
}
