// Fastify with async-cache-dedupe: in memory, where it is fastest, and in Redis, where a fleet can share it.
import { startPeer } from './peer.ts'
import type { Subject } from './subject.ts'

const serves = ['profiles', 'hit', 'spike', 'knee', 'redis-hung', 'stampede', 'soak']

export const asyncCacheDedupe: Subject = {
  name: 'async-cache-dedupe',
  title: 'Fastify + async-cache-dedupe (memory)',
  serves,
  start: (context) => startPeer({ name: 'async-cache-dedupe', file: 'async-cache-dedupe.ts' }, context)
}

export const asyncCacheDedupeRedis: Subject = {
  name: 'async-cache-dedupe-redis',
  title: 'Fastify + async-cache-dedupe (Redis)',
  serves,
  start: (context) =>
    startPeer(
      {
        name: 'async-cache-dedupe-redis',
        file: 'async-cache-dedupe.ts',
        environment: { STORAGE: 'redis' }
      },
      context
    )
}
