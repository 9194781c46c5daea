// Accounts and sessions over HTTP: sign in and out, go on, register, and what is one's own.
//
// Refresh tokens travel in bodies, not in cookies: this API serves applications of other origins and machines, and what
// no browser sends by itself no other site can make it send.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { drizzle } from 'drizzle-orm/mysql2'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { callerOf, sessionTokenSeconds } from '../../plugins/auth.ts'
import type { Stamp } from '../cache/slot.ts'
import type { Database } from '../cache/view.ts'
import { consistencyHeader } from '../http/consistency.ts'
import { fixedContent, sendFixed } from '../http/fixed-content.ts'
import { Problem } from '../http/problem.ts'
import { IdParameters, problemResponses } from '../http/schemas.ts'
import { serve } from '../http/serve.ts'
import { networkOf } from '../limits/address.ts'
import { perQuarterHour } from '../limits/limit.ts'
import { isTimeZone } from '../time/zones.ts'
import { publicKeySet, tokenKeysOf } from '../token-keys.ts'
import {
  changePassword,
  changeRole,
  createAccount,
  endOtherSessions,
  endSession,
  type Opened,
  openSession,
  refreshSession
} from './changes.ts'
import { hashPassword, verifyPassword } from './passwords.ts'
import { findCredentials, findCredentialsOf } from './queries.ts'
import { digestOf, refreshTokens } from './refresh-tokens.ts'
import {
  Account,
  PasswordChange,
  Refresh,
  Registration,
  RoleChange,
  Sessions,
  SignIn,
  Tokens
} from './schema.ts'
import { sweepSessions } from './sweep.ts'
import { accountView, sessionsView } from './views.ts'

const tags = ['accounts']
const longestDevice = 200

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { auth, limits } = app.settings
  const tokens = refreshTokens(auth.secret)
  const publicKeys = await fixedContent(
    JSON.stringify(publicKeySet(tokenKeysOf(auth))),
    'application/jwk-set+json'
  )
  const perAddress = (name: string) =>
    perQuarterHour(name, limits.loginsPerAddress, ({ ip }) => networkOf(ip))
  sweepSessions(app)

  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        tags,
        operationId: 'getTokenKeys',
        summary: 'The keys of access tokens',
        description: 'A JWK set (RFC 7517) of the public keys by which a service checks our access tokens.',
        response: {
          200: {
            description: 'The keys that are believed: more than one while one follows the other.',
            content: {
              'application/jwk-set+json': {
                schema: Type.Object({ keys: Type.Array(Type.Object({}, { additionalProperties: true })) })
              }
            }
          }
        }
      }
    },
    async (request, reply) => sendFixed(request, reply, publicKeys)
  )

  app.post(
    '/api/auth/login',
    {
      config: { limits: app.limits.login },
      schema: {
        tags,
        operationId: 'signIn',
        summary: 'Sign in',
        description:
          'Begins a session, of at most ten at once and for thirty days. An unknown address and a wrong password are answered alike.',
        body: SignIn,
        response: { 200: Tokens, ...problemResponses(401, 429) }
      }
    },
    async (request, reply) => {
      const { email, password } = request.body
      const credentials = await fromPrimary((database) => findCredentials(database, email))
      const { matches, outdated } = await verifyPassword(password, credentials?.passwordHash ?? null)
      if (credentials === null || !matches) throw refused(request, credentials?.id ?? null)
      const rehashed = outdated ? await hashPassword(password) : null
      const refreshToken = tokens.first()
      const first = { digest: digestOf(refreshToken), device: deviceOf(request) }
      const { result: session, stamp } = await app.cache.write((transaction) =>
        openSession(transaction, credentials, rehashed, first)
      )
      if (session === null) throw refused(request, credentials.id)
      audit(request, session, 'session.begin')
      return sendTokens(reply, session, refreshToken, stamp)
    }
  )

  app.post(
    '/api/auth/refresh',
    {
      schema: {
        tags,
        operationId: 'refreshSession',
        summary: 'Go on with a session',
        description:
          'Gives new tokens for a refresh token, which is then used up. When it comes again, somebody has stolen it or its successor, and the session ends; within ten seconds and from the same device it is answered with the same successor, for tabs that refresh at once.',
        body: Refresh,
        response: { 200: Tokens, ...problemResponses(401, 429) }
      }
    },
    async (request, reply) => {
      const { refreshToken } = request.body
      const successor = tokens.after(refreshToken)
      const used = { digest: digestOf(refreshToken), device: deviceOf(request) }
      const { result: session, stamp } = await app.cache.write((transaction) =>
        refreshSession(transaction, used, digestOf(successor))
      )
      if (session === null) throw sessionEnded()
      if (session.outcome === 'reused') {
        audit(request, session, 'session.reuse', 'refused')
        throw sessionEnded()
      }
      return sendTokens(reply, session, successor, stamp)
    }
  )

  app.post(
    '/api/auth/logout',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'signOut',
        summary: 'Sign out',
        description: 'Ends the session of the access token.',
        response: { 204: Type.Null({ description: 'Ended.' }) }
      }
    },
    async (request, reply) => {
      const { id: userId, role, sessionId } = callerOf(request)
      if (sessionId === undefined) return reply.code(204).send(null)
      const { stamp } = await app.cache.write((transaction) =>
        endSession(transaction, { userId, id: sessionId })
      )
      audit(request, { userId, role, sessionId }, 'session.end')
      return sendNothing(reply, stamp)
    }
  )

  app.post(
    '/api/auth/register',
    {
      config: { limits: [app.limits.default, perAddress('register')] },
      schema: {
        tags,
        operationId: 'register',
        summary: 'Register',
        description:
          'Creates the account of a client or a therapist, who then signs in. The answer holds no tokens.',
        body: Registration,
        response: { 201: Account, ...problemResponses(409, 429) }
      }
    },
    async (request, reply) => {
      // No Idempotency-Key: it would belong to a caller, and there is none. Sent again it is a 409, and one may sign in.
      const registration = request.body
      checkTimeZone(registration.timeZone)
      checkPassword(registration.password, registration.email, '#/password')
      const passwordHash = await hashPassword(registration.password)
      const { result: account, stamp } = await app.cache.write((transaction) =>
        createAccount(transaction, registration, passwordHash)
      )
      const { id, role } = account
      app.audit.record(
        { action: 'user.create', resource: 'user', resourceId: id },
        { caller: { id, role }, ip: request.ip, id: request.id }
      )
      reply.headers(written(stamp))
      return reply.code(201).header('location', '/api/auth/me').send(account)
    }
  )

  app.get(
    '/api/auth/me',
    {
      onRequest: app.authenticate,
      config: { repeats: true },
      schema: {
        tags,
        operationId: 'getAccount',
        summary: 'One’s own account',
        description: 'Who the access token is for.',
        response: { 200: Account, ...problemResponses(404, 406, 503) }
      }
    },
    (request, reply) => serve(request, reply, accountView, { id: callerOf(request).id })
  )

  app.put(
    '/api/auth/password',
    {
      onRequest: app.authenticate,
      config: {
        limits: [
          app.limits.default,
          perQuarterHour('password', limits.logins, ({ caller, ip }) => caller?.id ?? networkOf(ip))
        ]
      },
      schema: {
        tags,
        operationId: 'changePassword',
        summary: 'Change one’s password',
        description: 'Ends all other sessions.',
        body: PasswordChange,
        response: { 204: Type.Null({ description: 'Changed.' }), ...problemResponses(403, 429) }
      }
    },
    async (request, reply) => {
      const { id, role, sessionId } = callerOf(request)
      const { currentPassword, newPassword } = request.body
      const credentials = await fromPrimary((database) => findCredentialsOf(database, id))
      const { matches } = await verifyPassword(currentPassword, credentials?.passwordHash ?? null)
      if (credentials === null || !matches) throw wrongPassword()
      checkPassword(newPassword, credentials.email, '#/newPassword')
      const newHash = await hashPassword(newPassword)
      const { result: changed, stamp } = await app.cache.write((transaction) =>
        changePassword(transaction, credentials, newHash, sessionId)
      )
      if (!changed) throw wrongPassword()
      app.audit.record({ action: 'user.password', resource: 'user', resourceId: id }, request)
      return sendNothing(reply, stamp)

      function wrongPassword(): Problem {
        const event = {
          action: 'user.password',
          resource: 'user',
          resourceId: id,
          outcome: 'refused'
        } as const
        app.audit.record(event, { caller: { id, role }, ip: request.ip, id: request.id })
        return new Problem('forbidden', 'The current password is not right.')
      }
    }
  )

  app.get(
    '/api/auth/sessions',
    {
      onRequest: app.authenticate,
      config: { repeats: true },
      schema: {
        tags,
        operationId: 'listSessions',
        summary: 'One’s sessions',
        description: 'Where one is signed in: at most ten.',
        response: { 200: Sessions, ...problemResponses(406, 503) }
      }
    },
    (request, reply) => {
      const { id, sessionId } = callerOf(request)
      return serve(request, reply, sessionsView, { userId: id, current: sessionId })
    }
  )

  app.delete(
    '/api/auth/sessions',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'endOtherSessions',
        summary: 'Sign out everywhere else',
        description: 'Ends all of one’s sessions but the one that asks.',
        response: { 204: Type.Null({ description: 'Ended.' }) }
      }
    },
    async (request, reply) => {
      const { id, sessionId } = callerOf(request)
      const { stamp } = await app.cache.write((transaction) => endOtherSessions(transaction, id, sessionId))
      app.audit.record({ action: 'session.end-others', resource: 'user', resourceId: id }, request)
      return sendNothing(reply, stamp)
    }
  )

  app.delete(
    '/api/auth/sessions/:id',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'endSession',
        summary: 'End one of one’s sessions',
        description: 'Its tokens are refused from then on, by every instance.',
        params: IdParameters,
        response: { 204: Type.Null({ description: 'Ended.' }), ...problemResponses(404) }
      }
    },
    async (request, reply) => {
      const { id: userId, role } = callerOf(request)
      const sessionId = request.params.id.toLowerCase()
      const { result: ended, stamp } = await app.cache.write((transaction) =>
        endSession(transaction, { userId, id: sessionId })
      )
      if (!ended) throw new Problem('not-found', 'You have no such session.')
      audit(request, { userId, role, sessionId }, 'session.end')
      return sendNothing(reply, stamp)
    }
  )

  app.put(
    '/api/users/:id/role',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'changeRole',
        summary: 'Change a user’s role',
        description: 'For administrators. Ends all sessions of the user.',
        params: IdParameters,
        body: RoleChange,
        response: { 200: Account, ...problemResponses(403, 404) }
      }
    },
    async (request, reply) => {
      if (callerOf(request).role !== 'admin') throw new Problem('forbidden', 'Administrators give roles.')
      const id = request.params.id.toLowerCase()
      const { result: account, stamp } = await app.cache.write((transaction) =>
        changeRole(transaction, id, request.body.role)
      )
      app.audit.record({ action: 'user.role', resource: 'user', resourceId: id }, request)
      reply.headers(written(stamp))
      return reply.send(account)
    }
  )

  /** What a password is checked against may be seconds old on a replica, and is never cached. */
  function fromPrimary<Found>(find: (database: Database) => Promise<Found>): Promise<Found> {
    return app.mysql.primaryReads.use((connection) => find(drizzle({ client: connection })))
  }

  function sendTokens(
    reply: FastifyReply,
    session: Opened,
    refreshToken: string,
    stamp: Stamp
  ): FastifyReply {
    const { userId, role, sessionId, expiresAt } = session
    const left = Math.floor((Date.parse(expiresAt) - Date.now()) / 1000)
    const expiresIn = Math.max(1, Math.min(sessionTokenSeconds, left))
    const accessToken = app.signToken({ id: userId, role, sessionId }, expiresIn)
    const answer: Tokens = {
      accessToken,
      tokenType: 'Bearer',
      expiresIn,
      refreshToken,
      refreshExpiresAt: expiresAt,
      sessionId
    }
    return reply.headers(written(stamp)).send(answer)
  }

  function sendNothing(reply: FastifyReply, stamp: Stamp): FastifyReply {
    return reply.code(204).headers(written(stamp)).send(null)
  }

  function written(stamp: Stamp): Record<string, string> {
    return {
      'cache-control': 'no-store',
      ...(stamp.slots.length > 0 && { [consistencyHeader]: app.consistency.of(stamp) })
    }
  }

  function refused(request: FastifyRequest, userId: string | null): Problem {
    app.audit.record(
      { action: 'session.begin', resource: 'user', resourceId: userId, outcome: 'refused' },
      request
    )
    return new Problem('invalid-credentials', 'The e-mail address or the password is wrong.', {
      headers: asks
    })
  }

  function audit(
    { ip, id }: FastifyRequest,
    session: Pick<Opened, 'userId' | 'role' | 'sessionId'>,
    action: string,
    outcome: 'success' | 'refused' = 'success'
  ): void {
    const { userId, role, sessionId } = session
    app.audit.record(
      { action, resource: 'session', resourceId: sessionId, outcome },
      { caller: { id: userId, role }, ip, id }
    )
  }
}

export default routes

/** A 401 has to say how to do better, RFC 9110 §15.5.2. */
const asks = { 'www-authenticate': 'Bearer realm="turno"' }

/** One answer for what was never a token, has run out, was ended or was stolen. */
function sessionEnded(): Problem {
  return new Problem('session-ended', 'The session has ended: sign in again.', { headers: asks })
}

/** What a client calls itself, without what would disturb whoever reads it. */
function deviceOf({ headers }: FastifyRequest): string {
  return (headers['user-agent'] ?? '').replaceAll(/[^\x20-\x7e]/g, '').slice(0, longestDevice)
}

function checkTimeZone(name: string | undefined): void {
  if (name === undefined || isTimeZone(name)) return
  throw new Problem('validation', 'One part of the body is not valid.', {
    errors: [{ pointer: '#/timeZone', detail: 'is not the name of a time zone' }]
  })
}

/** Long is not enough: one letter again and again, and what everybody knows of somebody, are tried first. */
function checkPassword(password: string, email: string, pointer: string): void {
  const [name = ''] = email.toLowerCase().split('@')
  const isGuessable =
    new Set(password).size < 5 || (name.length >= 4 && password.toLowerCase().includes(name))
  if (!isGuessable) return
  throw new Problem('validation', 'One part of the body is not valid.', {
    errors: [{ pointer, detail: 'can be guessed: it repeats a few characters, or your address' }]
  })
}
