// The audit trail over HTTP: for administrators, from allowed addresses. It is read from the database each time: what
// is asked for once a month is not worth a cache, and shows most when it is newest.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { drizzle } from 'drizzle-orm/mysql2'
import { DatabaseUnavailable, type Pool } from '../../db/pool.ts'
import type { Database } from '../cache/view.ts'
import { cursors } from '../http/cursor.ts'
import { problemResponses } from '../http/schemas.ts'
import { findPage } from './queries.ts'
import { AuditPage, AuditQuery } from './schema.ts'
import { askedOf, nameOf, queryOf } from './search.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const positions = cursors(app.settings.auth.secret)

  app.get(
    '/api/audit',
    {
      onRequest: app.requireAdmin,
      schema: {
        tags: ['operations'],
        operationId: 'listAuditEntries',
        summary: 'Read the audit trail',
        description:
          'Who did what to which record, when and from where; newest first, 31 days at most. For administrators, from ' +
          'allowed addresses; elsewhere there is no such thing (404). An entry is here within a second or so of what ' +
          'it tells; later, where Redis was away. A page may hold fewer than `limit`: `page.next` alone says whether ' +
          'it was the last. Reading leaves an entry, too.',
        querystring: AuditQuery,
        response: { 200: AuditPage, ...problemResponses(403, 404, 422, 503) }
      }
    },
    async (request, reply) => {
      const asked = askedOf(request.query, Date.now(), positions.open)
      app.audit.record({ action: 'audit.read', resource: 'audit', resourceId: null }, request)
      const { rows, next } = await read((database) => findPage(database, asked))
      const cursor = next === null ? null : positions.seal(nameOf(request.query), [next])
      reply.header('cache-control', 'no-store')
      if (cursor !== null) reply.header('link', `</api/audit?${queryOf(request.query, cursor)}>; rel="next"`)
      return { data: rows, page: { next: cursor } }
    }
  )

  /** From a replica; from the primary where none serves, or the one that was asked has just gone. */
  async function read<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const { replicas, primaryReads } = app.mysql
    const on = (pool: Pool) => pool.use((connection) => work(drizzle({ client: connection })))
    const replica = replicas.choose()
    if (replica === null) return on(primaryReads)
    return on(replica.pool).catch((error) => {
      if (error instanceof DatabaseUnavailable) return on(primaryReads)
      throw error
    })
  }
}

export default routes
