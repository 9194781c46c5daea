// An answer whose head was made once and is sent many times. It goes past Fastify's reply: to set a dozen headers that
// are the same each time, one by one, and to look at each again, costs more than the cache hit that they belong to.
// Whatever hooks run after the answer (onResponse) run as ever; onSend hooks do not, so what they add is in the head.
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Names and values by turns, as node's `writeHead` takes them. */
export type Head = readonly string[]

export function headOf(headers: Readonly<Record<string, string>>): Head {
  return Object.entries(headers).flat()
}

/**
 * Sends it, with what hooks have put on the reply (the standing of a rate limit) and the request's id.
 * @param head all other headers, security headers and Content-Length included
 */
export function sendFinished(
  request: Pick<FastifyRequest, 'id'>,
  reply: FastifyReply,
  status: 200 | 304,
  head: Head,
  body: Buffer | undefined
): void {
  const all = ['x-request-id', request.id, ...head]
  const added = reply.getHeaders()
  for (const name in added) all.push(name, String(added[name]))
  reply.hijack()
  reply.raw.writeHead(status, all)
  reply.raw.end(body)
}
