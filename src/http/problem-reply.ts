// A Problem as a reply. The only place that writes one, so that no error can carry the headers of a success.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Problem, problemContentType } from './problem.ts'

/** What a route may have set for the answer that it then could not give. */
const ofTheSuccess = [
  'etag',
  'last-modified',
  'cdn-cache-control',
  'cache-tag',
  'cache-groups',
  'content-encoding',
  'content-location',
  'location',
  'link',
  'age'
]

/**
 * Sends a problem. Not to be stored, unless the problem's own headers say otherwise: an outage's 503 in a CDN would
 * outlive the outage.
 */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  for (const name of ofTheSuccess) reply.removeHeader(name)
  return (
    reply
      .code(problem.status)
      .header('cache-control', 'no-store')
      .headers({ ...problem.headers })
      .type(problemContentType)
      // As bytes: a route's response schemas describe problems but must not be able to cut them down, and the media
      // type has no charset for Fastify to add (RFC 9457 §6.1).
      .send(Buffer.from(JSON.stringify(problem.document(`/api/requests/${request.id}`))))
  )
}
