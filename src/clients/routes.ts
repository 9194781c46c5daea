// A therapist's own records of clients, over HTTP. To every other therapist they are absent.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { type Caller, callerOf } from '../../plugins/auth.ts'
import { entityTag, requireMatch } from '../http/conditional.ts'
import { cursors } from '../http/cursor.ts'
import { parseFields, selectableFields } from '../http/fields.ts'
import { IdempotencyHeaders, type Outcome, writeOnce } from '../http/idempotency.ts'
import { Problem } from '../http/problem.ts'
import { fieldsParameter, IdParameters, problemResponses } from '../http/schemas.ts'
import { serve } from '../http/serve.ts'
import { createClient, eraseClient, updateClient } from './changes.ts'
import { lockClient } from './queries.ts'
import { Client, ClientPage, ClientPatch, ClientQuery, ClientSummary, NewClient } from './schema.ts'
import { pageOf } from './search.ts'
import { clientViews } from './views.ts'

const tags = ['clients']
const ItemQuery = Type.Object(fieldsParameter, { additionalProperties: false })
const IfMatch = Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 400 })) })
const itemFields = selectableFields(Client)
const summaryFields = selectableFields(ClientSummary)

const pathOf = (id: string) => `/api/clients/${id}`

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const positions = cursors(app.settings.auth.secret)
  const views = clientViews(positions)

  app.get(
    '/api/clients',
    {
      onRequest: app.authenticate,
      config: { repeats: true },
      schema: {
        tags,
        operationId: 'listClients',
        summary: 'List one’s clients',
        description: 'The caller’s own, by status and then by name.',
        querystring: ClientQuery,
        response: { 200: ClientPage, ...problemResponses(403, 406, 503) }
      }
    },
    (request, reply) => {
      const { fields } = request.query
      return serve(
        request,
        reply,
        views.page,
        pageOf(therapist(request.caller), request.query, positions.open),
        fields === undefined ? undefined : parseFields(fields, summaryFields)
      )
    }
  )

  app.get(
    '/api/clients/:id',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'getClient',
        summary: 'Get one client',
        description:
          'One of the caller’s own; an administrator may read any, and each time leaves a trace of it.',
        params: IdParameters,
        querystring: ItemQuery,
        response: { 200: Client, ...problemResponses(403, 404, 406, 503) }
      }
    },
    (request, reply) => {
      const { fields } = request.query
      const id = request.params.id.toLowerCase()
      const anybodys = request.caller?.role === 'admin'
      const readerId = anybodys ? callerOf(request).id : therapist(request.caller)
      if (anybodys) app.audit.record({ action: 'client.read', resource: 'client', resourceId: id }, request)
      return serve(
        request,
        reply,
        views.client,
        { readerId, id, anybodys },
        fields === undefined ? undefined : parseFields(fields, itemFields)
      )
    }
  )

  app.post(
    '/api/clients',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'createClient',
        summary: 'Create a client',
        description: 'In the caller’s own practice.',
        headers: Type.Object(IdempotencyHeaders),
        body: NewClient,
        response: { 201: Client, ...problemResponses(403, 409, 422, 503) }
      }
    },
    async (request, reply) => {
      const therapistId = therapist(request.caller)
      await writeOnce(app, request, reply, async (transaction) => {
        const client = await createClient(transaction, therapistId, request.body)
        return outcome(client, 201, 'client.create', { location: pathOf(client.id) })
      })
      return reply
    }
  )

  app.patch(
    '/api/clients/:id',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'updateClient',
        summary: 'Change a client',
        description: 'A merge patch (RFC 7396) of the version that If-Match names.',
        params: IdParameters,
        headers: IfMatch,
        body: ClientPatch,
        response: { 200: Client, ...problemResponses(403, 404, 409, 412, 428, 503) }
      }
    },
    async (request, reply) => {
      const therapistId = therapist(request.caller)
      const id = request.params.id.toLowerCase()
      await writeOnce(app, request, reply, async (transaction) => {
        const current = found(await lockClient(transaction.database, id, therapistId))
        requireMatch(request.headers['if-match'], current.version, true, () => tagOf(current))
        const client = await updateClient(transaction, current, therapistId, request.body)
        return outcome(client, 200, 'client.update')
      })
      return reply
    }
  )

  app.delete(
    '/api/clients/:id',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'eraseClient',
        summary: 'Erase a client',
        description:
          'Name, address, telephone and notes are gone for good; what was booked and paid stays without them. To keep a record out of the way, archive it.',
        params: IdParameters,
        headers: IfMatch,
        response: {
          204: Type.Null({ description: 'Erased.' }),
          ...problemResponses(403, 404, 409, 412, 428, 503)
        }
      }
    },
    async (request, reply) => {
      const therapistId = therapist(request.caller)
      const id = request.params.id.toLowerCase()
      await writeOnce(app, request, reply, async (transaction) => {
        const current = found(await lockClient(transaction.database, id, therapistId))
        requireMatch(request.headers['if-match'], current.version, true, () => tagOf(current))
        await eraseClient(transaction, current, therapistId)
        return {
          status: 204,
          headers: { 'cache-control': 'no-store' },
          body: '',
          act: { action: 'client.erase', resource: 'client', resourceId: id }
        }
      })
      return reply
    }
  )

  /** The ETag of the representation that a GET would answer with, uncompressed. */
  function tagOf(client: Client): string {
    return entityTag(views.client.represent(client).tag, 'identity')
  }

  function outcome(
    client: Client,
    status: number,
    action: string,
    headers: Record<string, string> = {}
  ): Outcome {
    const content = views.client.represent(client)
    return {
      status,
      act: { action, resource: 'client', resourceId: client.id },
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'private, no-cache',
        'content-location': pathOf(client.id),
        etag: entityTag(content.tag, 'identity'),
        ...headers
      },
      body: content
    }
  }
}

export default routes

/** The id of the therapist who calls. */
function therapist(caller: Caller | null): string {
  const { id, role } = callerOf({ caller })
  if (role !== 'therapist') throw new Problem('forbidden', 'Clients belong to therapists.')
  return id
}

function found(client: Client | null): Client {
  if (!client) throw new Problem('not-found')
  return client
}
