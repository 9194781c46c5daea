// Which layer answers how much, for a mix of reads and writes over a fleet: Che's approximation with what src/cache adds
// to an LRU: entries end by changes, by age, and lists may be a little old. Pure.
//
// An entry is lost in several ways, each with a rate; rates add. Between two losses it answers whoever asks:
// `hits = rate / losses` for each load, fewer where its age ends it first.
import { slotCount } from '../../src/cache/slot.ts'
import { characteristicTime, type Group, type Held, popularity } from './che.ts'

/** What src/profiles/views.ts and src/cache/cache.ts say. A test holds the two together. */
export const lives = {
  item: { ttlSeconds: 3_600 },
  list: { ttlSeconds: 60, budgetSeconds: 1 },
  /** Of the life in Redis, in a process. */
  nearShare: 0.1,
  /** Of the budget, after which a list is fetched anew behind the readers' backs. */
  refreshShare: 0.8,
  /** Beside body and key, of an entry on the shelf, its share of holes included. That bodies are packed there is left out. */
  overheadBytes: 250
} as const

export type Load = {
  /** A second, of all instances together. */
  reads: number
  writes: number
  /** Of the writes, those that change what is there; the others make something new. */
  changes: number
  /** Of the reads, those of lists. */
  lists: number
  itemKeys: number
  listKeys: number
  theta: number
  itemBytes: number
  listBytes: number
}

export type Layers = {
  /** What one process keeps, and how many there are. */
  l1Bytes: number
  processes: number
  redisBytes: number
}

/** Reads a second, by who answers; together all reads. */
export type Answered = {
  l1: number
  redis: number
  /** Read from a database while somebody waits. */
  loaded: number
}

export type Hits = Answered & {
  /** Lists fetched anew while an older one is served, a second: from Redis, and from a database. */
  refreshedFromRedis: number
  refreshedByLoad: number
  /** Entries and bytes that stay, in a process and in Redis. */
  l1Entries: number
  l1Used: number
  redisUsed: number
}

/** Only what has been asked for before can be found: reads since everything was empty, when counting begins and ends. */
export type Since = { from: number; until: number }

/** Key, stamp and headers of a value in Redis, bytes: measured with MEMORY USAGE, rounded up. */
const redisOverheadBytes = 400

/** @param since left out: it has been running for long */
export function hitsOf(load: Load, layers: Layers, since?: Since): Hits {
  const items = popularity(load.itemKeys, load.theta)
  const lists = popularity(load.listKeys, load.theta)
  const readsOf = { item: load.reads * (1 - load.lists), list: load.reads * load.lists }
  const held = (share: number, overhead: number): Held[] => [
    ...items.map((group) => heldOf(group, readsOf.item * share, load.itemBytes + overhead)),
    ...lists.map((group) => heldOf(group, readsOf.list * share, load.listBytes + overhead))
  ]
  const near = held(1 / layers.processes, lives.overheadBytes)
  const far = held(1, redisOverheadBytes)
  const nearTime = characteristicTime(near, layers.l1Bytes)
  const farTime = characteristicTime(far, layers.redisBytes)

  const sum = { l1: 0, redis: 0, loaded: 0, refreshedFromRedis: 0, refreshedByLoad: 0 }
  // A change touches the tag of its profile, something new that of its profile and of its calendar: what stands in the
  // same slots is lost to everybody. What was changed itself is kept by who did it, and in Redis.
  const collided = (load.writes * (load.changes + 2 * (1 - load.changes))) / slotCount
  for (const group of items) {
    const rate = readsOf.item * group.share
    if (rate === 0) break
    const changed = load.writes * load.changes * group.share
    const kept = changed / layers.processes
    const nearHits = hitsPerLoss(
      rate / layers.processes,
      changed - kept + collided + evictions(rate / layers.processes, nearTime),
      lives.item.ttlSeconds * lives.nearShare,
      kept
    )
    const fleetHits = hitsPerLoss(rate, collided + evictions(rate, farTime), lives.item.ttlSeconds, changed)
    const l1 = rate * ratio(nearHits) * known(group.share * (1 - load.lists), since, layers.processes)
    const found = Math.max(l1, rate * ratio(fleetHits) * known(group.share * (1 - load.lists), since, 1))
    sum.l1 += group.members * l1
    sum.redis += group.members * (found - l1)
    sum.loaded += group.members * (rate - found)
  }
  for (const group of lists) {
    const rate = readsOf.list * group.share
    if (rate === 0) break
    const one = listOf(rate / layers.processes, load.writes, nearTime)
    const fetched = layers.processes * (one.missed + one.refreshed)
    // Redis has it if somebody fetched it since the last write.
    const lost = load.writes + 1 / lives.list.ttlSeconds + evictions(rate, farTime)
    const notThere = lost / (lost + fetched)
    const seen = known(group.share * load.lists, since, 1)
    const missed = layers.processes * one.missed
    sum.l1 += group.members * (rate - missed) * seen
    sum.loaded += group.members * (missed * notThere * seen + rate * (1 - seen))
    sum.redis += group.members * missed * (1 - notThere) * seen
    sum.refreshedByLoad += group.members * layers.processes * one.refreshed * notThere
    sum.refreshedFromRedis += group.members * layers.processes * one.refreshed * (1 - notThere)
  }
  return {
    ...sum,
    l1Entries: keptOf(near, nearTime, () => 1),
    l1Used: keptOf(near, nearTime, ({ bytes }) => bytes),
    redisUsed: keptOf(far, farTime, ({ bytes }) => bytes)
  }
}

const heldOf = ({ members, share }: Group, reads: number, bytes: number): Held => ({
  members,
  rate: reads * share,
  bytes
})

/** Losses a second by eviction: what makes the hit ratio that of Che, 1 − e^(−rate·time). */
const evictions = (rate: number, time: number): number => rate / Math.expm1(rate * time)

/**
 * How many find the entry after one had to fetch it.
 * @param kept a second: changes that leave the entry there anew, however old it was
 */
function hitsPerLoss(rate: number, losses: number, lifeSeconds: number, kept = 0): number {
  const ends = losses + kept
  const untilEither = ends === 0 ? lifeSeconds : -Math.expm1(-ends * lifeSeconds) / ends
  // Each that is kept begins its life again.
  const stays = untilEither / (1 - kept * untilEither)
  return (rate + kept) * stays
}

const ratio = (hitsPerLoss: number): number => hitsPerLoss / (1 + hitsPerLoss)

/** Probability that something had been asked for before, over the reads of a stretch. */
function known(share: number, since: Since | undefined, processes: number): number {
  if (!since || since.until <= since.from) return 1
  const each = share / processes
  const { from, until } = since
  return 1 - (Math.exp(-each * from) - Math.exp(-each * until)) / (each * (until - from))
}

/**
 * A list in one process, a second: reads that had to wait, and fetches behind readers' backs. After a change the value
 * before it is served until `refresh` s have gone by since it was last known to be newest; who asks then has it fetched, and nobody
 * waits. If nobody asks until the budget has gone by, the next one waits.
 */
function listOf(rate: number, writes: number, evictedAfter: number): { missed: number; refreshed: number } {
  const { ttlSeconds, budgetSeconds: budget } = lives.list
  const refresh = budget * lives.refreshShare
  const lost = writes + 1 / (ttlSeconds * lives.nearShare)
  // The first request that finds it lost comes x s after the last that found it well: density
  // rate (rate + lost) / lost · (e^(−rate·x) − e^(−(rate + lost)·x)).
  const both = rate + lost
  const later = (x: number) => (both * Math.exp(-rate * x) - rate * Math.exp(-both * x)) / lost
  const soon = 1 - later(refresh)
  // ∫ from 0 to refresh of (refresh − x) · density dx, which is that of 1 − later.
  const spare =
    refresh -
    ((both / rate) * -Math.expm1(-rate * refresh) - (rate / both) * -Math.expm1(-both * refresh)) / lost
  const requests = rate / lost + 1 + soon + rate * spare
  const waits = later(budget) + soon * Math.exp(-rate * (budget - refresh))
  const cycles = rate / requests
  const missed = Math.min(rate, cycles * waits + evictedOf(rate, evictedAfter))
  return { missed, refreshed: Math.min(rate - missed, cycles * (1 - waits)) }
}

const evictedOf = (rate: number, time: number): number => rate * Math.exp(-rate * time)

function keptOf(held: readonly Held[], time: number, weigh: (one: Held) => number): number {
  return held.reduce((sum, one) => sum - one.members * weigh(one) * Math.expm1(-one.rate * time), 0)
}
