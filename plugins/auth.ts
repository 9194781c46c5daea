// Who is calling: an access token, RFC 9068, in the Authorization header, RFC 6750. The algorithm, type, issuer and
// audience are ours to say and never the token's (RFC 8725 §3.1); a token that states no time limits is refused.

import jwt from '@fastify/jwt'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { isUuid } from '../src/http/id.ts'
import { Problem } from '../src/http/problem.ts'

export const roles = ['client', 'therapist', 'admin'] as const
export type Role = (typeof roles)[number]

/** Whoever a valid token names. */
export type Caller = { id: string; role: Role }

/** No token is good for longer than this after it was made, whatever it says itself. In seconds. */
export const longestTokenSeconds = 3600
/** How far the clocks of who signs and who checks may be apart. */
const clockToleranceMs = 30_000

declare module 'fastify' {
  interface FastifyInstance {
    /** `onRequest` hook of routes that need a caller: fills `request.caller`, or answers 401. */
    authenticate(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void
    /** An access token for a caller, good for so many seconds. */
    signToken(caller: Caller, seconds: number): string
  }
  interface FastifyRequest {
    /** Set by `app.authenticate`; null on a route that does not use it. */
    caller: Caller | null
  }
}

export default fp(
  async (app) => {
    const { secret, issuer, audience } = app.settings.auth
    await app.register(jwt, {
      secret,
      sign: { algorithm: 'HS256', header: { alg: 'HS256', typ: 'at+jwt' }, iss: issuer, aud: audience },
      verify: {
        algorithms: ['HS256'],
        checkTyp: 'at+jwt',
        allowedIss: issuer,
        allowedAud: audience,
        requiredClaims: ['sub', 'role', 'iat', 'exp'],
        maxAge: longestTokenSeconds,
        clockTolerance: clockToleranceMs,
        // The same token comes with each request of a session. Its own limits end its place in the cache too.
        cache: 1000,
        cacheTTL: 60_000
      }
    })

    app.decorateRequest('caller', null)
    app.decorate('signToken', (caller, seconds) =>
      app.jwt.sign({ sub: caller.id, role: caller.role }, { expiresIn: seconds })
    )
    app.decorate('authenticate', (request, _reply, done) => {
      try {
        request.caller = callerOf(app.jwt.verify<object>(bearerToken(request.headers.authorization)))
        done()
      } catch (error) {
        done(error instanceof Problem ? error : invalidToken(error))
      }
    })
  },
  { name: 'auth', fastify: '5.x' }
)

/** RFC 6750 §2.1; the scheme's case does not matter. */
function bearerToken(header: string | undefined): string {
  if (header === undefined) {
    // Without any credentials there is nothing to call wrong, RFC 6750 §3.1.
    throw new Problem('unauthorized', 'Send an access token.', {
      headers: { 'www-authenticate': 'Bearer realm="turno"' }
    })
  }
  const token = /^Bearer +([\w~+/.-]+=*)$/i.exec(header)?.[1]
  if (token === undefined) throw invalidToken()
  return token
}

function callerOf(claims: { sub?: unknown; role?: unknown }): Caller {
  const role = roles.find((name) => name === claims.role)
  if (typeof claims.sub !== 'string' || !isUuid(claims.sub) || role === undefined) throw invalidToken()
  return { id: claims.sub.toLowerCase(), role }
}

/** The reason stays with us: which check a forged token failed is for nobody to learn. That it ended, its owner may. */
function invalidToken(cause?: unknown): Problem {
  const expired = cause instanceof Error && 'code' in cause && cause.code === 'FAST_JWT_EXPIRED'
  const detail = expired ? 'The access token has expired.' : 'The access token is not valid.'
  return new Problem('unauthorized', detail, {
    headers: {
      'www-authenticate': `Bearer realm="turno", error="invalid_token", error_description="${detail.slice(0, -1)}"`
    },
    cause
  })
}
