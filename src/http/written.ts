// Answers a write with what it made: the representation that a read would get, its validator, and what caches on the way
// and the writer himself need so that nobody meets the value before it.
import type { FastifyReply } from 'fastify'
import type { Content } from '../cache/content.ts'
import type { Stamp } from '../cache/slot.ts'
import { entityTag } from './conditional.ts'
import { type ConsistencyTokens, consistencyHeader } from './consistency.ts'
import { type Headers, sendOwn } from './finished.ts'
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
  const headers = {
    ...fieldsOfChange(reply.server.consistency, tags, stamp),
    'content-type': 'application/json; charset=utf-8',
    'cache-control': view.edge === null ? 'private, no-cache' : 'no-cache',
    etag: entityTag(content.tag, 'identity')
  }
  return sendOwn(reply, headers, content.body('identity'))
}

/** For whoever must not meet the value before a change that touched these tags: caches on the way, and the writer himself. */
export function fieldsOfChange(
  consistency: ConsistencyTokens,
  tags: readonly string[],
  stamp: Stamp
): Headers {
  if (tags.length === 0) return {}
  return {
    // RFC 9875: caches on the way drop what this change made old.
    'cache-group-invalidation': [...new Set(tags)].map((tag) => `"${tag}"`).join(', '),
    [consistencyHeader]: consistency.of(stamp)
  }
}
