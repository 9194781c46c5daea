// The SQL that reads events that have their place. Each function bounds what it reads.
import { and, asc, eq, gt, lte } from 'drizzle-orm'
import { outbox, outboxCursors, outboxRecipients } from '../../db/schema.ts'
import type { Database } from '../cache/view.ts'

/** An event in the order of all. */
export type PlacedEvent = {
  place: number
  id: string
  type: string
  subject: string
  /** When it happened. */
  at: string
  data: Readonly<Record<string, unknown>>
  recipients: readonly string[]
}

const placed = {
  place: outbox.place,
  id: outbox.id,
  type: outbox.type,
  subject: outbox.subject,
  at: outbox.createdAt,
  data: outbox.data,
  recipients: outbox.recipients
}

type Row = Omit<PlacedEvent, 'place' | 'recipients'> & {
  place: number | null
  recipients: readonly string[] | null
}

/** The events after a place, in order. */
export async function eventsAfter(database: Database, place: number, limit: number): Promise<PlacedEvent[]> {
  const rows = await database
    .select(placed)
    .from(outbox)
    .where(gt(outbox.place, place))
    .orderBy(asc(outbox.place))
    .limit(limit)
  return rows.map(eventOf)
}

/** One user's events after a place up to another, in order: one range of one index. */
export async function ownEventsBetween(
  database: Database,
  userId: string,
  after: number,
  upTo: number,
  limit: number
): Promise<PlacedEvent[]> {
  const rows = await database
    .select(placed)
    .from(outboxRecipients)
    .innerJoin(outbox, eq(outbox.place, outboxRecipients.place))
    .where(
      and(
        eq(outboxRecipients.userId, userId),
        gt(outboxRecipients.place, after),
        lte(outboxRecipients.place, upTo)
      )
    )
    .orderBy(asc(outboxRecipients.place))
    .limit(limit)
  return rows.map(eventOf)
}

/** The last place given, and the last that is no longer kept. */
export async function bounds(database: Database): Promise<{ head: number; forgotten: number }> {
  const rows = await database.select().from(outboxCursors)
  const placeOf = (cursor: string) => rows.find(({ name }) => name === cursor)?.place ?? 0
  return { head: placeOf('placed'), forgotten: placeOf('forgotten') }
}

function eventOf({ place, recipients, ...event }: Row): PlacedEvent {
  return { ...event, place: place ?? 0, recipients: recipients ?? [] }
}
