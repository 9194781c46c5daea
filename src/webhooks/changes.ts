// The SQL by which an account changes its webhooks. Each function touches the tags of what it changes and records its
// event, in the transaction that it is given.
import { randomUUIDv7 } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { and, count, eq } from 'drizzle-orm'
import { webhookDeliveries, webhooks } from '../../db/schema.ts'
import type { Transaction } from '../cache/cache.ts'
import { recordEvent } from '../events/outbox.ts'
import { Problem } from '../http/problem.ts'
import { newDelivery } from './deliveries.ts'
import { findDelivery, findWebhook, lockOwner, mostWebhooks } from './queries.ts'
import { type Delivery, type NewWebhook, pingType, type Webhook, type WebhookPatch } from './schema.ts'
import type { WebhookSecrets } from './secrets.ts'
import { deliveriesTag, webhooksTag } from './tags.ts'

/** So long does the former secret sign too: receivers need not change over in one moment. */
const formerMs = 24 * 3_600_000

/** @throws Problem `limit-reached` where the account has as many as it may */
export async function createWebhook(
  transaction: Transaction,
  ownerId: string,
  { url, events, description = '' }: NewWebhook,
  secrets: WebhookSecrets
): Promise<Webhook> {
  const { database } = transaction
  // Two at once would each count what was there before them both.
  await lockOwner(database, ownerId)
  const [own] = await database.select({ n: count() }).from(webhooks).where(eq(webhooks.ownerId, ownerId))
  if ((own?.n ?? 0) >= mostWebhooks) {
    throw new Problem('limit-reached', `An account has ${mostWebhooks} webhooks at most.`)
  }
  const id = randomUUIDv7()
  const at = new Date().toISOString()
  const { encrypted } = secrets.make(id)
  await database
    .insert(webhooks)
    .values({ id, ownerId, url, events, description, secretEnc: encrypted, createdAt: at, updatedAt: at })
  return changed(transaction, id, ownerId, 'webhook.created', { version: 1 }, at)
}

/** Applies a merge patch to a webhook that `lockWebhook` has locked in this transaction. */
export async function updateWebhook(
  transaction: Transaction,
  current: Webhook,
  ownerId: string,
  patch: WebhookPatch
): Promise<Webhook> {
  const names = differing(current, patch)
  if (names.length === 0) return current
  const { id } = current
  const version = current.version + 1
  const at = new Date().toISOString()
  await transaction.database
    .update(webhooks)
    .set({
      ...patch,
      // Whoever switches it on again begins anew.
      ...(patch.active === true && { disabledReason: null, failures: 0 }),
      ...(patch.active === false && { disabledReason: 'owner' }),
      version,
      updatedAt: at
    })
    .where(and(eq(webhooks.id, id), eq(webhooks.ownerId, ownerId)))
  return changed(transaction, id, ownerId, 'webhook.updated', { version, changed: names }, at)
}

/** The names of the fields that the patch would change. The order of a list of types says nothing. */
function differing(current: Webhook, patch: WebhookPatch): string[] {
  const before: Record<string, unknown> = { ...current, events: current.events.toSorted() }
  return Object.entries(patch)
    .filter(
      ([name, value]) => !isDeepStrictEqual(before[name], Array.isArray(value) ? value.toSorted() : value)
    )
    .map(([name]) => name)
}

/** Removes a webhook and what is known of its deliveries. */
export async function deleteWebhook(transaction: Transaction, id: string, ownerId: string): Promise<void> {
  const { database } = transaction
  await database.delete(webhookDeliveries).where(eq(webhookDeliveries.webhookId, id))
  await database.delete(webhooks).where(and(eq(webhooks.id, id), eq(webhooks.ownerId, ownerId)))
  transaction.touch(webhooksTag(ownerId), deliveriesTag(id))
  recordEvent(transaction, {
    type: 'webhook.deleted',
    subject: `webhook:${id}`,
    actorId: ownerId,
    recipients: [ownerId],
    data: {}
  })
}

/** Gives a webhook another secret. @returns it, told this once */
export async function replaceSecret(
  transaction: Transaction,
  id: string,
  ownerId: string,
  secrets: WebhookSecrets
): Promise<{ secret: string; formerUntil: string }> {
  const { database } = transaction
  const [row] = await database
    .select({ secretEnc: webhooks.secretEnc })
    .from(webhooks)
    .where(and(eq(webhooks.id, id), eq(webhooks.ownerId, ownerId)))
    .for('update')
  if (!row) throw new Problem('not-found')
  const { secret, encrypted } = secrets.make(id)
  const formerUntil = new Date(Date.now() + formerMs).toISOString()
  await database
    .update(webhooks)
    .set({ secretEnc: encrypted, formerSecretEnc: row.secretEnc, formerUntil })
    .where(eq(webhooks.id, id))
  return { secret, formerUntil }
}

/** Has a test event sent to a webhook. @throws Problem `conflict` where it is not active */
export async function ping(transaction: Transaction, webhook: Webhook): Promise<Delivery> {
  if (!webhook.active) throw inactive()
  const row = newDelivery(webhook.id, {
    id: randomUUIDv7(),
    type: pingType,
    subject: `webhook:${webhook.id}`,
    at: new Date().toISOString()
  })
  await transaction.database.insert(webhookDeliveries).values(row)
  return sent(transaction, webhook.id, row.id)
}

/** Has an event sent once more, from the first attempt on. @throws Problem `not-found`, or `conflict` where it is not active */
export async function redeliver(transaction: Transaction, webhook: Webhook, id: string): Promise<Delivery> {
  const { database } = transaction
  if (!(await findDelivery(database, webhook.id, id))) throw new Problem('not-found')
  if (!webhook.active) throw inactive()
  const at = new Date().toISOString()
  await database
    .update(webhookDeliveries)
    .set({ status: 'pending', attempts: 0, nextAttemptAt: at, updatedAt: at })
    .where(and(eq(webhookDeliveries.id, id), eq(webhookDeliveries.webhookId, webhook.id)))
  return sent(transaction, webhook.id, id)
}

async function sent(transaction: Transaction, webhookId: string, id: string): Promise<Delivery> {
  transaction.touch(deliveriesTag(webhookId))
  const delivery = await findDelivery(transaction.database, webhookId, id)
  if (!delivery) throw new Error('the delivery just written is not there')
  return delivery
}

async function changed(
  transaction: Transaction,
  id: string,
  ownerId: string,
  type: 'webhook.created' | 'webhook.updated',
  data: Record<string, unknown>,
  at: string
): Promise<Webhook> {
  transaction.touch(webhooksTag(ownerId))
  const subject = `webhook:${id}` as const
  recordEvent(transaction, { type, subject, actorId: ownerId, recipients: [ownerId], data, at })
  const webhook = await findWebhook(transaction.database, id, ownerId)
  if (!webhook) throw new Error('the webhook just written is not there')
  return webhook
}

function inactive(): Problem {
  return new Problem('conflict', 'This webhook is not active: set `active` to true first.')
}
