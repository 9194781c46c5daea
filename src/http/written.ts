// Answers a write with what it made: the representation that a read would get, its validator, and what caches on the way
// and the writer himself need so that nobody meets the value before it.
import type { FastifyReply } from 'fastify'
import type { Content } from '../cache/content.ts'
import type { Stamp } from '../cache/slot.ts'
import { entityTag } from './conditional.ts'
import { consistencyHeader } from './consistency.ts'
import { sendOwn } from './finished.ts'
import type { View } from './view.ts'

export type Change<Value> = {
  value: Value
  /** What it touched; none where there was nothing to change. */
  tags: readonly string[]
  /** Its representation, where it was made already. */
  content?: Content
}

/** With the status that the reply has by then: 201 where something was created, else 200. */
export function answerWritten<P, Value>(
  reply: FastifyReply,
  view: View<P, Value>,
  { value, tags, content = view.represent(value) }: Change<Value>,
  stamp: Stamp
): FastifyReply {
  const { consistency, securityHeaders } = reply.server
  const headers = {
    ...(tags.length > 0 && {
      // RFC 9875: caches on the way drop what this change made old.
      'cache-group-invalidation': tags.map((tag) => `"${tag}"`).join(', '),
      [consistencyHeader]: consistency.of(stamp)
    }),
    'content-type': 'application/json; charset=utf-8',
    'cache-control': view.edge === null ? 'private, no-cache' : 'no-cache',
    etag: entityTag(content.tag, 'identity')
  }
  return sendOwn(reply, securityHeaders, headers, content.body('identity'))
}
