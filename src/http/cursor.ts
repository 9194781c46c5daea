// Opaque keyset cursors: where a page ended, in a form that a client can carry but neither read nor alter. A position
// may hold a person's name, and a cursor stands in URLs: so it is encrypted. It is bound to the query that it was made
// for, so that the position in one list cannot be applied to another one: with a different sort or filter it would skip
// and repeat rows in silence.

import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { Problem } from './problem.ts'

/** The sort keys of the last row of a page, in the order of the list's ORDER BY. */
export type Position = readonly (string | number | null)[]

const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
/** Longer than any cursor that we make: refused before anything is computed over it. */
const longest = 1024

export type Cursors = {
  /** @param query what the list was asked for besides the page: normalised, the same text for the same list */
  seal(query: string, position: Position): string
  /** @throws Problem `invalid-parameter` for a cursor that was not sealed here for this query */
  open(query: string, cursor: string): Position
}

/** @param secret the service's secret; cursors get keys of their own from it (HKDF, RFC 5869) */
export function cursors(secret: string): Cursors {
  const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', purpose, 32))
  const key = derived('turno cursor')
  const nonceKey = derived('turno cursor nonce')

  return {
    seal(query, position) {
      const payload = JSON.stringify(position)
      // Made from what is sealed: the same page has the same cursor and so the same ETag on every instance, and one
      // nonce never serves two texts. The length in front keeps (query, payload) apart from any other split.
      const nonce = createHmac('sha256', nonceKey)
        .update(`${Buffer.byteLength(query)}:${query}${payload}`)
        .digest()
        .subarray(0, nonceBytes)
      const sealing = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(query))
      const sealed = [sealing.update(payload), sealing.final()]
      return Buffer.concat([nonce, sealing.getAuthTag(), ...sealed]).toString('base64url')
    },

    open(query, cursor) {
      if (cursor.length > longest) throw refusal()
      const bytes = Buffer.from(cursor, 'base64url')
      // Decoding forgives stray characters; a cursor has one spelling.
      if (bytes.length <= nonceBytes + tagBytes || bytes.toString('base64url') !== cursor) throw refusal()
      const opening = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes
      })
        .setAAD(Buffer.from(query))
        .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
      try {
        const payload = [opening.update(bytes.subarray(nonceBytes + tagBytes)), opening.final()]
        return JSON.parse(Buffer.concat(payload).toString())
      } catch (cause) {
        throw refusal(cause)
      }
    }
  }
}

function refusal(cause?: unknown): Problem {
  const detail = 'is not a cursor of this list: use one as the list gave it, with the same filters and order'
  return new Problem('invalid-parameter', undefined, { errors: [{ parameter: 'cursor', detail }], cause })
}
