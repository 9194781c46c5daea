// What an answer says: by whom it was given, and whether it is the one that was asked for. Pure.
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import type { Wanted } from '../load/endpoints.ts'
import type { Layer } from '../result.ts'

/**
 * Who answered, from Cache-Status (RFC 9211) as Turno writes it; peers say nothing.
 * @param status of the answer: being turned away and failing come before what a header says
 */
export function layerOf(status: number, cacheStatus: string | undefined): Layer {
  if (status === 503 || status === 429) return 'shed'
  if (status >= 500) return 'failed'
  if (cacheStatus === undefined) return 'other'
  if (cacheStatus.startsWith('turno-l1; hit')) return cacheStatus.includes('detail=stale') ? 'stale' : 'l1'
  if (cacheStatus.startsWith('turno-redis; hit')) return 'redis'
  if (cacheStatus.includes('detail=replica')) return 'replica'
  if (cacheStatus.includes('detail=primary')) return 'primary'
  return 'other'
}

/** Whether the body is what was asked for. @param encoding its Content-Encoding */
export function holdsWanted({ holds }: Wanted, body: Buffer, encoding: string | undefined): boolean {
  if (holds === undefined) return true
  try {
    return decoded(body, encoding).includes(holds)
  } catch {
    return false
  }
}

function decoded(body: Buffer, encoding: string | undefined): Buffer {
  switch (encoding) {
    case undefined:
    case 'identity':
      return body
    case 'gzip':
      return gunzipSync(body)
    case 'deflate':
      return inflateSync(body)
    case 'br':
      return brotliDecompressSync(body)
    case 'zstd':
      return zstdDecompressSync(body)
    default:
      throw new Error('an encoding that nobody asked for')
  }
}
