// Conditional requests, RFC 9110 §8.8 and §13: entity tags, If-None-Match for reads, If-Match for writes.
//
// A tag reads `"7-9f3ac0de12345678-br"`: the row's version where there is one, a hash of the representation, the
// content coding. The version lets a write find its precondition in the tag of any representation of the row,
// public or owner's, whole or a selection of fields; the hash keeps those representations apart; the coding is
// there because a strong tag names bytes (RFC 9110 §8.8.3.3).

import { hash } from 'node:crypto'
import type { Encoding } from './encoding.ts'
import { Problem } from './problem.ts'

/** The part of a tag that all codings of one representation share: `7-9f3ac0de12345678`, or without the version. */
export function representationTag(body: string | Uint8Array, version?: number): string {
  // 64 bits: a chance of one in 10^19 that a change goes unnoticed is far below that of a disk's.
  const digest = hash('sha256', body, 'hex').slice(0, 16)
  return version === undefined ? digest : `${version}-${digest}`
}

/** The ETag field's value for a representation in one coding. */
export function entityTag(representation: string, encoding: Encoding): string {
  return encoding === 'identity' ? `"${representation}"` : `"${representation}-${encoding}"`
}

const anyMember = /(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g
const codingSuffix = /-(?:gzip|br|zstd)$/

/**
 * Whether If-None-Match holds a tag of this representation, in any coding: whoever has it in one coding needs no
 * other. Compared weakly, as RFC 9110 §13.1.2 has it.
 *
 * @returns the ETag for the 304: the one that matched, for a cache must find its stored reply by it
 *   (RFC 9111 §4.3.4). For `*`, the identity's. `null` when the representation is to be sent.
 */
export function matchIfNoneMatch(header: string | undefined, representation: string): string | null {
  if (header === undefined) return null
  if (header.trim() === '*') return entityTag(representation, 'identity')
  if (!header.includes(representation)) return null

  for (const [, tag = ''] of header.matchAll(anyMember)) {
    if (tag.replace(codingSuffix, '') === representation) return `"${tag}"`
  }
  return null
}

/**
 * The row versions that If-Match accepts. Compared strongly (RFC 9110 §13.1.1): a weak tag matches nothing. A tag
 * without a version is not of a row, and matches nothing either.
 */
export function versionsIfMatch(header: string): readonly number[] | 'any' {
  if (header.trim() === '*') return 'any'
  const versions: number[] = []
  for (const [member, tag = ''] of header.matchAll(anyMember)) {
    const version = /^(\d{1,15})-[0-9a-f]{16}(?:-|$)/.exec(tag)?.[1]
    if (!member.startsWith('W/') && version !== undefined) versions.push(Number(version))
  }
  return versions
}

/**
 * Lets a write through only from a caller who has seen the row as it is. Call it inside the transaction, with the
 * version read under the row's lock: checked earlier it would let two writers through.
 *
 * @param current the row's version
 * @param tag makes the ETag of the row as it is, for a 412 to carry
 * @param required whether a request without If-Match is refused (428, RFC 6585 §3) or let through
 * @throws Problem `precondition-required` without a needed If-Match, `precondition-failed` when the row has moved on
 */
export function requireMatch(
  header: string | undefined,
  current: number,
  required: boolean,
  tag?: () => string
): void {
  if (header === undefined) {
    if (!required) return
    throw new Problem(
      'precondition-required',
      'Send If-Match with the ETag of the version that you have read.'
    )
  }
  const versions = versionsIfMatch(header)
  if (versions === 'any' || versions.includes(current)) return
  throw new Problem(
    'precondition-failed',
    'It has changed since you read it. Read it again, then repeat your change.',
    { extension: { currentVersion: current }, ...(tag && { headers: { etag: tag() } }) }
  )
}
