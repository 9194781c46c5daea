// Opaque keyset cursors: where a page ended, in a form that a client can carry but neither read a promise into nor
// alter. A cursor is signed together with the query that it was made for, so that the position in one list cannot
// be applied to another one: with a different sort or filter it would skip and repeat rows in silence.

import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { Problem } from './problem.ts'

/** The sort keys of the last row of a page, in the order of the list's ORDER BY. */
export type Position = readonly (string | number | null)[]

const signatureBytes = 16
/** Longer than any cursor that we make: refused before anything is computed over it. */
const longest = 1024

export type Cursors = {
  /** @param query what the list was asked for besides the page: normalised, the same text for the same list */
  seal(query: string, position: Position): string
  /** @throws Problem `invalid-parameter` for a cursor that was not sealed here for this query */
  open(query: string, cursor: string): Position
}

/** @param secret the service's secret; cursors get a key of their own from it (HKDF, RFC 5869) */
export function cursors(secret: string): Cursors {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'turno cursor', 32))
  const sign = (query: string, payload: Buffer) =>
    // The length in front keeps (query, payload) apart from any other split of the same bytes.
    createHmac('sha256', key)
      .update(`${Buffer.byteLength(query)}:${query}`)
      .update(payload)
      .digest()
      .subarray(0, signatureBytes)

  return {
    seal(query, position) {
      const payload = Buffer.from(JSON.stringify(position))
      return Buffer.concat([sign(query, payload), payload]).toString('base64url')
    },

    open(query, cursor) {
      if (cursor.length > longest) throw refusal()
      const bytes = Buffer.from(cursor, 'base64url')
      // Decoding forgives stray characters; a cursor has one spelling.
      if (bytes.length <= signatureBytes || bytes.toString('base64url') !== cursor) throw refusal()
      const payload = bytes.subarray(signatureBytes)
      if (!timingSafeEqual(bytes.subarray(0, signatureBytes), sign(query, payload))) throw refusal()
      return JSON.parse(payload.toString())
    }
  }
}

function refusal(): Problem {
  const detail = 'is not a cursor of this list: use one as the list gave it, with the same filters and order'
  return new Problem('invalid-parameter', undefined, { errors: [{ parameter: 'cursor', detail }] })
}
