// Webhooks over HTTP: where an account is told of its events, and what became of that. docs/events.md.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { entityTag, requireMatch } from '../http/conditional.ts'
import { cursors } from '../http/cursor.ts'
import { IdempotencyHeaders, type Outcome, writeOnce } from '../http/idempotency.ts'
import { Problem } from '../http/problem.ts'
import { IdParameters, problemResponses, Uuid } from '../http/schemas.ts'
import { serve } from '../http/serve.ts'
import { whyNot } from './addresses.ts'
import { createWebhook, deleteWebhook, ping, redeliver, replaceSecret, updateWebhook } from './changes.ts'
import { lockWebhook } from './queries.ts'
import {
  Delivery,
  DeliveryPage,
  DeliveryQuery,
  NewWebhook,
  Webhook,
  WebhookList,
  WebhookPatch,
  WebhookSecret
} from './schema.ts'
import { webhookSecrets } from './secrets.ts'
import { nameOfLog, webhookViews } from './views.ts'

const tags = ['webhooks']
const IfMatch = Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 400 })) })
const DeliveryParameters = Type.Object({ id: Uuid, deliveryId: Uuid })
const defaultLimit = 20

const pathOf = (id: string) => `/api/webhooks/${id}`

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { auth, webhooks } = app.settings
  const positions = cursors(auth.secret)
  const views = webhookViews(positions)
  const secrets = webhookSecrets(webhooks.keys, auth.secret)

  app.get(
    '/api/webhooks',
    {
      onRequest: app.authenticate,
      config: { repeats: true },
      schema: {
        tags,
        operationId: 'listWebhooks',
        summary: 'List one’s webhooks',
        response: { 200: WebhookList, ...problemResponses(406, 503) }
      }
    },
    (request, reply) => serve(request, reply, views.list, { ownerId: ownerOf(request) })
  )

  app.get(
    '/api/webhooks/:id',
    {
      onRequest: app.authenticate,
      config: { repeats: true },
      schema: {
        tags,
        operationId: 'getWebhook',
        summary: 'Get one webhook',
        params: IdParameters,
        response: { 200: Webhook, ...problemResponses(404, 406, 503) }
      }
    },
    (request, reply) =>
      serve(request, reply, views.webhook, { ownerId: ownerOf(request), id: request.params.id.toLowerCase() })
  )

  app.post(
    '/api/webhooks',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'createWebhook',
        summary: 'Create a webhook',
        description: 'Then ask for its secret: `POST /api/webhooks/{id}/secret`.',
        headers: Type.Object(IdempotencyHeaders),
        body: NewWebhook,
        response: { 201: Webhook, ...problemResponses(409, 422, 503) }
      }
    },
    async (request, reply) => {
      const ownerId = ownerOf(request)
      refuseUrl(request.body.url)
      await writeOnce(app, request, reply, async (transaction) => {
        const webhook = await createWebhook(transaction, ownerId, request.body, secrets)
        return outcome(webhook, 201, 'webhook.create', { location: pathOf(webhook.id) })
      })
      return reply
    }
  )

  app.patch(
    '/api/webhooks/:id',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'updateWebhook',
        summary: 'Change a webhook',
        description: 'A merge patch (RFC 7396) of the version that If-Match names.',
        params: IdParameters,
        headers: IfMatch,
        body: WebhookPatch,
        response: { 200: Webhook, ...problemResponses(404, 412, 428, 503) }
      }
    },
    async (request, reply) => {
      const [ownerId, id] = [ownerOf(request), request.params.id.toLowerCase()]
      if (request.body.url !== undefined) refuseUrl(request.body.url)
      await writeOnce(app, request, reply, async (transaction) => {
        const current = found(await lockWebhook(transaction.database, id, ownerId))
        requireMatch(request.headers['if-match'], current.version, true, () => tagOf(current))
        const webhook = await updateWebhook(transaction, current, ownerId, request.body)
        return outcome(webhook, 200, 'webhook.update')
      })
      return reply
    }
  )

  app.delete(
    '/api/webhooks/:id',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'deleteWebhook',
        summary: 'Delete a webhook',
        description: 'With all that is known of what was sent to it.',
        params: IdParameters,
        headers: IfMatch,
        response: { 204: Type.Null({ description: 'Deleted.' }), ...problemResponses(404, 412, 428, 503) }
      }
    },
    async (request, reply) => {
      const [ownerId, id] = [ownerOf(request), request.params.id.toLowerCase()]
      await writeOnce(app, request, reply, async (transaction) => {
        const current = found(await lockWebhook(transaction.database, id, ownerId))
        requireMatch(request.headers['if-match'], current.version, true, () => tagOf(current))
        await deleteWebhook(transaction, id, ownerId)
        return {
          status: 204,
          headers: { 'cache-control': 'no-store' },
          body: '',
          act: actOn(id, 'webhook.delete')
        }
      })
      return reply
    }
  )

  app.post(
    '/api/webhooks/:id/secret',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'replaceWebhookSecret',
        summary: 'Get a new secret',
        description:
          'Told this once. The one before goes on signing beside it for 24 hours. Takes no Idempotency-Key: an answer that is kept would be a secret that is kept.',
        params: IdParameters,
        response: { 200: WebhookSecret, ...problemResponses(404, 503) }
      }
    },
    async (request, reply) => {
      const [ownerId, id] = [ownerOf(request), request.params.id.toLowerCase()]
      const { result } = await app.cache.write((transaction) =>
        replaceSecret(transaction, id, ownerId, secrets)
      )
      app.audit.record(actOn(id, 'webhook.secret'), request)
      return reply.header('cache-control', 'no-store').send(result)
    }
  )

  app.post(
    '/api/webhooks/:id/ping',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'pingWebhook',
        summary: 'Send a test event',
        description: 'Of the type `webhook.ping`, once. The log says what became of it.',
        params: IdParameters,
        headers: Type.Object(IdempotencyHeaders),
        response: { 202: Delivery, ...problemResponses(404, 409, 503) }
      }
    },
    async (request, reply) => {
      const [ownerId, id] = [ownerOf(request), request.params.id.toLowerCase()]
      await writeOnce(app, request, reply, async (transaction) => {
        const webhook = found(await lockWebhook(transaction.database, id, ownerId))
        return accepted(id, await ping(transaction, webhook), 'webhook.ping')
      })
      return reply
    }
  )

  app.get(
    '/api/webhooks/:id/deliveries',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'listDeliveries',
        summary: 'What was sent to a webhook',
        description: 'The newest first, for 30 days.',
        params: IdParameters,
        querystring: DeliveryQuery,
        response: { 200: DeliveryPage, ...problemResponses(404, 406, 503) }
      }
    },
    (request, reply) => {
      const { status = null, limit = defaultLimit, cursor } = request.query
      const log = { ownerId: ownerOf(request), webhookId: request.params.id.toLowerCase(), status }
      const [after = null] = cursor === undefined ? [] : positions.open(nameOfLog(log), cursor)
      return serve(request, reply, views.deliveries, {
        ...log,
        after: after === null ? null : String(after),
        limit
      })
    }
  )

  app.post(
    '/api/webhooks/:id/deliveries/:deliveryId/redeliver',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'redeliver',
        summary: 'Send an event once more',
        description: 'With the same `webhook-id`, from the first attempt on.',
        params: DeliveryParameters,
        headers: Type.Object(IdempotencyHeaders),
        response: { 202: Delivery, ...problemResponses(404, 409, 503) }
      }
    },
    async (request, reply) => {
      const [ownerId, id] = [ownerOf(request), request.params.id.toLowerCase()]
      await writeOnce(app, request, reply, async (transaction) => {
        const webhook = found(await lockWebhook(transaction.database, id, ownerId))
        const delivery = await redeliver(transaction, webhook, request.params.deliveryId.toLowerCase())
        return accepted(id, delivery, 'webhook.redeliver')
      })
      return reply
    }
  )

  /** @throws Problem `validation` for a URL that leads where it may not */
  function refuseUrl(url: string): void {
    const detail = whyNot(url, webhooks.insecure)
    if (detail !== null) {
      throw new Problem('validation', 'This URL cannot be a webhook’s.', {
        errors: [{ pointer: '#/url', detail }]
      })
    }
  }

  /** The ETag of the representation that a GET would answer with, uncompressed. */
  function tagOf(webhook: Webhook): string {
    return entityTag(views.webhook.represent(webhook).tag, 'identity')
  }

  function outcome(
    webhook: Webhook,
    status: number,
    action: string,
    headers: Record<string, string> = {}
  ): Outcome {
    const content = views.webhook.represent(webhook)
    return {
      status,
      act: actOn(webhook.id, action),
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'private, no-cache',
        'content-location': pathOf(webhook.id),
        etag: entityTag(content.tag, 'identity'),
        ...headers
      },
      body: content
    }
  }
}

export default routes

/** The worker sends it, in a moment. */
function accepted(webhookId: string, delivery: Delivery, action: string): Outcome {
  return {
    status: 202,
    act: actOn(webhookId, action),
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      location: `${pathOf(webhookId)}/deliveries`
    },
    body: JSON.stringify(delivery)
  }
}

function ownerOf({ caller }: FastifyRequest): string {
  if (!caller) throw new Error('the route does not authenticate')
  return caller.id
}

/** For the audit trail. */
function actOn(webhookId: string, action: string) {
  return { action, resource: 'webhook', resourceId: webhookId }
}

function found(webhook: Webhook | null): Webhook {
  if (!webhook) throw new Problem('not-found')
  return webhook
}
