// One's own profile over HTTP: the owner's representation, never anybody else's.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { callerOf } from '../../../plugins/auth.ts'
import { lockCalendar } from '../../calendar/queries.ts'
import { entityTag, requireMatch } from '../../http/conditional.ts'
import { parseFields, selectableFields } from '../../http/fields.ts'
import { Problem } from '../../http/problem.ts'
import { fieldsParameter, problemResponses } from '../../http/schemas.ts'
import { serve } from '../../http/serve.ts'
import { answerWritten } from '../../http/written.ts'
import { lockProfiles } from '../queries.ts'
import { replaceProfile } from './changes.ts'
import { findOwnProfile } from './queries.ts'
import { NewOwnProfile, OwnProfile } from './schema.ts'
import { ownProfileView } from './view.ts'

const tags = ['profiles']
const path = '/api/profile'
const ownFields = selectableFields(OwnProfile)

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    path,
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'getOwnProfile',
        summary: 'Get your profile',
        description:
          'With what only its owner reads. A therapist who has none yet creates it: `POST /api/profiles`.',
        querystring: Type.Object(fieldsParameter, { additionalProperties: false }),
        response: { 200: OwnProfile, ...problemResponses(404, 406, 503) }
      }
    },
    (request, reply) => {
      const { fields } = request.query
      const ownerId = callerOf(request).id
      sayWhereItIs(reply, ownerId)
      return serve(
        request,
        reply,
        ownProfileView,
        { ownerId },
        fields === undefined ? undefined : parseFields(fields, ownFields)
      )
    }
  )

  app.put(
    path,
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'replaceOwnProfile',
        summary: 'Replace your profile',
        description:
          'All that its owner may say, services included, from the version that If-Match names; the ETag of the public representation will do as well. To change a little there is `PATCH /api/profile/{id}`.',
        headers: Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 400 })) }),
        body: NewOwnProfile,
        response: { 200: OwnProfile, ...problemResponses(404, 412, 428, 503) }
      }
    },
    async (request, reply) => {
      const id = callerOf(request).id
      const { result, stamp } = await app.cache.write(async (transaction) => {
        const { database } = transaction
        // Services are part of when somebody can be booked, and whatever changes that takes the calendar first.
        await lockCalendar(database, id)
        await lockProfiles(transaction, [id])
        const current = await findOwnProfile(database, id)
        if (!current)
          throw new Problem('not-found', 'You have no profile yet: POST /api/profiles creates it.')
        const tag = () => entityTag(ownProfileView.represent(current).tag, 'identity')
        requireMatch(request.headers['if-match'], current.version, true, tag)
        return replaceProfile(transaction, current, request.body)
      })
      if (result.tags.length > 0) {
        app.audit.record({ action: 'profile.replace', resource: 'profile', resourceId: id }, request)
      }
      sayWhereItIs(reply, id)
      return answerWritten(reply, ownProfileView, result, stamp)
    }
  )
}

export default routes

/** RFC 9110 §8.7: the profile by its own path, where everybody else knows it. A problem goes without it. */
function sayWhereItIs(reply: FastifyReply, id: string): void {
  reply.header('content-location', `${path}/${id}`)
}
