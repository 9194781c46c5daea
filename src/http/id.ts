// Identifiers on the wire: UUIDs of things, and the id that names one request in replies, logs and traces.

import { randomBytes } from 'node:crypto'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether `text` is a UUID as RFC 9562 §4 writes it, in either case and of any version. */
export function isUuid(text: string): boolean {
  return text.length === 36 && uuid.test(text)
}

/** What a caller may choose as its request id: printable, unquoted in any log, too short to be a payload. */
const acceptable = /^[\w.:-]{8,64}$/

/**
 * Makes request ids: the caller's own `X-Request-Id` where it is well formed, so that one id follows a request
 * through a chain of services, and otherwise a random prefix of this process with a counter, which costs no
 * entropy per request and is unique in the fleet.
 */
export function requestIds(): (request: {
  headers: Record<string, string | string[] | undefined>
}) => string {
  const process = randomBytes(6).toString('hex')
  let count = 0
  return (request) => {
    const given = request.headers['x-request-id']
    if (typeof given === 'string' && acceptable.test(given)) return given
    count += 1
    return `${process}-${count.toString(36)}`
  }
}
