// Request bodies in JSON, read strictly. JSON.parse accepts what no two parsers agree on (RFC 8259 §4, §6, §8.2;
// I-JSON, RFC 7493): duplicate names, numbers that overflow to infinity, lone surrogates. Passed on, each of them
// would mean one thing to us and another to a proxy or the database, so each is refused here, before any handler.

import { isUtf8 } from 'node:buffer'
import { Problem } from './problem.ts'

/** Far above any body of this API, far below what costs a parser its stack. */
const deepest = 32
/** Members and elements in one body. Bounds the work of parsing and of validating, whatever the limit in bytes. */
const most = 5000

/**
 * Parses one JSON text. Depth and size are counted on the raw bytes first, in one pass, so that a hostile body
 * costs its own length and no more.
 *
 * @throws Problem `malformed-request`
 */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw malformed('The body is empty; a JSON text is needed.')
  if (!isUtf8(bytes)) throw malformed('The body is not UTF-8.')
  const names = measure(bytes)

  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw malformed('The body is not JSON.')
  }
  // What the text has more names than the value has: a later one took the place of an earlier one.
  if (examine(value) !== names) throw malformed('The body has an object with the same name twice.')
  return value
}

const quote = 0x22
const backslash = 0x5c

/** Counts the names of all objects in a text that may be anything, and refuses one too deep or too large. */
function measure(bytes: Buffer): number {
  let depth = 0
  let names = 0
  let items = 0
  let inString = false
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index]
    if (inString) {
      if (byte === backslash) index += 1
      else if (byte === quote) inString = false
      continue
    }
    switch (byte) {
      case quote:
        inString = true
        break
      case 0x7b: // {
      case 0x5b: // [
        depth += 1
        items += 1
        if (depth > deepest) throw malformed(`The body is nested deeper than ${deepest} levels.`)
        break
      case 0x7d: // }
      case 0x5d: // ]
        depth -= 1
        break
      case 0x3a: // :
        names += 1
        break
      case 0x2c: // ,
        items += 1
        break
    }
    if (items > most) throw malformed(`The body has more than ${most} values.`)
  }
  return names
}

/** Counts the names of all objects in a parsed value, and refuses what cannot be meant. */
function examine(value: unknown): number {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw malformed('The body has half of a surrogate pair.')
    if (value.includes('\0')) throw malformed('The body has a NUL character.')
    return 0
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw malformed('The body has a number out of range.')
    return 0
  }
  if (typeof value !== 'object' || value === null) return 0

  let names = 0
  if (Array.isArray(value)) {
    for (const element of value) names += examine(element)
    return names
  }
  for (const [name, member] of Object.entries(value)) {
    // Harmless here, but an assignment away from changing the prototype of everything.
    if (name === '__proto__' || name === 'constructor')
      throw malformed(`The body has a member named ${name}.`)
    if (!name.isWellFormed()) throw malformed('The body has half of a surrogate pair.')
    names += 1 + examine(member)
  }
  return names
}

function malformed(detail: string): Problem {
  return new Problem('malformed-request', detail)
}
