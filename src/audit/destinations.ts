// Where a recorder's lines go: to the stream in Redis, or, where the service runs without Redis, to the table itself.
import type { Redis } from 'ioredis'
import type { Pool } from '../../db/pool.ts'
import { entryOf } from './entry.ts'
import { insertEntries } from './queries.ts'
import type { Append } from './recorder.ts'
import { mostInStream, newLife, streamKey } from './stream.ts'

/** Through Redis. A server that was silent once is left: what it may still do with a command changes nothing. */
export function toStream(redis: Redis): Append {
  return async (lines) => {
    try {
      const [life, written, waiting, last] = await redis.auditAppend(
        streamKey,
        newLife(),
        mostInStream,
        ...lines
      )
      return { life, written, waiting, last }
    } catch (error) {
      redis.stream?.destroy()
      throw error
    }
  }
}

/** Straight to the table, which has what it has answered for. */
export function toTable(pool: Pool): Append {
  return async (lines) => {
    const entries = lines.map(entryOf).filter((entry) => entry !== null)
    if (entries.length > 0) await insertEntries(pool, entries)
    return { life: 'table', last: '0-0', written: '0-1', waiting: 0 }
  }
}
