// Refresh tokens: 256 bits that mean nothing, of which only a hash is kept. Each is good for one use and followed by
// another. What follows is derived from what was used, with a key of ours, so that a client whose two tabs refresh at
// once can be given the same successor twice: a session stays one chain, and in one chain a thief is always found out.

import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/** base64url of 32 bytes. */
export const refreshTokenPattern = '^[\\w-]{43}$'

export type RefreshTokens = {
  /** The first of a session. */
  first(): string
  /** The one that follows: always the same, and to be known to nobody without our key. */
  after(token: string): string
}

/** @param secret shared by the fleet; the key is derived from it, never used for anything else */
export function refreshTokens(secret: string): RefreshTokens {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'turno refresh token', 32))
  return {
    first: () => randomBytes(32).toString('base64url'),
    after: (token) => createHmac('sha256', key).update(token).digest('base64url')
  }
}

/** What is kept of a token. Of 256 random bits one round of SHA-256 is enough: there is nothing to guess. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
