// Somebody who books over HTTP, and keeps in a journal what was acknowledged.
import { randomUUIDv7 } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Booking } from '../../src/bookings/schema.ts'
import type { Service } from './service.ts'
import type { Person } from './world.ts'

const answerWithinMs = 60_000
const againAfterMs = 50

export type Reply = { status: number; body: string; ms: number }

/** What all clients of a run were told. */
export class Journal {
  /** The latest acknowledged state of each booking. */
  readonly acknowledged = new Map<string, Booking>()
  readonly statuses = new Map<number, number>()
  readonly durations: number[] = []
  /** Requests that were sent again because nobody answered, and those that were given up. */
  again = 0
  givenUp = 0
  /** Replays that were not the answer of before; what else ought never to be. */
  readonly faults: string[] = []

  note(reply: Reply): void {
    this.statuses.set(reply.status, (this.statuses.get(reply.status) ?? 0) + 1)
    this.durations.push(reply.ms)
    if (reply.status >= 500 && reply.status !== 503) this.faults.push(`${reply.status}: ${reply.body}`)
    if (reply.status !== 200 && reply.status !== 201) return
    const booking: Booking = JSON.parse(reply.body)
    const known = this.acknowledged.get(booking.id)
    if (!known || known.version <= booking.version) this.acknowledged.set(booking.id, booking)
  }
}

export class Client {
  #service: Service
  #journal: Journal
  #agent = new Agent({ connections: 2_000, headersTimeout: answerWithinMs, bodyTimeout: answerWithinMs })
  /** Whether one who hears nothing gives up. */
  #givesUp: () => boolean

  constructor(service: Service, journal: Journal, givesUp: () => boolean = () => false) {
    this.#service = service
    this.#journal = journal
    this.#givesUp = givesUp
  }

  book(person: Person, body: { start: string; serviceId: string; status?: 'held' }): Promise<Reply | null> {
    return this.#send('POST', '/api/bookings', person, body, {})
  }

  change(person: Person, { id, version }: Booking, body: object): Promise<Reply | null> {
    return this.#send('PATCH', `/api/bookings/${id}`, person, body, {
      'if-match': `"${version}-0000000000000000"`
    })
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  /** Sends it until it is answered: to another instance, with the same key. Null: given up, done or not. */
  async #send(
    method: 'POST' | 'PATCH',
    path: string,
    { authorization }: Person,
    body: object,
    more: Record<string, string>
  ): Promise<Reply | null> {
    const headers = {
      ...more,
      authorization,
      'content-type': 'application/json',
      'idempotency-key': `"${randomUUIDv7()}"`
    }
    const startedAt = performance.now()
    for (let attempt = 1; performance.now() - startedAt < answerWithinMs; attempt++) {
      const url = this.#service.url
      const reply = url && (await this.#attempt(url + path, method, headers, JSON.stringify(body)))
      if (reply && !isToComeAgain(reply)) {
        const told = { ...reply, ms: performance.now() - startedAt }
        this.#journal.note(told)
        return told
      }
      if (this.#givesUp()) break
      this.#journal.again++
      await pause(againAfterMs * attempt)
    }
    this.#journal.givenUp++
    return null
  }

  async #attempt(
    url: string,
    method: 'POST' | 'PATCH',
    headers: Record<string, string>,
    body: string
  ): Promise<Omit<Reply, 'ms'> | null> {
    try {
      const reply = await request(url, { method, headers, body, dispatcher: this.#agent })
      return { status: reply.statusCode, body: await reply.body.text() }
    } catch {
      return null
    }
  }
}

/** Not now: overloaded, or the first attempt with this key is still under way. */
function isToComeAgain({ status, body }: Omit<Reply, 'ms'>): boolean {
  return status === 503 || (status === 409 && body.includes('/request-in-progress'))
}
