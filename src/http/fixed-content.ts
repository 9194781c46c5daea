// Content that does not change while the process lives: made once, compressed once, sent with a validator.

import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { entityTag, matchIfNoneMatch, representationTag } from './conditional.ts'
import { type Encoding, negotiateEncoding } from './encoding.ts'

export type FixedContent = {
  readonly type: string
  readonly tag: string
  readonly bytes: ReadonlyMap<Encoding, Buffer>
}

/** Beyond this quality brotli takes seconds for a megabyte, and saves a few percent. */
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } }

/** @param type its media type */
export async function fixedContent(text: string, type: string): Promise<FixedContent> {
  const identity = Buffer.from(text)
  const [gzipped, br] = await Promise.all([
    promisify(gzip)(identity),
    promisify(brotliCompress)(identity, brotliOptions)
  ])
  const bytes = new Map<Encoding, Buffer>([
    ['identity', identity],
    ['gzip', gzipped],
    ['br', br]
  ])
  return { type, tag: representationTag(identity), bytes }
}

/** Answers a GET or HEAD with it, or with 304 where the client has it. */
export function sendFixed(request: FastifyRequest, reply: FastifyReply, content: FixedContent): FastifyReply {
  reply.headers({ 'cache-control': 'public, max-age=300', vary: 'accept-encoding' })
  const known = matchIfNoneMatch(request.headers['if-none-match'], content.tag)
  if (known !== null) return reply.code(304).header('etag', known).send()

  const wanted = negotiateEncoding(request.headers['accept-encoding'])
  const encoding = content.bytes.has(wanted) ? wanted : 'identity'
  if (encoding !== 'identity') reply.header('content-encoding', encoding)
  return reply
    .type(content.type)
    .header('etag', entityTag(content.tag, encoding))
    .send(content.bytes.get(encoding))
}
