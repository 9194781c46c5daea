// Who is calling: an access token, RFC 9068, in the Authorization header, RFC 6750. Algorithm, type, key, issuer and
// audience are ours to say and never the token's (RFC 8725 §3.1); a token that states no time limits is refused.

import jwt from '@fastify/jwt'
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { type Answer, nameOf } from '../src/cache/cache.ts'
import type { CacheView } from '../src/cache/view.ts'
import { ByText } from '../src/http/by-text.ts'
import { consistencyHeader } from '../src/http/consistency.ts'
import { isUuid } from '../src/http/id.ts'
import { Problem } from '../src/http/problem.ts'
import { tokenKeysOf } from '../src/token-keys.ts'

export const roles = ['client', 'therapist', 'admin'] as const
export type Role = (typeof roles)[number]

/** Whoever a valid token names; `sessionId` where it was given out for a session, as it always is in production. */
export type Caller = { id: string; role: Role; sessionId?: string }

/** What a token says of its session. */
export type SessionKey = { id: string; userId: string }
/** Which sessions live: present or absent in the cache. */
export type SessionView = { cached: CacheView<SessionKey>; key(session: SessionKey): string }

/** No session's token is good for longer than this after it was made, whatever it says itself. In seconds. */
export const sessionTokenSeconds = 15 * 60
/** The same of a token without a session, for development. */
export const longestTokenSeconds = 3600
/** How far the clocks of who signs and who checks may be apart. */
const clockToleranceMs = 30_000
/** Tokens whose signature was found good are not checked again, up to so many; each takes about 1 KB. */
const rememberedTokens = 5_000
/** Of these, those of the busiest callers are found without telling the others' order of use. A power of two. */
const tokensAtHand = 2_048

declare module 'fastify' {
  interface FastifyInstance {
    /** `onRequest` hook of routes that need a caller: fills `request.caller`, or answers 401. */
    authenticate(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void
    /** Whom an Authorization header names, where its token was checked before and has not ended. */
    recall(header: string | undefined): Recalled | undefined
    /** Whether the session of a token is known to live, without asking anybody; a token without one ends by itself. */
    isAlive(recalled: Recalled): boolean
    /** An access token for a caller, good for so many seconds. */
    signToken(caller: Caller, seconds: number): string
  }
  interface FastifyRequest {
    /** Set by `app.authenticate`; null on a route that does not use it. */
    caller: Caller | null
  }
}

declare module '@fastify/jwt' {
  interface FastifyJWT {
    /** `app.jwt` has a signer and a verifier for each key, by its id. */
    namespaces: string
  }
}

/** A token that was checked before. `endsAt`: epoch ms. */
export type Recalled = {
  readonly authorization: string
  readonly caller: Caller
  readonly endsAt: number
  readonly session: KnownSession | null
}
/** `name`: of its entry in the cache, which every request of the token asks for. */
type KnownSession = { asked: SessionKey; key: string; name: string }

export default fp(
  /** @param sessions what the tokens of sessions are held against; where it is left out they are all refused */
  async (app: FastifyInstance, { sessions }: { sessions?: SessionView }) => {
    const { environment, auth } = app.settings
    const { issuer, audience } = auth
    const longestSeconds = environment === 'production' ? sessionTokenSeconds : longestTokenSeconds
    const keys = tokenKeysOf(auth)
    const [{ id: signingKeyId }] = keys

    for (const { id, publicPem, privatePem } of keys) {
      await app.register(jwt, {
        namespace: id,
        secret: { public: publicPem, ...(privatePem !== null && { private: privatePem }) },
        sign: {
          algorithm: 'ES256',
          header: { alg: 'ES256', typ: 'at+jwt' },
          kid: id,
          iss: issuer,
          aud: audience,
          notBefore: 0
        },
        verify: {
          algorithms: ['ES256'],
          checkTyp: 'at+jwt',
          allowedIss: issuer,
          allowedAud: audience,
          requiredClaims: ['iss', 'aud', 'sub', 'role', 'iat', 'nbf', 'exp'],
          maxAge: longestSeconds,
          clockTolerance: clockToleranceMs
        }
      })
    }

    // We alone make tokens, so a good one begins with a header that we make, byte for byte: nothing in a stranger's
    // header is ever parsed, looked up or followed.
    const keyIds = new Map(keys.map(({ id }) => [encodedHeader(id), id]))
    // Not fast-jwt's own cache, which keeps refusals too: a flood of forged tokens would push out the good ones. The
    // header as nearly everybody writes it is the key, so that it need not be read; hashing each would cost more than all
    // the rest of a hit. In other spellings it is found by that one: they must not be able to fill this.
    const verified = new LRUCache<string, Recalled>({ max: rememberedTokens })
    const atHand = new ByText<Recalled>(tokensAtHand)

    function remembered(header: string): Recalled | undefined {
      const known = atHand.get(header) ?? fromVerified(header)
      return known !== undefined && Date.now() <= known.endsAt ? known : undefined
    }

    function fromVerified(header: string): Recalled | undefined {
      const known = verified.get(header)
      if (known !== undefined) atHand.set(known.authorization, known)
      return known
    }

    function verify(header: string | undefined): Recalled {
      return (header === undefined ? undefined : remembered(header)) ?? verifyToken(bearerToken(header))
    }

    function verifyToken(token: string): Recalled {
      const usual = `Bearer ${token}`
      const known = remembered(usual)
      if (known !== undefined) return known
      const keyId = keyIds.get(token.slice(0, token.indexOf('.')))
      if (keyId === undefined) throw invalidToken()
      const claims = app.jwt[keyId]?.verify<Claims>(token)
      if (claims === undefined) throw invalidToken()
      const endsAt = Math.min(claims.exp * 1000 + clockToleranceMs, (claims.iat + longestSeconds) * 1000)
      const caller = callerIn(claims)
      const { id: userId, sessionId: id } = caller
      if (id === undefined && environment === 'production') throw invalidToken()
      const session = id === undefined ? null : knownSession({ id, userId })
      const fresh = { authorization: usual, caller, endsAt, session }
      verified.set(usual, fresh)
      return fresh
    }

    function knownSession(asked: SessionKey): KnownSession {
      if (sessions === undefined) return { asked, key: '', name: '' }
      const key = sessions.key(asked)
      return { asked, key, name: nameOf(sessions.cached, key) }
    }

    app.decorateRequest('caller', null)
    app.decorate('recall', (header) => (header === undefined ? undefined : remembered(header)))
    app.decorate('isAlive', ({ session }) => {
      if (session === null || sessions === undefined) return session === null
      const found = app.cache.hitNamed(sessions.cached, session.name, session.asked)
      return found !== undefined && !found.content.absent
    })
    app.decorate('signToken', ({ id, role, sessionId }, seconds) => {
      const claims = { sub: id, role, ...(sessionId !== undefined && { sid: sessionId }) }
      const token = app.jwt[signingKeyId]?.sign(claims, { expiresIn: seconds })
      if (token === undefined) throw new Error('there is no key to sign with')
      return token
    })
    app.decorate('authenticate', (request, _reply, done) => {
      let known: Recalled
      try {
        known = verify(request.headers.authorization)
      } catch (error) {
        done(error instanceof Problem ? error : invalidToken(error))
        return
      }
      const { caller, session } = known
      const judge = ({ content }: Answer) => {
        if (content.absent) return done(sessionEnded())
        request.caller = caller
        done()
      }
      if (session === null) {
        request.caller = caller
        done()
      } else if (sessions === undefined) {
        done(sessionEnded())
      } else {
        // A token is good for minutes, its session may end at any moment: the cache knows, mostly without asking anybody.
        const { cached } = sessions
        const { cache, consistency } = app
        const written = request.headers[consistencyHeader]
        const { asked, key, name } = session
        const found = written === undefined ? cache.hitNamed(cached, name, asked) : undefined
        if (found !== undefined) judge(found)
        else cache.read(cached, key, asked, consistency.read(written)).then(judge, done)
      }
    })
  },
  { name: 'auth', fastify: '5.x' }
)

/** What fast-jwt has found to be there: the dates are numbers. */
type Claims = { iat: number; exp: number; sub: unknown; role: unknown; sid?: unknown }

/** RFC 7515 §3.1, as the signer writes it. */
function encodedHeader(keyId: string): string {
  return Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: keyId })).toString('base64url')
}

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

function callerIn({ sub, role: name, sid }: Claims): Caller {
  const role = roles.find((one) => one === name)
  if (!isId(sub) || role === undefined) throw invalidToken()
  if (sid === undefined) return { id: sub.toLowerCase(), role }
  if (!isId(sid)) throw invalidToken()
  return { id: sub.toLowerCase(), role, sessionId: sid.toLowerCase() }
}

function isId(claim: unknown): claim is string {
  return typeof claim === 'string' && isUuid(claim)
}

/** The reason stays with us: which check a forged token failed is for nobody to learn. That it ended, its owner may. */
function invalidToken(cause?: unknown): Problem {
  const expired = cause instanceof Error && 'code' in cause && cause.code === 'FAST_JWT_EXPIRED'
  return refusal(expired ? 'The access token has expired.' : 'The access token is not valid.', cause)
}

function sessionEnded(): Problem {
  return refusal('The session has ended.')
}

function refusal(detail: string, cause?: unknown): Problem {
  return new Problem('unauthorized', detail, {
    headers: {
      'www-authenticate': `Bearer realm="turno", error="invalid_token", error_description="${detail.slice(0, -1)}"`
    },
    cause
  })
}

/** Who calls a route that authenticates. */
export function callerOf({ caller }: Pick<FastifyRequest, 'caller'>): Caller {
  if (!caller) throw new Error('the route does not authenticate')
  return caller
}
