// The options of the HTTP server itself: what it waits for, how much it reads, whom it believes, and how it answers
// before any route is known. Everything that Fastify leaves open by default is closed here.

import type { Server } from 'node:http'
import type { FastifyHttpOptions } from 'fastify'
import type { Settings } from '../config.ts'
import { answerOnSocket } from './client-error.ts'
import { problemOf } from './failures.ts'
import { requestIds } from './id.ts'
import { sendProblem } from './problem-reply.ts'

/** Longer than the idle limit of the load balancer in front (60 s for an AWS ALB): it must be the one to close first. */
const keepAliveMs = 72_000
/** A browser sends its headers in one packet; whoever needs longer than this is holding a socket. */
const headersMs = 5_000
/** Longer than any id or slug; find-my-way refuses longer path parts before it tries a pattern on them. */
const longestParameter = 128

/**
 * What `Fastify({ ...serverOptions(settings), … })` needs from this part.
 *
 * @param settings trustProxy (CIDRs), bodyLimitBytes, requestTimeoutMs: the time for a whole request to arrive
 */
export function serverOptions(settings: Pick<Settings, 'http'>) {
  const { trustProxy, bodyLimitBytes, requestTimeoutMs } = settings.http
  return {
    // A list of networks, never `true`: with it anybody could choose the address that we log and limit by.
    trustProxy: trustProxy.length > 0 && [...trustProxy],
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    http: {
      headersTimeout: Math.min(headersMs, requestTimeoutMs),
      // Both limits above are only looked at this often.
      connectionsCheckingInterval: Math.min(1_000, Math.ceil(requestTimeoutMs / 4)),
      // A request without a body has no events of one. plugins/errors.ts minds whoever would wait for them.
      optimizeEmptyRequests: true
    },
    // While draining, what still arrives on an open connection is served and told to close: a balancer that does
    // not retry would show Fastify's own 503 to a person.
    return503OnClosing: false,
    genReqId: requestIds(),
    routerOptions: { maxParamLength: longestParameter },
    // The path was not decodable, or a part too long: no route, and so no error handler, is known yet.
    frameworkErrors: (error, request, reply) => {
      sendProblem(
        request,
        reply,
        problemOf(error, { method: request.method, body: undefined, answered: new Set() })
      )
    },
    clientErrorHandler: answerOnSocket
  } satisfies FastifyHttpOptions<Server>
}
