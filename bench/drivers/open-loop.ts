// The open loop: requests leave when the schedule says, whatever became of those before. Each counts from the moment at
// which it was to be sent, so that a server that stands still is seen by all who would have come meanwhile; what times out
// or breaks off counts as long as the time-out. How late the driver itself was is told beside it.

import type { Stream } from '../../db/seed/random.ts'
import { arrivals, lengthOf, type Step } from '../load/arrivals.ts'
import { isWrite, type Wanted } from '../load/endpoints.ts'
import { type Requests, wireOf } from '../load/requests.ts'
import { holdsWanted, layerOf } from './answer.ts'
import { type Answer, Connection } from './connection.ts'
import { record } from './distribution.ts'
import type { DriverOutcome, Plan } from './plan.ts'
import { Tally } from './tally.ts'

/** Of the answers, one in so many has its body looked at. */
const lookedAt = 100
const lookForTimeoutsMs = 25

type Due = { wanted: Wanted; at: number; sentAt: number }

export class OpenLoop {
  readonly #plan: Pick<Plan, 'encoding' | 'timeoutMs'>
  readonly #requests: Requests
  readonly #connections: Connection[]
  readonly #free: Connection[] = []
  readonly #underWay = new Map<Connection, Due>()
  /** Due, and no connection is free. Oldest first. */
  #waiting: Due[] = []
  #begunAt = 0
  #tally = new Tally()
  #answers = 0

  constructor(plan: Pick<Plan, 'encoding' | 'timeoutMs' | 'urls' | 'connections'>, requests: Requests) {
    this.#plan = plan
    this.#requests = requests
    const heard = {
      free: (connection: Connection) => this.#use(connection),
      answered: (connection: Connection, answer: Answer) => this.#finish(connection, answer),
      lost: (connection: Connection) => {
        const place = this.#free.indexOf(connection)
        if (place !== -1) this.#free.splice(place, 1)
        this.#fail(connection, 'connection')
      }
    }
    this.#connections = Array.from(
      { length: plan.connections },
      (_, index) => new Connection(plan.urls[index % plan.urls.length] ?? '', heard)
    )
  }

  /** Sends what the steps say and resolves when the last of it is answered or given up. Once after another. */
  async run(steps: readonly Step[], random: Stream): Promise<DriverOutcome> {
    this.#tally = new Tally()
    this.#begunAt = performance.now()
    const looking = setInterval(() => this.#giveUp(), lookForTimeoutsMs)
    try {
      await this.#send(arrivals(steps, random))
      while (this.#underWay.size + this.#waiting.length > 0) await elapsed(5)
    } finally {
      clearInterval(looking)
    }
    return this.#tally.outcome(lengthOf(steps), this.#requests.serial(), true)
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }

  async #send(schedule: Generator<number>): Promise<void> {
    for (const at of schedule) {
      // Timers are late by a millisecond or two; whatever is due by then leaves at once.
      for (let now = this.#now(); now < at; now = this.#now()) await elapsed(Math.min(at - now, 100))
      record(this.#tally.slip, this.#now() - at)
      const due = { wanted: this.#requests.next().wanted, at, sentAt: 0 }
      const connection = this.#free.pop()
      if (connection) this.#start(connection, due)
      else this.#waiting.push(due)
    }
  }

  #use(connection: Connection): void {
    const due = this.#waiting.shift()
    if (due) this.#start(connection, due)
    else this.#free.push(connection)
  }

  #start(connection: Connection, due: Due): void {
    due.sentAt = this.#now()
    this.#underWay.set(connection, due)
    connection.send(wireOf(due.wanted, connection.host, this.#plan.encoding))
  }

  #finish(connection: Connection, { status, bytes, body, header }: Answer): void {
    const due = this.#underWay.get(connection)
    if (!due) return
    this.#underWay.delete(connection)
    // A connection that had no work yet was given up by the server in the moment that it got some. Sent again, as browsers
    // do (RFC 9110 §15.5.9); it counts from when it was to be sent all the same.
    if (status === 408) {
      this.#waiting.unshift(due)
      return
    }
    const { wanted } = due
    const layer = isWrite(wanted) && status < 500 ? null : layerOf(status, header('cache-status'))
    const wrong =
      status === 200 &&
      this.#answers++ % lookedAt === 0 &&
      !holdsWanted(wanted, body, header('content-encoding'))
    const failure = !wanted.expected.includes(status) ? `status ${status}` : wrong ? 'wrong body' : null
    const now = this.#now()
    this.#tally.add({ ...due, latencyMs: now - due.at, serviceMs: now - due.sentAt, bytes, layer, failure })
  }

  #fail(connection: Connection, failure: string): void {
    const due = this.#underWay.get(connection)
    if (!due) return
    this.#underWay.delete(connection)
    this.#count(due, failure)
  }

  // Whoever is not answered waits at least as long as we did.
  #count(due: Due, failure: string): void {
    const now = this.#now()
    const atLeast = (from: number) => Math.max(this.#plan.timeoutMs, now - from)
    const sentAt = due.sentAt === 0 ? now : due.sentAt
    const of = { ...due, bytes: 0, layer: 'failed', failure } as const
    this.#tally.add({ ...of, latencyMs: atLeast(due.at), serviceMs: atLeast(sentAt) })
  }

  #giveUp(): void {
    const latest = this.#now() - this.#plan.timeoutMs
    for (const [connection, due] of this.#underWay) {
      if (due.at > latest) continue
      this.#fail(connection, 'timeout')
      connection.reset()
    }
    const given = this.#waiting.findIndex(({ at }) => at > latest)
    const late = this.#waiting.splice(0, given === -1 ? this.#waiting.length : given)
    for (const due of late) this.#count(due, 'timeout')
  }

  #now(): number {
    return performance.now() - this.#begunAt
  }
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
