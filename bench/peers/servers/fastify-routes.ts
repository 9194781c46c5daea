// The routes of the Fastify peers, as Fastify's documentation teaches them: schemas in, schemas out, the token by
// @fastify/jwt. Only what lies between the routes and the store differs: the cache that each is named after.
import jwt from '@fastify/jwt'
import Fastify, { type FastifyRequest } from 'fastify'
import {
  NewProfile,
  type NewProfile as NewProfileBody,
  Profile,
  ProfilePage,
  ProfilePatch,
  type ProfilePatch as ProfilePatchBody
} from '../../../src/profiles/schema.ts'
import { queryOf } from './express-parts.ts'
import { announce, endWith } from './listen.ts'
import { type Caller, type ProfileStore, Refusal } from './profile-store.ts'
import type { Settings } from './settings.ts'
import { rememberedTokens } from './tokens.ts'

/** A cache in front of the store. */
export type Cached = {
  profile(id: string): Promise<Profile | null>
  page(query: string): Promise<ProfilePage>
  /** After a profile was written. */
  written(id: string): Promise<unknown>
  close(): Promise<unknown>
}

export async function serve(settings: Settings, store: ProfileStore, cache: Cached): Promise<void> {
  const app = Fastify()
  await app.register(jwt, {
    secret: { public: settings.jwt.publicKey },
    verify: {
      algorithms: ['ES256'],
      allowedIss: settings.jwt.issuer,
      allowedAud: settings.jwt.audience,
      cache: rememberedTokens
    }
  })
  const authenticate = async (request: FastifyRequest) => {
    await request.jwtVerify()
  }

  app.get('/api/profiles', { schema: { response: { 200: ProfilePage } } }, (request) =>
    cache.page(queryOf(request.url))
  )

  app.get<{ Params: { id: string } }>(
    '/api/profile/:id',
    { schema: { response: { 200: Profile } } },
    async (request) => {
      const profile = await cache.profile(request.params.id)
      if (!profile) throw new Refusal(404, 'not there')
      return profile
    }
  )

  app.post<{ Body: NewProfileBody }>(
    '/api/profiles',
    { onRequest: authenticate, schema: { body: NewProfile, response: { 201: Profile } } },
    async (request, reply) => {
      const profile = await store.create(callerOf(request), request.body)
      await cache.written(profile.id)
      return reply.code(201).send(profile)
    }
  )

  app.patch<{ Params: { id: string }; Body: ProfilePatchBody }>(
    '/api/profile/:id',
    { onRequest: authenticate, schema: { body: ProfilePatch, response: { 200: Profile } } },
    async (request) => {
      const { id } = request.params
      const profile = await store.update(callerOf(request), id, request.body)
      await cache.written(id)
      return profile
    }
  )

  announce(await app.listen({ host: '127.0.0.1', port: 0 }))
  endWith(async () => {
    app.server.closeAllConnections()
    await app.close()
    await cache.close()
    await store.close()
  })
}

function callerOf(request: FastifyRequest): Caller {
  const { sub, role } = request.user as { sub: string; role: string }
  return { id: sub, role }
}
