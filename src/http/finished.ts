// An answer whose head was made once and is sent many times. It goes past Fastify's reply: to set a dozen headers that
// are the same each time, one by one, and to look at each again, costs more than the cache hit that they belong to.
// Whatever hooks run after the answer (onResponse) run as ever; onSend hooks do not, so what they add is in the head.
import { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Bytes } from '../cache/content.ts'

export type Headers = Readonly<Record<string, string>>

/** The lasting part of a head: twice, for node to write and as it is written. */
export type Head = { readonly status: 200 | 304; readonly pairs: readonly string[]; readonly lines: string }

/** @param headers all but those of the moment: Date, the connection's, the request's id, the standing of its limits */
export function headOf(status: 200 | 304, headers: Headers): Head {
  const entries = Object.entries(headers)
  for (const [name, value] of entries) {
    // Nothing looks at them again: here is where a value must not be able to end its line.
    if (!/^[\w-]+$/.test(name) || /[^\t\x20-\x7e]/.test(value)) throw new Error(`${name} cannot be a header`)
  }
  const lines = entries.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return { status, pairs: entries.flat(), lines: `HTTP/1.1 ${status} ${reasons[status]}\r\n${lines}` }
}

const reasons = { 200: 'OK', 304: 'Not Modified' }

/** Sends it, with what hooks have put on the reply (the standing of a rate limit) and the request's id. */
export function sendFinished(
  request: Pick<FastifyRequest, 'id'>,
  reply: FastifyReply,
  head: Head,
  body: Bytes
): void {
  const { raw } = reply
  const added = reply.getHeaders()
  reply.hijack()
  if (isPlain(raw)) {
    let ofThisOne = `${head.lines}x-request-id: ${request.id}\r\n`
    for (const name in added) ofThisOne += `${name}: ${added[name]}\r\n`
    // What node's own writeHead leaves behind for end(), which sends both in one piece. It is the same text, but made
    // once for each entry; test/http/finished.test.ts holds the two together.
    raw.statusCode = head.status
    Reflect.set(raw, '_header', ofThisOne + endOfHead(reply.server.server.keepAliveTimeout))
  } else {
    const pairs = [...head.pairs, 'x-request-id', request.id]
    for (const name in added) pairs.push(name, String(added[name]))
    raw.writeHead(head.status, pairs)
  }
  raw.end(body, 'latin1')
}

/** Node's own, on a connection that stays open, and nobody has set anything on it (a drain sets Connection). */
function isPlain(raw: ServerResponse): boolean {
  return (
    Object.getPrototypeOf(raw) === ServerResponse.prototype &&
    raw.shouldKeepAlive &&
    raw.getHeaderNames().length === 0
  )
}

let end = ''
let endUntil = 0
let endKeepAliveMs = 0

/** Date (RFC 9110 §6.6.1) and what node says of a connection that it keeps; made once a second. */
function endOfHead(keepAliveMs: number): string {
  const now = Date.now()
  if (now >= endUntil || keepAliveMs !== endKeepAliveMs) {
    const seconds = Math.floor(keepAliveMs / 1000)
    end = `Date: ${new Date(now).toUTCString()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`
    endUntil = now - (now % 1000) + 1000
    endKeepAliveMs = keepAliveMs
  }
  return end
}
