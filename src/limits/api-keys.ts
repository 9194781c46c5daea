// Who sends an API key that is in the settings has a number of requests of its own, wherever they come from.
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { RoughCounts } from './rough.ts'

export type ApiKey = { readonly sha256: string; readonly counts: RoughCounts }

/** Finds the counts of the key that a request brings; undefined where it brings none of ours. */
export function apiKeys(keys: readonly ApiKey[]): (headers: IncomingHttpHeaders) => RoughCounts | undefined {
  const byHash = new Map(keys.map(({ sha256, counts }) => [sha256, counts]))
  // Keys that were found to be ours: no more than there are, and none is hashed twice.
  const known = new Map<string, RoughCounts>()
  return (headers) => {
    const key = headers['x-api-key']
    if (typeof key !== 'string') return undefined
    const counts = known.get(key) ?? byHash.get(createHash('sha256').update(key).digest('hex'))
    if (counts) known.set(key, counts)
    return counts
  }
}
