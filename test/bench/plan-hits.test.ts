// The plan's formulas beside the things themselves, played with the same requests.
import { LRUCache } from 'lru-cache'
import t from 'tap'
import { zipf } from '../../bench/load/zipf.ts'
import { hitRatio, popularity } from '../../bench/plan/che.ts'
import { hitsOf, type Layers, type Load, lives } from '../../bench/plan/hits.ts'
import { stream } from '../../db/seed/random.ts'
import { cursors } from '../../src/http/cursor.ts'
import { profileViews } from '../../src/profiles/views.ts'

const close = (t: Tap, found: number, wanted: number, within: number, what: string) =>
  t.ok(
    Math.abs(found - wanted) <= within,
    `${what}: reckoned ${found.toFixed(4)}, played ${wanted.toFixed(4)}`
  )
type Tap = { ok(value: boolean, message: string): unknown }

t.test("Che's approximation finds what an LRU finds", async (t) => {
  const keys = 20_000
  for (const theta of [0.6, 0.99, 1.2]) {
    for (const entries of [200, 2_000, 10_000]) {
      const draw = zipf(keys, theta, stream('1', 'order'), stream('1', `${theta} ${entries}`))
      const cache = new LRUCache<number, true>({ max: entries })
      let hits = 0
      const [warmUp, counted] = [100_000, 200_000]
      for (let request = 0; request < warmUp + counted; request++) {
        const key = draw()
        if (cache.get(key)) hits += request < warmUp ? 0 : 1
        else cache.set(key, true)
      }
      const what = `theta ${theta}, ${entries} of ${keys}`
      close(t, hitRatio(popularity(keys, theta), entries), hits / counted, 0.01, what)
    }
  }
})

t.test('all keys fit: everything is found; groups of ranks hold every key and all requests', async (t) => {
  t.equal(hitRatio(popularity(1_000, 0.99), 1_000).toFixed(9), '1.000000000')
  const groups = popularity(1_000_000, 0.99)
  t.equal(
    groups.reduce((sum, { members }) => sum + members, 0),
    1_000_000
  )
  t.ok(Math.abs(groups.reduce((sum, { members, share }) => sum + members * share, 0) - 1) < 1e-12)
  t.ok(groups.length < 5_000)
})

t.test('what the plan says of lives is what the views say', async (t) => {
  const { profile, page } = profileViews(cursors('for the tests of this checkout, and nobody else'))
  t.equal(profile.ttlMs, lives.item.ttlSeconds * 1000)
  t.equal(page.ttlMs, lives.list.ttlSeconds * 1000)
  t.equal(page.staleBudgetMs, lives.list.budgetSeconds * 1000)
})

const load: Load = {
  reads: 900,
  writes: 100,
  changes: 0.5,
  lists: 0.5,
  itemKeys: 5_000,
  listKeys: 100,
  theta: 0.99,
  itemBytes: 1_000,
  listBytes: 1_000
}
const far = 2 ** 40

for (const [title, change, layers] of [
  ['one process with room for all', {}, { processes: 1, l1Bytes: far }],
  ['four processes, writes now and then', { writes: 2 }, { processes: 4, l1Bytes: far }],
  ['a process with room for a fifth', {}, { processes: 1, l1Bytes: 1_000 * (1_000 + lives.overheadBytes) }],
  ['popularity all alike', { theta: 0 }, { processes: 2, l1Bytes: far }]
] as const) {
  t.test(`layers, played: ${title}`, async (t) => {
    const asked = { ...load, ...change }
    const found = hitsOf(asked, { ...layers, redisBytes: far })
    const played = play(asked, { ...layers, redisBytes: far })
    close(t, (found.l1 + found.redis) / asked.reads, played.found, 0.02, 'found')
    close(t, found.l1 / asked.reads, played.l1, 0.02, 'found in the process')
    close(
      t,
      found.refreshedByLoad / asked.reads,
      played.refreshed,
      0.02,
      'lists loaded behind the readers’ backs'
    )
  })
}

/** What src/cache does, event by event; fills take no time. */
function play(load: Load, layers: Layers): { found: number; l1: number; refreshed: number } {
  const random = stream('1', 'play')
  const itemOf = zipf(load.itemKeys, load.theta, stream('1', 'items'), stream('1', 'item draws'))
  const listOf = zipf(load.listKeys, load.theta, stream('1', 'lists'), stream('1', 'list draws'))
  type Entry = { madeAt: number; provenAt: number }
  const size = { item: load.itemBytes + lives.overheadBytes, list: load.listBytes + lives.overheadBytes }
  const nears = Array.from(
    { length: layers.processes },
    () => new LRUCache<string, Entry>({ maxSize: layers.l1Bytes })
  )
  const redis = new Map<string, number>()
  const changedAt = new Map<string, number>()
  const rate = load.reads + load.writes
  const [warmUp, until] = [400, 800]
  const counted = { reads: 0, found: 0, l1: 0, refreshed: 0 }
  const { budgetSeconds } = lives.list
  for (let now = 0; now < until; now += random.exponential(1 / rate)) {
    if (random.chance(load.writes / rate)) {
      changedAt.set('lists', now)
      if (random.chance(load.changes)) {
        const key = `item ${itemOf()}`
        changedAt.set(key, now)
        // Who has made the change keeps it, and shares it.
        const kept = now + 1e-9
        redis.set(key, kept)
        const near = nears[random.integer(0, layers.processes - 1)]
        near?.set(key, { madeAt: kept, provenAt: kept }, { size: size.item })
      }
      continue
    }
    const count = now < warmUp ? 0 : 1
    counted.reads += count
    const list = random.chance(load.lists)
    const key = list ? `list ${listOf()}` : `item ${itemOf()}`
    const changed = changedAt.get(list ? 'lists' : key) ?? -1
    const { ttlSeconds } = list ? lives.list : lives.item
    const near = nears[random.integer(0, layers.processes - 1)]
    const entry = near?.get(key)
    /** Whether Redis had it. */
    const fetch = () => {
      const stored = redis.get(key) ?? Number.NEGATIVE_INFINITY
      const there = stored > changed && now - stored < ttlSeconds
      if (!there) redis.set(key, now)
      near?.set(key, { madeAt: now, provenAt: now }, { size: list ? size.list : size.item })
      return there
    }
    if (entry && entry.madeAt > changed && now - entry.madeAt < ttlSeconds * lives.nearShare) {
      entry.provenAt = now
      counted.l1 += count
      counted.found += count
    } else if (entry && list && now - entry.provenAt < budgetSeconds) {
      counted.l1 += count
      counted.found += count
      if (now - entry.provenAt >= budgetSeconds * lives.refreshShare && !fetch()) counted.refreshed += count
    } else if (fetch()) counted.found += count
  }
  return {
    found: counted.found / counted.reads,
    l1: counted.l1 / counted.reads,
    refreshed: counted.refreshed / counted.reads
  }
}
