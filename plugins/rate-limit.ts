// How often somebody may ask. A route says which limits hold for it; one that says nothing has the default.
//
//   app.get('/api/profiles', handler)                                              the default
//   app.post('/api/auth/login', { config: { limits: app.limits.login } }, handler)
//   app.get('/api/search', { config: { limits: [perMinute('search', 30)] } }, handler)
//   app.get('/health', { config: { limits: [] } }, handler)                        none at all
//
// Rough limits are counted before anything else is looked at, in the process and in well under a microsecond. Exact
// ones ask Redis, after validation and authentication, in the order in which the route names them.
// docs/limits.md tells what each promises, and why the rough ones do not go through @fastify/rate-limit.
import { createHmac, hkdfSync } from 'node:crypto'
import rateLimit, { type FastifyRateLimitStore, type FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type {
  FastifyInstance,
  FastifyRequest,
  onRequestHookHandler,
  preHandlerAsyncHookHandler,
  RouteOptions
} from 'fastify'
import fp from 'fastify-plugin'
import { Redis } from 'ioredis'
import { Problem } from '../src/http/problem.ts'
import { sendProblem } from '../src/http/problem-reply.ts'
import { apiKeys } from '../src/limits/api-keys.ts'
import { ExactCounts } from '../src/limits/exact.ts'
import {
  joinedQuota,
  policyField,
  type QuotaFields,
  type Standing,
  secondsOf,
  standingField
} from '../src/limits/fields.ts'
import { Fleet } from '../src/limits/fleet.ts'
import { RoughGuard } from '../src/limits/guard.ts'
import { type ExactLimit, type Limit, perMinute, type RoughLimit } from '../src/limits/limit.ts'
import { type Policies, policies } from '../src/limits/policies.ts'
import { RoughCounts } from '../src/limits/rough.ts'
import { limitScripts } from '../src/limits/scripts.ts'
import { redisOptions } from './redis.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** For `config: { limits }` of a route. */
    limits: Policies
    /** Of a route with one rough limit; null: with none. @throws Error where there is more to be asked */
    onlyGuardOf(route: RouteOptions): RoughGuard | null
  }
  interface FastifyRequest {
    /** How the caller stands with the limits that have let this request pass; null where none holds. */
    quota: QuotaFields | null
  }
  interface FastifyContextConfig {
    /** What holds for this route, instead of the default. Rough limits come before exact ones. */
    limits?: readonly Limit[]
  }
}

/** How long a start waits for Redis before it counts without it, ms. */
const redisPatienceMs = 300

export default fp(
  async (app: FastifyInstance) => {
    const known = policies(app.settings.limits)
    app.decorate('limits', known)

    const fleet = new Fleet(connection(app))
    app.addHook('onReady', () => fleet.start(redisPatienceMs))
    app.addHook('onClose', async () => fleet.close())

    const nameOf = keyedHash(app.settings.auth.secret)
    const roughCounts = (limit: RoughLimit, whose = '') =>
      new RoughCounts(limit, fleet, (key) => nameOf(`${whose} ${key}`))
    const byApiKey = apiKeys(
      app.settings.limits.apiKeys.map(({ name, perMinute: quota, sha256 }) => ({
        sha256,
        counts: roughCounts(perMinute('default', quota), name)
      }))
    )
    const byName = new Map<string, RoughCounts>()
    const countsOf = (limit: RoughLimit): RoughCounts => {
      const counts = byName.get(limit.name) ?? roughCounts(limit)
      byName.set(limit.name, counts)
      return counts
    }

    // Kept beside the reply: an answer whose head was made before has no use for a reply's headers (src/http/finished.ts).
    app.decorateRequest('quota', null)
    app.addHook('onSend', (request, reply, payload, done) => {
      const { quota } = request
      // A refusal has told already how it stands with the limit that refuses, and that alone.
      if (quota !== null && !reply.hasHeader('ratelimit')) reply.headers(quota)
      done(null, payload)
    })

    const exact = new ExactCounts(fleet)
    await app.register(rateLimit, { global: false, store: storeOver(exact) })

    const roughGuard = (limit: RoughLimit) => new RoughGuard(countsOf(limit), byApiKey)
    const guardRough = (limit: RoughLimit): onRequestHookHandler => {
      const guard = roughGuard(limit)
      return (request, reply, done) => {
        const counts = guard.countsFor(request.headers)
        const key = guard.keyIn(counts, request.ip)
        const remaining = counts.take(key)
        if (remaining < 0) {
          // Sent, not thrown: where there is no route, an error would be answered with "not found".
          const standing = { limit: counts.limit, remaining: 0, seconds: counts.waitSeconds(key) }
          sendProblem(request, reply, quotaExceeded(standing))
          return
        }
        request.quota = joinedQuota(request.quota, counts.policy, counts.standing(remaining))
        done()
      }
    }

    const guardExact = (limit: ExactLimit): preHandlerAsyncHookHandler => {
      const ask = app.createRateLimit({
        max: limit.quota,
        timeWindow: limit.windowMs,
        keyGenerator: (request: FastifyRequest) =>
          `turno:limits:${limit.name}:${nameOf(limit.whose(request))}`
      })
      const policy = policyField(limit)
      return async (request) => {
        const verdict = await ask(request)
        if (verdict.isAllowed) return
        const standing = { limit, remaining: verdict.remaining, seconds: secondsOf(verdict.ttl) }
        if (verdict.isExceeded) throw quotaExceeded(standing)
        request.quota = joinedQuota(request.quota, policy, standingField(standing))
      }
    }

    const limitsOf = (route: RouteOptions): readonly Limit[] =>
      (route.config?.limits ?? [known.default]).filter(({ quota }) => quota > 0)
    app.decorate('onlyGuardOf', (route) => {
      const [limit, ...others] = limitsOf(route)
      if (limit === undefined) return null
      if (limit.exact || others.length > 0) throw new Error(`${route.url} has more than one rough limit`)
      return roughGuard(limit)
    })
    app.addHook('onRoute', (route) => {
      const limits = limitsOf(route)
      const onRequest = limits.flatMap((limit) => (limit.exact ? [] : [guardRough(limit)]))
      const preHandler = limits.flatMap((limit) => (limit.exact ? [guardExact(limit)] : []))
      if (onRequest.length > 0) route.onRequest = [...onRequest, ...[route.onRequest ?? []].flat()]
      if (preHandler.length > 0) route.preHandler = [...preHandler, ...[route.preHandler ?? []].flat()]
    })

    // Guessing paths is asking, too.
    if (known.default.quota > 0) {
      const guard = guardRough(known.default)
      app.addHook('onRequest', function (request, reply, done) {
        if (request.is404) guard.call(this, request, reply, done)
        else done()
      })
    }

    measure(app, fleet, byName)
  },
  { name: 'rate-limit', fastify: '5.x', dependencies: ['errors', 'telemetry'] }
)

function measure(app: FastifyInstance, fleet: Fleet, rough: ReadonlyMap<string, RoughCounts>): void {
  const { meter } = app.metrics
  meter
    .createObservableGauge('turno.limits.together', {
      description: 'Instances that count together through Redis; 0: this one counts by itself.'
    })
    .addCallback((result) => result.observe(fleet.epoch === null ? 0 : fleet.size))
  meter
    .createObservableCounter('turno.limits.refused', { description: 'Requests beyond a rough limit.' })
    .addCallback((result) => {
      for (const [limit, { refused }] of rough) result.observe(refused, { limit })
    })
}

function connection(app: FastifyInstance): Redis | null {
  const { url, commandTimeoutMs } = app.settings.redis
  if (url === null) return null
  const redis = new Redis(url, { ...redisOptions(commandTimeoutMs), scripts: limitScripts })
  // Without a listener it would end the process; the limits know by themselves when they are alone.
  redis.on('error', (error) => app.log.debug({ err: error }, 'redis of the limits'))
  return redis
}

/**
 * Names for Redis that tell nobody, not even who guesses, which address or e-mail they stand for.
 * @param secret shared by the fleet; the hashing key is derived from it
 */
function keyedHash(secret: string): (text: string) => string {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'turno names of limits', 32))
  return (text) => createHmac('sha256', key).update(text).digest('base64url').slice(0, 22)
}

/** @fastify/rate-limit's store over ours. It asks for a request's place in the window: beyond `max` it is refused. */
function storeOver(exact: ExactCounts): FastifyRateLimitStoreCtor {
  return class Store implements FastifyRateLimitStore {
    incr(
      key: string,
      callback: (error: Error | null, result?: { current: number; ttl: number }) => void,
      windowMs: number,
      quota: number
    ): void {
      exact.take(key, quota, windowMs).then(
        ({ counted, waitMs }) => callback(null, { current: counted, ttl: waitMs }),
        (error) => callback(error)
      )
    }
    child(): Store {
      return this
    }
  }
}

/** Draft-11 §5 and §6: the policies that were violated, and a Retry-After no earlier than `t`. */
function quotaExceeded(standing: Standing): Problem {
  const { name, quota, windowMs } = standing.limit
  const minutes = windowMs / 60_000
  const often = `${quota} in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}`
  return new Problem(
    'quota-exceeded',
    `No more than ${often} are answered. Try again in ${standing.seconds} s.`,
    {
      headers: {
        'retry-after': String(standing.seconds),
        'ratelimit-policy': policyField(standing.limit),
        ratelimit: standingField(standing)
      },
      extension: { 'violated-policies': [name] }
    }
  )
}
