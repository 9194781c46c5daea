// The SQL that reads webhooks and what was sent to them. The owner is in every WHERE clause that answers somebody.
import { and, asc, desc, eq, lt, type SQL } from 'drizzle-orm'
import { users, webhookDeliveries, webhooks } from '../../db/schema.ts'
import type { Database } from '../cache/view.ts'
import { type Delivery, eventTypes, reasons, type Webhook } from './schema.ts'

/** An account has a few places to be told. */
export const mostWebhooks = 10

const told = {
  id: webhooks.id,
  url: webhooks.url,
  events: webhooks.events,
  description: webhooks.description,
  active: webhooks.active,
  disabledReason: webhooks.disabledReason,
  failures: webhooks.failures,
  deliveredAt: webhooks.deliveredAt,
  version: webhooks.version,
  createdAt: webhooks.createdAt
}

type Row = Omit<Webhook, 'events' | 'disabledReason'> & { events: string[]; disabledReason: string | null }

/** All webhooks of an account, the oldest first. */
export async function findWebhooks(database: Database, ownerId: string): Promise<Webhook[]> {
  const rows = await database
    .select(told)
    .from(webhooks)
    .where(eq(webhooks.ownerId, ownerId))
    .orderBy(asc(webhooks.createdAt), asc(webhooks.id))
    .limit(mostWebhooks)
  return rows.map(webhookOf)
}

export async function findWebhook(database: Database, id: string, ownerId: string): Promise<Webhook | null> {
  const [row] = await database.select(told).from(webhooks).where(isOwn(id, ownerId))
  return row ? webhookOf(row) : null
}

/** The same, its row locked until the transaction ends. */
export async function lockWebhook(database: Database, id: string, ownerId: string): Promise<Webhook | null> {
  const [row] = await database.select(told).from(webhooks).where(isOwn(id, ownerId)).for('update')
  return row ? webhookOf(row) : null
}

/** Holds an account until the transaction ends: one at a time may add to what it has. */
export async function lockOwner(database: Database, ownerId: string): Promise<void> {
  await database.select({ id: users.id }).from(users).where(eq(users.id, ownerId)).for('update')
}

function isOwn(id: string, ownerId: string): SQL | undefined {
  return and(eq(webhooks.id, id), eq(webhooks.ownerId, ownerId))
}

// What the database holds was checked by the schema when it was written; what is no longer known is left out.
function webhookOf({ events, disabledReason, ...row }: Row): Webhook {
  const known = new Set<string>(events)
  return {
    ...row,
    events: eventTypes.filter((type) => known.has(type)),
    disabledReason: reasons.find((reason) => reason === disabledReason) ?? null
  }
}

const delivery = {
  id: webhookDeliveries.id,
  eventId: webhookDeliveries.eventId,
  type: webhookDeliveries.type,
  status: webhookDeliveries.status,
  attempts: webhookDeliveries.attempts,
  nextAttemptAt: webhookDeliveries.nextAttemptAt,
  responseStatus: webhookDeliveries.responseStatus,
  failure: webhookDeliveries.failure,
  durationMs: webhookDeliveries.durationMs,
  createdAt: webhookDeliveries.createdAt,
  updatedAt: webhookDeliveries.updatedAt
}

export type LogPage = {
  webhookId: string
  ownerId: string
  status: Delivery['status'] | null
  /** The id of the last row of the page before. */
  after: string | null
  limit: number
}

/** A page of what was sent to a webhook, the newest first; null where it is none of this owner's. */
export async function findDeliveries(
  database: Database,
  { webhookId, ownerId, status, after, limit }: LogPage
): Promise<{ rows: Delivery[]; next: string | null } | null> {
  if (!(await findWebhook(database, webhookId, ownerId))) return null
  const rows = await database
    .select(delivery)
    .from(webhookDeliveries, { forceIndex: 'ix_whd_log' })
    .where(
      and(
        eq(webhookDeliveries.webhookId, webhookId),
        status === null ? undefined : eq(webhookDeliveries.status, status),
        after === null ? undefined : lt(webhookDeliveries.id, after)
      )
    )
    .orderBy(desc(webhookDeliveries.id))
    .limit(limit + 1)
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return { rows: rows.slice(0, limit), next: last?.id ?? null }
}

export async function findDelivery(
  database: Database,
  webhookId: string,
  id: string
): Promise<Delivery | null> {
  const [row] = await database
    .select(delivery)
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.id, id), eq(webhookDeliveries.webhookId, webhookId)))
  return row ?? null
}
