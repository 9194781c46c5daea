// Fastify with async-cache-dedupe: its memory storage, or its Redis storage, as STORAGE says. It has no storage that is
// both.
import { createCache } from 'async-cache-dedupe'
import { Redis } from 'ioredis'
import { serve } from './fastify-routes.ts'
import { profileStore } from './profile-store.ts'
import { readSettings } from './settings.ts'

const settings = readSettings()
const store = profileStore(settings, { connectMs: 1_000, queryMs: 2_000, waiting: 250 })
const redis =
  process.env.STORAGE === 'redis' ? new Redis(settings.redisUrl, { keyPrefix: settings.keyPrefix }) : null
redis?.on('error', () => {})

const cache = createCache({
  storage: redis
    ? { type: 'redis', options: { client: redis } }
    : { type: 'memory', options: { size: 200_000 } }
})
  .define('profile', { ttl: 300 }, (id) => store.find(id))
  // A list that is a second old may be shown: Turno promises no more. Emptied by every write it would never be found.
  .define('page', { ttl: 1 }, (query) => store.page(query))

await serve(settings, store, {
  profile: (id) => cache.profile(id),
  // An empty argument would be no key.
  page: (query) => cache.page(query || 'limit=20'),
  written: (id) => cache.clear('profile', id),
  close: async () => redis?.disconnect()
})
