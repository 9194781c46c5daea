// layered-loader with its in-memory layer, asked by the synchronous method that its documentation gives for hits.
import { Loader } from 'layered-loader/core'
import type { Entry, Value } from '../hit-path/entries.ts'
import type { Participant } from '../hit-path/participant.ts'

export async function layeredLoader(entries: readonly Entry[]): Promise<Participant[]> {
  const values = new Map(entries.map(({ id, value }) => [id, value]))
  const loader = new Loader<Value>({
    inMemoryCache: { cacheType: 'lru-map', maxItems: entries.length, ttlInMsecs: 3_600_000 },
    dataSourceGetOneFn: async (id) => values.get(id)
  })
  for (const { id } of entries) await loader.get(id)
  return [
    {
      name: 'layered-loader',
      hands: 'shared object',
      proves: 'version',
      hits(keys) {
        let seen = 0
        for (const key of keys) seen += loader.getInMemoryOnly(key)?.version ?? 0
        return seen
      }
    },
    {
      name: 'layered-loader, to bytes',
      hands: 'bytes',
      proves: 'length',
      hits(keys) {
        let seen = 0
        for (const key of keys) seen += JSON.stringify(loader.getInMemoryOnly(key)).length
        return seen
      }
    }
  ]
}
