// lru-cache by itself: the least that an in-process cache of finished bytes can cost. The yardstick.
import { LRUCache } from 'lru-cache-alone'
import type { Entry } from '../hit-path/entries.ts'
import type { Participant } from '../hit-path/participant.ts'

export function lruCacheAlone(entries: readonly Entry[]): Participant[] {
  const cache = new LRUCache<string, Buffer>({ maxSize: 2 ** 30, sizeCalculation: (body) => body.length })
  for (const { id, body } of entries) cache.set(id, body)
  const hits = (keys: readonly string[]) => {
    let seen = 0
    for (const key of keys) seen += cache.get(key)?.length ?? 0
    return seen
  }
  return [
    { name: 'lru-cache alone', role: 'yardstick', hands: 'bytes', proves: 'length', hits },
    { name: 'lru-cache again (control)', role: 'control', hands: 'bytes', proves: 'length', hits }
  ]
}
