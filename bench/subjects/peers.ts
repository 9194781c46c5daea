// All that Turno is measured beside.
import { asyncCacheDedupe, asyncCacheDedupeRedis } from './async-cache-dedupe.ts'
import { bentocache } from './bentocache.ts'
import { bare, nginxStatic } from './ceiling.ts'
import { nginxMicrocache } from './microcache.ts'
import { hasNginx } from './nginx.ts'
import { seed, seedHardened } from './seed.ts'
import type { Subject } from './subject.ts'

/** Those that this machine can run. */
export const peers: readonly Subject[] = [
  seed,
  seedHardened,
  asyncCacheDedupe,
  asyncCacheDedupeRedis,
  bentocache,
  ...(hasNginx() ? [nginxMicrocache] : []),
  bare,
  ...(hasNginx() ? [nginxStatic] : [])
]
