// Identifiers on the wire: UUIDs of things, and the id that names one request in replies, logs and traces.

import { randomBytes } from 'node:crypto'

/** Whether `text` is a UUID as RFC 9562 §4 writes it, in either case and of any version. */
export function isUuid(text: string): boolean {
  if (text.length !== 36) return false
  // Letter by letter: asked of every id in every path, where a regular expression takes five times as long.
  for (let at = 0; at < 36; at++) {
    const code = text.charCodeAt(at)
    const isRight = at === 8 || at === 13 || at === 18 || at === 23 ? code === dash : isHexadecimal(code)
    if (!isRight) return false
  }
  return true
}

const dash = 0x2d

/** 0-9, A-F, a-f. */
function isHexadecimal(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66)
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
