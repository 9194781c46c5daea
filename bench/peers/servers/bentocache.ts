// Fastify with bentocache: memory, Redis behind it, and the bus between instances.
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis'
import { serve } from './fastify-routes.ts'
import { profileStore } from './profile-store.ts'
import { readSettings } from './settings.ts'

const settings = readSettings()
const store = profileStore(settings, { connectMs: 1_000, queryMs: 2_000, waiting: 250 })

const { hostname, port, password } = new URL(settings.redisUrl)
const connection = { host: hostname, port: Number(port || 6379), password: decodeURIComponent(password) }
const bento = new BentoCache({
  default: 'multitier',
  prefix: settings.keyPrefix,
  stores: {
    multitier: bentostore()
      // As much as Turno's first layer may take.
      .useL1Layer(memoryDriver({ maxSize: '64mb', maxItems: 200_000 }))
      .useL2Layer(redisDriver({ connection }))
      .useBus(redisBusDriver({ connection }))
  }
})
const profiles = bento.namespace('profile')
const pages = bento.namespace('profiles')

await serve(settings, store, {
  profile: (id) => profiles.getOrSet({ key: id, factory: () => store.find(id), ttl: '5m' }),
  // A list that is a second old may be shown: Turno promises no more. Emptied by every write it would never be found.
  page: (query) => pages.getOrSet({ key: query || 'limit=20', factory: () => store.page(query), ttl: '1s' }),
  written: (id) => profiles.delete({ key: id }),
  close: () => bento.disconnectAll()
})
