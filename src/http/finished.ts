// An answer whose head was made once and is sent many times. It goes past Fastify's reply: to set a dozen headers that
// are the same each time, one by one, and to look at each again, costs more than the cache hit that they belong to.
// Whatever hooks run after the answer (onResponse) run as ever; onSend hooks do not, so what they add is in the head.
import { ServerResponse, STATUS_CODES } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Bytes } from '../cache/content.ts'
import type { QuotaFields } from '../limits/fields.ts'
import { negotiateEncoding } from './encoding.ts'

export type Headers = Readonly<Record<string, string>>

/** The lasting part of a head, as it is written: the status line, then a line for each field. */
export type Head = { readonly status: number; readonly lines: string }

/** @param headers all but those of the moment: Date, the connection's, the request's id, the standing of its limits */
export function headOf(status: number, headers: Headers): Head {
  return { status, lines: statusLine(status) + fieldsOf(headers) }
}

function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
}

function fieldsOf(headers: Headers): string {
  let lines = ''
  for (const name in headers) {
    const value = headers[name] ?? ''
    // Nothing looks at them again: here is where a value must not be able to end its line.
    if (!/^[\w-]+$/.test(name) || /[^\t\x20-\x7e]/.test(value)) throw new Error(`${name} cannot be a header`)
    lines += `${name}: ${value}\r\n`
  }
  return lines
}

/**
 * Sends it, with what is of this request alone: its id, how its sender stands with the limits, and whatever a hook or the
 * route has put on the reply.
 * @param moment further fields; their values are ours, and cannot end their line
 */
export function sendFinished(
  request: Pick<FastifyRequest, 'id' | 'quota'>,
  reply: FastifyReply,
  head: Head,
  body: Bytes,
  moment: Headers = {}
): void {
  const added = reply.getHeaders()
  reply.hijack()
  let lines = linesOf(head, request.id, request.quota, moment)
  for (const name in added) lines += `${name}: ${added[name]}\r\n`
  writeFinished(reply.raw, reply.server.server.keepAliveTimeout, head, lines, body)
}

/**
 * Sends what was made for this request alone, such as the answer to a write, in one piece too; with the status that the reply
 * has by then. A client that wants it compressed gets it from the plugin that does so.
 */
export function sendOwn(reply: FastifyReply, headers: Headers, body: Bytes): FastifyReply {
  const { request, server } = reply
  if (body.length === 0 || negotiateEncoding(request.headers['accept-encoding']) !== 'identity') {
    return reply.headers(headers).send(typeof body === 'string' ? Buffer.from(body, 'latin1') : body)
  }
  const status = reply.statusCode
  const own = fieldsOf({ ...headers, 'content-length': String(body.length) })
  const lines = statusLine(status) + securityBeside(server.securityHeaders, headers) + own
  sendFinished(request, reply, { status, lines }, body)
  return reply
}

let lastingOf: Headers | null = null
let lasting = ''

/** Of the fields that every answer has, those of which its own say nothing: nearly always all, the same each time. */
function securityBeside(security: Headers, headers: Headers): string {
  for (const name in headers) {
    if (!(name in security)) continue
    return fieldsOf(Object.fromEntries(Object.entries(security).filter(([name]) => !(name in headers))))
  }
  if (lastingOf !== security) {
    lasting = fieldsOf(security)
    lastingOf = security
  }
  return lasting
}

/** The head as it is written, but for its end. */
export function linesOf(head: Head, id: string, quota: QuotaFields | null, moment: Headers): string {
  let lines = `${head.lines}x-request-id: ${id}\r\n`
  if (quota) lines += `ratelimit-policy: ${quota['ratelimit-policy']}\r\nratelimit: ${quota.ratelimit}\r\n`
  for (const name in moment) lines += `${name}: ${moment[name]}\r\n`
  return lines
}

/** @param keepAliveMs of the server, which tells it to whoever may send more on this connection */
export function writeFinished(
  raw: ServerResponse,
  keepAliveMs: number,
  { status }: Head,
  lines: string,
  body: Bytes
): void {
  if (isPlain(raw)) {
    // What node's own writeHead leaves behind for end(), which sends both in one piece. It is the same text, but made
    // once for each entry; test/http/finished.test.ts holds the two together.
    raw.statusCode = status
    raw._header = lines + endOfHead(keepAliveMs)
  } else {
    raw.writeHead(status, pairsOf(lines))
  }
  raw.end(body, 'latin1')
}

/** Names and values in turn, as node takes them, of lines of which the first is the status. */
function pairsOf(lines: string): string[] {
  const [, ...fields] = lines.split('\r\n').slice(0, -1)
  return fields.flatMap((line) => {
    const colon = line.indexOf(': ')
    return [line.slice(0, colon), line.slice(colon + 2)]
  })
}

/** Node's own, with the head that it writes when it ends. */
type Plain = ServerResponse & { _header: string | null }

/** Node's own, on a connection that stays open, and nobody has set anything on it (a drain sets Connection). */
function isPlain(raw: ServerResponse): raw is Plain {
  return (
    Object.getPrototypeOf(raw) === ServerResponse.prototype &&
    raw.shouldKeepAlive &&
    raw.getHeaderNames().length === 0
  )
}

let end: string | null = null
let endKeepAliveMs = 0

/** Date (RFC 9110 §6.6.1) and what node says of a connection that it keeps; made once a second, as node makes its own. */
function endOfHead(keepAliveMs: number): string {
  if (end !== null && keepAliveMs === endKeepAliveMs) return end
  const now = new Date()
  const seconds = Math.floor(keepAliveMs / 1000)
  endKeepAliveMs = keepAliveMs
  end = [
    `Date: ${now.toUTCString()}`,
    'Connection: keep-alive',
    `Keep-Alive: timeout=${seconds}`,
    '',
    ''
  ].join('\r\n')
  setTimeout(() => {
    end = null
  }, 1000 - now.getUTCMilliseconds()).unref()
  return end
}
