// cacheable with its in-memory primary store, bounded, and without the copy of each value that it makes by default.
import { Cacheable, createKeyv } from 'cacheable'
import type { Entry, Value } from '../hit-path/entries.ts'
import type { Participant } from '../hit-path/participant.ts'

export async function cacheable(entries: readonly Entry[]): Promise<Participant[]> {
  const cache = new Cacheable({
    primary: createKeyv({ ttl: '1h', lruSize: entries.length, useClones: false })
  })
  for (const { id, value } of entries) await cache.set(id, value)
  return [
    {
      name: 'cacheable',
      hands: 'shared object',
      proves: 'version',
      async hits(keys) {
        let seen = 0
        for (const key of keys) seen += (await cache.get<Value>(key))?.version ?? 0
        return seen
      }
    },
    {
      name: 'cacheable, to bytes',
      hands: 'bytes',
      proves: 'length',
      async hits(keys) {
        let seen = 0
        for (const key of keys) seen += JSON.stringify(await cache.get<Value>(key)).length
        return seen
      }
    }
  ]
}
