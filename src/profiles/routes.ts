// Profiles over HTTP: search, one profile, create, change.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { type Caller, callerOf } from '../../plugins/auth.ts'
import type { Written } from '../cache/cache.ts'
import type { Content } from '../cache/content.ts'
import type { Transaction } from '../cache/transaction.ts'
import { entityTag, requireMatch } from '../http/conditional.ts'
import { cursors } from '../http/cursor.ts'
import { parseFields, selectableFields } from '../http/fields.ts'
import { type Outcome as Answered, IdempotencyHeaders, writeOnce } from '../http/idempotency.ts'
import { Problem } from '../http/problem.ts'
import { fieldsParameter, IdParameters, problemResponses } from '../http/schemas.ts'
import { serve } from '../http/serve.ts'
import { answerWritten, type Change } from '../http/written.ts'
import { changeProfiles, createProfiles, type Edit, refusalOf, type Wish } from './changes.ts'
import { NewProfile, Profile, ProfilePage, ProfilePatch, ProfileQuery, ProfileSummary } from './schema.ts'
import { pageOf } from './search.ts'
import { profileViews } from './views.ts'

const tags = ['profiles']
const ItemQuery = Type.Object(fieldsParameter, { additionalProperties: false })
const itemFields = selectableFields(Profile)
const summaryFields = selectableFields(ProfileSummary)

const pathOf = (id: string) => `/api/profile/${id}`

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const positions = cursors(app.settings.auth.secret)
  const views = profileViews(positions)

  const change = app.cache.together(
    ({ id }: Edit | Wish) => id,
    async (transaction, asks) => {
      const outcomes = await changeProfiles(transaction, asks)
      return outcomes.map((outcome) => {
        if ('refused' in outcome) return outcome
        const { profile, tags } = outcome.result
        const content = views.profile.represent(profile)
        // What was changed is likely to be read next: it is in the cache by then.
        if (tags.length > 0 && profile.version > 1 && profile.visibility === 'public') {
          transaction.keep(views.profile.cached, views.profile.key(profile), profile, content)
        }
        return { result: { value: profile, tags, content }, tags }
      })
    }
  )

  app.get(
    '/api/profiles',
    {
      config: { repeats: true },
      schema: {
        tags,
        operationId: 'searchProfiles',
        summary: 'Search profiles',
        description:
          'Public profiles by text, specialty, language, approach, place, mode, price and rating. May be up to one second behind a change; never more.',
        querystring: ProfileQuery,
        response: { 200: ProfilePage, ...problemResponses(406, 503) }
      }
    },
    (request, reply) => {
      const { fields } = request.query
      return serve(
        request,
        reply,
        views.page,
        pageOf(request.query, positions.open),
        fields === undefined ? undefined : parseFields(fields, summaryFields)
      )
    }
  )

  for (const path of ['/api/profile/:id', '/api/profiles/:id'] as const) {
    const alias = path === '/api/profiles/:id'
    app.get(
      path,
      {
        config: { repeats: true },
        schema: {
          tags,
          operationId: alias ? 'getProfileAlias' : 'getProfile',
          summary: alias ? 'Get one profile (alias)' : 'Get one profile',
          description: alias
            ? 'The same as `/api/profile/{id}`, as Content-Location says.'
            : 'A public profile, its services included.',
          params: IdParameters,
          querystring: ItemQuery,
          response: { 200: Profile, ...problemResponses(404, 406, 503) }
        }
      },
      (request, reply) => {
        const id = request.params.id.toLowerCase()
        // RFC 9110 §8.7: the path under which everybody else knows this. A problem goes without it.
        if (alias) reply.header('content-location', pathOf(id))
        const { fields } = request.query
        return serve(
          request,
          reply,
          views.profile,
          { id },
          fields === undefined ? undefined : parseFields(fields, itemFields)
        )
      }
    )

    app.patch(
      path,
      {
        onRequest: app.authenticate,
        schema: {
          tags,
          operationId: alias ? 'updateProfileAlias' : 'updateProfile',
          summary: alias ? 'Change a profile (alias)' : 'Change a profile',
          description:
            'A merge patch (RFC 7396) by its owner or an administrator. With If-Match it is applied to that version alone.',
          params: IdParameters,
          headers: Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 400 })) }),
          body: ProfilePatch,
          response: { 200: Profile, ...problemResponses(403, 404, 412, 503) }
        }
      },
      async (request, reply) => {
        const id = request.params.id.toLowerCase()
        const caller = callerOf(request)
        const ifMatch = request.headers['if-match']
        const permit = (current: Profile | null) => {
          mayChange(caller, current)
          requireMatch(ifMatch, current.version, false, () => tagOf(current))
          return current
        }
        const written = await change({ id, actorId: caller.id, patch: request.body, permit })
        if (written.result.tags.length > 0) {
          app.audit.record({ action: 'profile.update', resource: 'profile', resourceId: id }, request)
        }
        return answer(reply, written)
      }
    )
  }

  app.post(
    '/api/profiles',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'createProfile',
        summary: 'Create a profile',
        description: 'A therapist’s own; an administrator names the therapist by `userId`.',
        headers: Type.Object(IdempotencyHeaders),
        body: NewProfile,
        response: { 201: Profile, ...problemResponses(403, 409, 503) }
      }
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const id = (request.body.userId ?? caller.id).toLowerCase()
      mayCreate(caller, id)
      const { userId: _, ...said } = request.body
      const wish = { id, actorId: caller.id, said }
      const alone = async (transaction: Transaction) => {
        const [made] = await createProfiles(transaction, [wish]).catch((error: unknown) => {
          throw refusalOf(error, id)
        })
        if (!made) throw new Error('a profile was neither created nor refused')
        if ('refused' in made) throw made.refused
        const { profile } = made.result
        return created(profile, views.profile.represent(profile))
      }
      const together = async () => {
        const { result, stamp } = await change(wish).catch((error: unknown) => {
          throw refusalOf(error, id)
        })
        return { result: { outcome: created(result.value, result.content), tags: result.tags }, stamp }
      }
      await writeOnce(app, request, reply, alone, together)
      return reply
    }
  )

  function created({ id }: Profile, content: Content): Answered {
    return {
      status: 201,
      act: { action: 'profile.create', resource: 'profile', resourceId: id },
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-cache',
        location: pathOf(id),
        'content-location': pathOf(id),
        etag: entityTag(content.tag, 'identity')
      },
      body: content
    }
  }

  /** The ETag of the representation that a GET would answer with, uncompressed. */
  function tagOf(profile: Profile): string {
    return entityTag(views.profile.represent(profile).tag, 'identity')
  }

  function answer(reply: FastifyReply, { result, stamp }: Written<Change<Profile>>): FastifyReply {
    reply.header('content-location', pathOf(result.value.id))
    return answerWritten(reply, views.profile, result, stamp)
  }
}

export default routes

function mayCreate(caller: Caller, id: string): void {
  if (caller.role === 'client') throw new Problem('forbidden', 'Profiles belong to therapists.')
  if (caller.role !== 'admin' && id !== caller.id) {
    throw new Problem('forbidden', 'You may create your own profile.')
  }
}

// Whoever may not see it must not learn that it is there.
function mayChange(caller: Caller, current: Profile | null): asserts current is Profile {
  if (!current) throw new Problem('not-found')
  if (caller.id === current.id || caller.role === 'admin') return
  throw current.visibility === 'public'
    ? new Problem('forbidden', 'It is not yours.')
    : new Problem('not-found')
}
