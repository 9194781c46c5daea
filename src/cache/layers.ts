// Puts the layers together: the parts of the cache, each made with what it needs of the others.
import type { Redis } from 'ioredis'
import type { Pool } from '../../db/pool.ts'
import type { Replicas } from '../../db/replicas.ts'
import type { Admissions } from '../overload/admission.ts'
import { Cache } from './cache.ts'
import { Counters } from './events.ts'
import { Floors } from './floors.ts'
import { Link } from './link.ts'
import { Primary } from './primary.ts'

/** What the layers stand on. `redis` null: the primary judges alone. */
export type Ground = {
  redis: Redis | null
  primary: Pool
  primaryReads: Pool
  replicas: Replicas
  l1Bytes: number
  admission?: Admissions | undefined
}

export type Layers = { cache: Cache; link: Link | null }

/** The cache over these engines; `link.start()` makes it trust Redis. */
export function layers({
  redis,
  primary: writes,
  primaryReads,
  replicas,
  l1Bytes,
  admission
}: Ground): Layers {
  const counters = new Counters()
  const floors = new Floors()
  const primary = new Primary(writes, counters.link)
  const link =
    redis &&
    new Link({
      redis,
      counters: counters.link,
      identity: () => primary.identity(),
      heard: (slot, version) => floors.raise(slot, version),
      otherPrimary: () => cache.forget(),
      relay: (tell) => primary.relay(tell)
    })
  const cache = new Cache({
    l1Bytes,
    link,
    floors,
    primary,
    writes,
    primaryReads,
    replicas,
    counters,
    admission
  })
  return { link, cache }
}
