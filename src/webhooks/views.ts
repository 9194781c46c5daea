// How webhooks are read: all of an account, one, and what was sent to it. For its owner alone, whose id every key begins
// with.
import type { Cursors } from '../http/cursor.ts'
import { type View, view } from '../http/view.ts'
import { findDeliveries, findWebhook, findWebhooks, type LogPage } from './queries.ts'
import { DeliveryPage, Webhook, WebhookList } from './schema.ts'
import { deliveriesTag, webhooksTag } from './tags.ts'

const own = {
  ttlMs: 60_000,
  absentTtlMs: 30_000,
  staleBudgetMs: 0,
  staleIfErrorMs: 0,
  browser: 'private, no-cache',
  edge: null,
  groups: () => []
} as const

export type WebhookViews = {
  list: View<{ ownerId: string }, WebhookList>
  webhook: View<{ ownerId: string; id: string }, Webhook>
  deliveries: View<LogPage, DeliveryPage>
}

/** What a cursor of a log is bound to. */
export function nameOfLog({ ownerId, webhookId, status }: Omit<LogPage, 'after' | 'limit'>): string {
  return JSON.stringify(['deliveries', ownerId, webhookId, status])
}

export function webhookViews(cursors: Cursors): WebhookViews {
  return {
    list: view({
      ...own,
      name: 'webhooks',
      schema: WebhookList,
      key: ({ ownerId }) => ownerId,
      tags: ({ ownerId }) => [webhooksTag(ownerId)],
      load: async (database, { ownerId }) => ({ data: await findWebhooks(database, ownerId) })
    }),
    webhook: view({
      ...own,
      name: 'webhook',
      schema: Webhook,
      key: ({ ownerId, id }) => `${ownerId}:${id}`,
      tags: ({ ownerId }) => [webhooksTag(ownerId)],
      load: (database, { ownerId, id }) => findWebhook(database, id, ownerId),
      version: ({ version }) => version
    }),
    deliveries: view({
      ...own,
      name: 'webhook-deliveries',
      schema: DeliveryPage,
      key: ({ ownerId, webhookId, status, after, limit }) =>
        [ownerId, webhookId, status ?? 'all', after ?? '', limit].join(':'),
      tags: ({ ownerId, webhookId }) => [deliveriesTag(webhookId), webhooksTag(ownerId)],
      load: async (database, page) => {
        const found = await findDeliveries(database, page)
        if (!found) return null
        const next = found.next === null ? null : cursors.seal(nameOfLog(page), [found.next])
        return { data: found.rows, page: { next } }
      },
      next: ({ webhookId, status, limit }, { page }) =>
        page.next === null
          ? null
          : `/api/webhooks/${webhookId}/deliveries?${new URLSearchParams({
              ...(status !== null && { status }),
              limit: String(limit),
              cursor: page.next
            })}`
    })
  }
}
