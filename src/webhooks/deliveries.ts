// From the order of events to what a receiver has acknowledged. The table is the truth: a delivery is written in the
// transaction that moves the cursor past its event, so there is one for each webhook and event; an attempt is claimed by
// moving its next one into the future, so that whoever dies in it is followed by another. Receivers may be told twice,
// and know it by `webhook-id`; never not at all.
import { randomUUIDv7 } from 'node:crypto'
import { and, asc, eq, inArray, lte, sql } from 'drizzle-orm'
import { notifications, outboxCursors, webhookDeliveries, webhooks } from '../../db/schema.ts'
import type { Cache, Transaction } from '../cache/cache.ts'
import type { Database } from '../cache/view.ts'
import { recordEvent } from '../events/outbox.ts'
import { eventsAfter, type PlacedEvent } from '../events/queries.ts'
import { pingType, type Webhook } from './schema.ts'
import { signed, type WebhookSecrets } from './secrets.ts'
import type { Attempt, Sender } from './sender.ts'
import { deliveriesTag, webhooksTag } from './tags.ts'

const batchSize = 200
const dueSize = 200
/** Longer than an attempt may take: who holds it is dead. */
const claimMs = 30_000
/** Pauses between attempts: eight in 27 hours. A receiver that is down over night is told in the morning. */
const pausesMs = [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000]
export const mostAttempts = pausesMs.length + 1
/** What a receiver may ask to be left alone for. */
const longestWaitMs = 3_600_000

type Told = Pick<PlacedEvent, 'id' | 'type' | 'subject' | 'at'>

/** A row for one webhook and one event, due now. The body names things and holds nothing of them. */
export function newDelivery(webhookId: string, { id: eventId, type, subject, at }: Told) {
  const now = new Date().toISOString()
  const data = { id: subject.slice(subject.indexOf(':') + 1) }
  const body = JSON.stringify({ type, timestamp: at, data })
  return {
    id: randomUUIDv7(),
    webhookId,
    eventId,
    type,
    body,
    nextAttemptAt: now,
    createdAt: now,
    updatedAt: now
  }
}

/**
 * Writes the deliveries of the events that no webhook was told of yet. Any number may call it at once.
 * @returns how many events were looked at; as many as `batchSize`: there may be more
 */
export async function fanOut(cache: Cache): Promise<{ events: number; more: boolean }> {
  const { result } = await cache.write(async (transaction) => {
    const { database } = transaction
    const [cursor] = await database
      .select({ place: outboxCursors.place })
      .from(outboxCursors)
      .where(eq(outboxCursors.name, 'webhooks'))
      .for('update')
    const events = await eventsAfter(database, cursor?.place ?? 0, batchSize)
    const last = events.at(-1)
    if (!last) return 0
    const rows = await deliveriesOf(database, events)
    if (rows.length > 0) {
      await database.insert(webhookDeliveries).ignore().values(rows)
      transaction.touch(...new Set(rows.map(({ webhookId }) => deliveriesTag(webhookId))))
    }
    await database
      .insert(outboxCursors)
      .values({ name: 'webhooks', place: last.place })
      .onDuplicateKeyUpdate({ set: { place: last.place } })
    return events.length
  })
  return { events: result, more: result === batchSize }
}

async function deliveriesOf(database: Database, events: readonly PlacedEvent[]) {
  const owners = [...new Set(events.flatMap(({ recipients }) => recipients))]
  if (owners.length === 0) return []
  const listening = await database
    .select({
      id: webhooks.id,
      ownerId: webhooks.ownerId,
      events: webhooks.events,
      createdAt: webhooks.createdAt
    })
    .from(webhooks)
    .where(and(inArray(webhooks.ownerId, owners), eq(webhooks.active, true)))
  return events.flatMap((event) =>
    listening
      .filter(
        (webhook) =>
          event.recipients.includes(webhook.ownerId) &&
          webhook.events.includes(event.type) &&
          // Nobody is told of what had happened before he asked.
          event.at >= webhook.createdAt
      )
      .map((webhook) => newDelivery(webhook.id, event))
  )
}

/** Deliveries whose time has come: what has been claimed and not been finished among them. */
export async function findDue(database: Database, now: number): Promise<{ id: string; attempts: number }[]> {
  return database
    .select({ id: webhookDeliveries.id, attempts: webhookDeliveries.attempts })
    .from(webhookDeliveries)
    .where(
      and(
        eq(webhookDeliveries.status, 'pending'),
        lte(webhookDeliveries.nextAttemptAt, new Date(now).toISOString())
      )
    )
    .orderBy(asc(webhookDeliveries.nextAttemptAt))
    .limit(dueSize)
}

export type Parts = { cache: Cache; secrets: WebhookSecrets; sender: Sender }

/** Makes one attempt of one delivery, if it is due and nobody else is at it. @returns what became of it; null: nothing to do */
export async function deliver({ cache, secrets, sender }: Parts, id: string): Promise<Attempt | null> {
  const { result: claimed } = await cache.write((transaction) => claim(transaction, id))
  if (!claimed) return null
  const { webhook, delivery } = claimed
  const keys = secretsOf(webhook, secrets)
  const attempt = keys
    ? await sender.send(webhook.url, signed(delivery.eventId, Date.now(), delivery.body, keys), delivery.body)
    : { status: null, failure: 'secret-unreadable', retryAfterMs: null, ms: 0 }
  await cache.write((transaction) => settle(transaction, claimed, attempt))
  return attempt
}

type Claimed = {
  delivery: { id: string; eventId: string; type: string; body: string; attempts: number; createdAt: string }
  webhook: typeof webhooks.$inferSelect
}

async function claim(transaction: Transaction, id: string): Promise<Claimed | null> {
  const { database } = transaction
  const now = Date.now()
  const [result] = await database
    .update(webhookDeliveries)
    .set({
      attempts: sql`${webhookDeliveries.attempts} + 1`,
      nextAttemptAt: new Date(now + claimMs).toISOString(),
      updatedAt: new Date(now).toISOString()
    })
    .where(
      and(
        eq(webhookDeliveries.id, id),
        eq(webhookDeliveries.status, 'pending'),
        lte(webhookDeliveries.nextAttemptAt, new Date(now).toISOString())
      )
    )
  if (result.affectedRows !== 1) return null
  const [delivery] = await database.select().from(webhookDeliveries).where(eq(webhookDeliveries.id, id))
  if (!delivery) return null
  const [webhook] = await database.select().from(webhooks).where(eq(webhooks.id, delivery.webhookId))
  // More than there are: whoever made the last one died before he could say what came of it.
  const failure = !webhook?.active ? 'inactive' : delivery.attempts > mostAttempts ? 'abandoned' : null
  if (webhook && failure === null) return { delivery, webhook }
  transaction.touch(deliveriesTag(delivery.webhookId))
  await database
    .update(webhookDeliveries)
    .set({ status: 'failed', failure, nextAttemptAt: null })
    .where(eq(webhookDeliveries.id, id))
  return null
}

/** Null where the key is gone that encrypted them: a new secret has to be asked for. */
function secretsOf(webhook: Claimed['webhook'], secrets: WebhookSecrets): string[] | null {
  const { id, secretEnc, formerSecretEnc, formerUntil } = webhook
  const former = formerUntil !== null && Date.parse(formerUntil) > Date.now() ? formerSecretEnc : null
  try {
    return [secretEnc, ...(former ? [former] : [])].map((encrypted) => secrets.open(id, encrypted))
  } catch {
    return null
  }
}

async function settle(transaction: Transaction, claimed: Claimed, attempt: Attempt): Promise<void> {
  const { database } = transaction
  const { delivery, webhook } = claimed
  const at = new Date().toISOString()
  const succeeded = attempt.failure === null
  const gone = attempt.status === 410
  const isLast = gone || delivery.attempts >= mostAttempts || (!succeeded && delivery.type === pingType)
  const nextAttemptAt =
    succeeded || isLast ? null : new Date(Date.now() + pauseBefore(delivery.attempts, attempt)).toISOString()
  await database
    .update(webhookDeliveries)
    .set({
      status: succeeded ? 'delivered' : isLast ? 'failed' : 'pending',
      nextAttemptAt,
      responseStatus: attempt.status,
      failure: attempt.failure,
      durationMs: attempt.ms,
      updatedAt: at
    })
    // Somebody has asked for it once more meanwhile: that stands.
    .where(and(eq(webhookDeliveries.id, delivery.id), eq(webhookDeliveries.attempts, delivery.attempts)))
  transaction.touch(deliveriesTag(webhook.id), webhooksTag(webhook.ownerId))
  await database
    .update(webhooks)
    .set(
      succeeded ? { failures: 0, deliveredAt: at } : { failures: sql`LEAST(${webhooks.failures} + 1, 65535)` }
    )
    .where(eq(webhooks.id, webhook.id))
  if (gone) await disable(transaction, webhook, 'gone', at)
  else if (!succeeded && isLast && delivery.type !== pingType && nothingSince(webhook, delivery)) {
    await disable(transaction, webhook, 'failures', at)
  }
}

/** A delivery given up while others arrived is that event's trouble; with none arriving it is the receiver's. */
function nothingSince({ deliveredAt }: Claimed['webhook'], { createdAt }: Claimed['delivery']): boolean {
  return deliveredAt === null || deliveredAt < createdAt
}

/** A fifth more or less, so that what failed together does not come back together. */
function pauseBefore(attempts: number, { retryAfterMs }: Attempt): number {
  const pause = pausesMs[attempts - 1] ?? 0
  const wished = Math.min(retryAfterMs ?? 0, longestWaitMs)
  return Math.max(pause * (0.8 + 0.4 * Math.random()), wished)
}

async function disable(
  transaction: Transaction,
  { id, ownerId, version }: Claimed['webhook'],
  reason: NonNullable<Webhook['disabledReason']>,
  at: string
): Promise<void> {
  const { database } = transaction
  const [result] = await database
    .update(webhooks)
    .set({ active: false, disabledReason: reason, version: version + 1, updatedAt: at })
    .where(and(eq(webhooks.id, id), eq(webhooks.active, true)))
  if (result.affectedRows === 0) return
  const type = 'webhook.disabled'
  await database
    .insert(notifications)
    .values({ id: randomUUIDv7(), userId: ownerId, type, data: { webhookId: id, reason }, createdAt: at })
  transaction.touch(`notifications:${ownerId}`)
  recordEvent(transaction, {
    type,
    subject: `webhook:${id}`,
    actorId: null,
    recipients: [ownerId],
    data: { reason, version: version + 1 },
    at
  })
}
