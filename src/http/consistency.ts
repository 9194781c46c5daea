// Read your own writes on any instance: the reply to a write carries the versions it made, and a request that brings
// them back is never answered with anything older. Opaque to clients, and signed: whoever could invent versions
// could make each of his reads pass the cache by.
import { hash, hkdfSync, timingSafeEqual } from 'node:crypto'
import { type Stamp, slotCount } from '../cache/slot.ts'

/** Comes with the reply to each write; a client may send the last one it got with any later request. */
export const consistencyHeader = 'turno-consistency-token'

/** A write touches a handful of tags; what no write makes is not read. */
const mostCharacters = 400
const form = /^((?:\d{1,6}\.\d{1,15}-){1,16})([\w-]{11})$/

export type ConsistencyTokens = {
  /** `slot.version-slot.version-…-signature`, for a reply. */
  of(stamp: Stamp): string
  /** What a request carries; undefined when it carries none, or none of ours. */
  read(header: string | string[] | undefined): Stamp | undefined
}

/** @param secret shared by the fleet; the signing key is derived from it, never used for anything else */
export function consistencyTokens(secret: string): ConsistencyTokens {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'turno consistency token', 32))
  const sign = signer(key)
  return {
    of({ slots, versions }) {
      const pairs = slots.map((slot, i) => `${slot}.${versions[i]}-`).join('')
      return pairs + sign(pairs)
    },
    read(header) {
      if (typeof header !== 'string' || header.length > mostCharacters) return undefined
      const [, pairs, signature] = form.exec(header) ?? []
      if (!pairs || !signature) return undefined
      if (!timingSafeEqual(Buffer.from(sign(pairs)), Buffer.from(signature))) return undefined
      const numbers = pairs
        .slice(0, -1)
        .split('-')
        .map((pair) => pair.split('.').map(Number))
      return {
        slots: numbers.map(([slot = slotCount]) => slot),
        versions: numbers.map(([, version = 0]) => version)
      }
    }
  }
}

const blockBytes = 64
const digestBytes = 32

/**
 * HMAC-SHA-256 (RFC 2104 §2), the first 64 bits of it as base64url. Of two hashes at once each, for node makes an object for
 * an Hmac, which takes several times as long as to hash so little.
 * @returns a function of texts in ASCII, of no more than `mostCharacters`
 */
function signer(key: Buffer): (text: string) => string {
  const inner = Buffer.alloc(blockBytes + mostCharacters)
  const outer = Buffer.alloc(blockBytes + digestBytes)
  for (let at = 0; at < blockBytes; at++) {
    inner[at] = (key[at] ?? 0) ^ 0x36
    outer[at] = (key[at] ?? 0) ^ 0x5c
  }
  return (text) => {
    const end = blockBytes + inner.write(text, blockBytes, 'latin1')
    hash('sha256', inner.subarray(0, end), 'buffer').copy(outer, blockBytes)
    return hash('sha256', outer, 'base64url').slice(0, 11)
  }
}
