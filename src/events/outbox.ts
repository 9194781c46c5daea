// What happened, told in the transaction in which it happens: events, webhooks and the audit read it from here.
// Writing is all that this file does. An event gets its place in the order of all events after its COMMIT (order.ts).
import { randomUUIDv7 } from 'node:crypto'
import { outbox } from '../../db/schema.ts'
import { insertInto } from '../../db/statements.ts'
import type { Transaction } from '../cache/transaction.ts'

/** More than take part in anything: a list without a bound would be a stream without one. */
const mostRecipients = 32
/** Of `data` as JSON: what is replayed has to fit what a stream may hold. */
const mostDataCharacters = 1_000

export type NewEvent = {
  /** What happened, `<resource>.<past participle>`: `booking.created`. */
  type: `${string}.${string}`
  /** What it happened to: `booking:<id>`. */
  subject: `${string}:${string}`
  /** The user who did it; null when the service did by itself. */
  actorId: string | null
  /** The users who may see it in their stream and be sent it by webhook. */
  recipients: readonly string[]
  /** Ids, versions and names of changed fields. Never a personal datum: whoever may see the values can read them. */
  data: Readonly<Record<string, unknown>>
  /** When it happened, ISO 8601; now, unless the change itself carries the moment. */
  at?: string
}

/**
 * Records events in the transaction that makes them true: they are there with it or not at all. One statement, which goes
 * with COMMIT, and no lock that another writer could wait for.
 * @throws RangeError for one that a stream could not hold
 */
export function recordEvents(transaction: Pick<Transaction, 'atEnd'>, events: readonly NewEvent[]): void {
  if (events.length > 0) transaction.atEnd(insertInto(outbox, events.map(rowOf)))
}

/** The same for one. */
export function recordEvent(transaction: Pick<Transaction, 'atEnd'>, event: NewEvent): void {
  recordEvents(transaction, [event])
}

function rowOf({
  type,
  subject,
  actorId,
  recipients,
  data,
  at = new Date().toISOString()
}: NewEvent): typeof outbox.$inferInsert {
  const each = [...new Set(recipients.map((id) => id.toLowerCase()))]
  if (each.length > mostRecipients) throw new RangeError(`an event for ${each.length} recipients`)
  if (JSON.stringify(data).length > mostDataCharacters) throw new RangeError(`too much data in ${type}`)
  return { id: randomUUIDv7(), type, subject, actorId, recipients: each, data, createdAt: at }
}
