// The few fields of a request that an answer at hand looks at, read from the lines as they came. Node makes an object of all of
// them at the first look at one, a twentieth of a hit; this one always has the same names, which V8 finds faster. Pure.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { consistencyHeader } from './consistency.ts'

/** Whatever of a request decides what it is answered with where that is at hand. Another name may be looked up, in vain. */
export type AskedWith = Pick<
  IncomingHttpHeaders,
  'accept' | 'accept-encoding' | 'authorization' | 'if-none-match'
> & {
  'surrogate-capability': string | undefined
  traceparent: string | undefined
  [consistencyHeader]: string | undefined
  'x-api-key': string | undefined
  'x-request-id': string | undefined
}

/** @returns undefined where one of them came twice: node knows what that means for each */
export function askedWith({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): AskedWith | undefined {
  const asked: AskedWith = {
    accept: undefined,
    'accept-encoding': undefined,
    authorization: undefined,
    'if-none-match': undefined,
    'surrogate-capability': undefined,
    traceparent: undefined,
    [consistencyHeader]: undefined,
    'x-api-key': undefined,
    'x-request-id': undefined
  }
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = nameOf(rawHeaders[at] ?? '')
    if (name === null) continue
    if (asked[name] !== undefined) return undefined
    asked[name] = rawHeaders[at + 1]
  }
  return asked
}

/** Most are none of them, which their lengths tell. */
function nameOf(line: string): keyof AskedWith | null {
  switch (line.length) {
    case 6:
      return is(line, 'accept')
    case 9:
      return is(line, 'x-api-key')
    case 11:
      return is(line, 'traceparent')
    case 12:
      return is(line, 'x-request-id')
    case 13:
      return is(line, 'authorization') ?? is(line, 'if-none-match')
    case 15:
      return is(line, 'accept-encoding')
    case 20:
      return is(line, 'surrogate-capability')
    case consistencyHeader.length:
      return is(line, consistencyHeader)
    default:
      return null
  }
}

function is<Name extends keyof AskedWith>(line: string, name: Name): Name | null {
  return line === name || line.toLowerCase() === name ? name : null
}
