// bentocache with its in-memory layer: as its documentation teaches it, and with serialisation off, which it offers
// for a memory layer that stands alone.
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import type { Entry, Value } from '../hit-path/entries.ts'
import type { Participant } from '../hit-path/participant.ts'

const ttl = '1h'

export async function bentocache(entries: readonly Entry[]): Promise<Participant[]> {
  const memory = memoryDriver({ maxItems: entries.length, maxSize: '1gb' })
  const bento = new BentoCache({
    default: 'profiles',
    stores: { profiles: bentostore().useL1Layer(memory) }
  })
  const bytesOnly = memoryDriver({ maxItems: entries.length, serialize: false })
  const raw = new BentoCache({
    default: 'profiles',
    stores: { profiles: bentostore().useL1Layer(bytesOnly) }
  })
  for (const { id, value, body } of entries) {
    await bento.set({ key: id, value, ttl })
    await raw.set({ key: id, value: body, ttl })
  }
  return [
    {
      name: 'bentocache, serialize: false',
      hands: 'bytes',
      proves: 'length',
      async hits(keys) {
        let seen = 0
        for (const key of keys) seen += (await raw.get<Buffer>({ key }))?.length ?? 0
        return seen
      },
      close: () => raw.disconnectAll()
    },
    {
      name: 'bentocache',
      hands: 'fresh object',
      proves: 'version',
      async hits(keys) {
        let seen = 0
        for (const key of keys) seen += (await bento.get<Value>({ key }))?.version ?? 0
        return seen
      }
    },
    {
      name: 'bentocache, to bytes',
      hands: 'bytes',
      proves: 'length',
      async hits(keys) {
        let seen = 0
        for (const key of keys) seen += JSON.stringify(await bento.get<Value>({ key })).length
        return seen
      },
      close: () => bento.disconnectAll()
    }
  ]
}
