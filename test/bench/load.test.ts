// What the benchmark asks for and when: popular things as often as Zipf says, moments as Poisson says, and the same for
// the same seed.
import t from 'tap'
import { arrivals } from '../../bench/load/arrivals.ts'
import { endpoints, type World } from '../../bench/load/endpoints.ts'
import { requestsOf } from '../../bench/load/requests.ts'
import { zipf } from '../../bench/load/zipf.ts'
import { stream } from '../../db/seed/random.ts'

const person = (id: string) => ({ id, token: `token of ${id}` })
const world: World = {
  profiles: Array.from({ length: 50 }, (_, i) => `0190a1b2-0000-7000-8000-${String(i).padStart(12, '0')}`),
  lists: ['/api/profiles'],
  therapists: [person('0190a1b2-0000-7000-8000-00000000aaaa')],
  clients: [person('b')],
  admin: person('c'),
  tags: {},
  firstStart: Date.UTC(2026, 11, 1)
}
const draws = 200_000
const ask = { world, theta: 0.99, seed: 1, stretch: 'one', serial: 0, mix: { item: 90, patchProfile: 10 } }

t.test('popularity', async (t) => {
  t.test('follows the law: the most popular, the next, and half of all', async (t) => {
    const draw = zipf(1_000, 0.99, stream('1', 'order'), stream('1', 'draws'))
    const counts = new Uint32Array(1_000)
    for (let i = 0; i < draws; i++) {
      const one = draw()
      counts[one] = (counts[one] ?? 0) + 1
    }
    const sorted = counts.toSorted().toReversed()
    let total = 0
    for (let rank = 1; rank <= 1_000; rank++) total += 1 / rank ** 0.99
    for (const rank of [1, 2, 10]) {
      const expected = draws / (rank ** 0.99 * total)
      t.ok(Math.abs((sorted[rank - 1] ?? 0) - expected) < expected * 0.1, `rank ${rank}`)
    }
  })

  t.test('with theta 0 is none', async (t) => {
    const draw = zipf(10, 0, stream('1', 'order'), stream('1', 'draws'))
    const counts = new Uint32Array(10)
    for (let i = 0; i < draws; i++) {
      const one = draw()
      counts[one] = (counts[one] ?? 0) + 1
    }
    for (const count of counts) t.ok(Math.abs(count - draws / 10) < draws / 100)
  })

  t.test('is scattered: the popular are not neighbours', async (t) => {
    const draw = zipf(1_000, 2, stream('1', 'order'), stream('1', 'draws'))
    const seen = new Set(Array.from({ length: 100 }, draw))
    t.ok(Math.max(...seen) > 100, 'the first hundred numbers are not the hundred that are asked for')
  })

  t.test('is the same in every stretch of a run, though the draws are not', async (t) => {
    const most = (stretch: string) => {
      const requests = requestsOf({ ...ask, theta: 2, mix: { item: 1 }, stretch })
      const paths = Array.from({ length: 500 }, () => requests.next().wanted.path)
      const counts = Map.groupBy(paths, (path) => path)
      const [first] = [...counts].sort(([, a], [, b]) => b.length - a.length)
      return { first: first?.[0], paths: paths.join() }
    }
    t.equal(most('one').first, most('two').first)
    t.not(most('one').paths, most('two').paths)
  })
})

t.test('requests', async (t) => {
  t.test('are the same for the same seed, and others for another', async (t) => {
    const take = (seed: number) => {
      const requests = requestsOf({ ...ask, seed })
      return Array.from({ length: 100 }, () => requests.next().wanted.path)
    }
    t.same(take(1), take(1))
    t.notSame(take(1), take(2))
  })

  t.test('come in the shares of the mix', async (t) => {
    const requests = requestsOf(ask)
    const drawn = Array.from({ length: 10_000 }, () => requests.next().endpoint)
    const writes = drawn.filter((name) => name === 'patchProfile').length
    t.ok(Math.abs(writes - 1_000) < 150, `${writes} of 10,000 are writes`)
  })

  t.test('never write the same twice, also in the stretch that follows', async (t) => {
    const first = requestsOf({ ...ask, mix: { createProfile: 1 } })
    const bodies = Array.from({ length: 100 }, () => first.next().wanted.body)
    const second = requestsOf({ ...ask, mix: { createProfile: 1 }, serial: first.serial() })
    bodies.push(...Array.from({ length: 100 }, () => second.next().wanted.body))
    t.equal(new Set(bodies).size, 200)
  })

  t.test('book each half hour once, or twenty at a time where they contend', async (t) => {
    const starts = (name: 'book' | 'bookContended') => {
      const requests = requestsOf({ ...ask, mix: { [name]: 1 } })
      return Array.from({ length: 100 }, () => JSON.parse(requests.next().wanted.body ?? '{}').start)
    }
    t.equal(new Set(starts('book')).size, 100)
    t.equal(new Set(starts('bookContended')).size, 5)
    t.ok(Object.keys(endpoints).length > 10)
  })
})

t.test('moments', async (t) => {
  const rate = 1_000
  const moments = [...arrivals([{ seconds: 60, rate }], stream('1', 'arrivals'))]
  const gaps = moments.slice(1).map((at, i) => at - (moments[i] ?? 0))
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  t.test('come at the rate, as far apart as in a Poisson process', async (t) => {
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length
    t.ok(Math.abs(mean - 1) < 0.03, `mean ${mean} ms`)
    t.ok(Math.abs(Math.sqrt(variance) / mean - 1) < 0.03, 'they scatter as much as they are long')
    const beyond = gaps.filter((gap) => gap > mean).length / gaps.length
    t.ok(Math.abs(beyond - Math.exp(-1)) < 0.01, 'one in e is longer than the mean')
  })

  t.test('change their rate from one step to the next', async (t) => {
    const steps = [
      { seconds: 2, rate: 10 },
      { seconds: 2, rate: 1_000 }
    ]
    const all = [...arrivals(steps, stream('1', 'arrivals'))]
    const early = all.filter((at) => at < 2_000).length
    t.ok(early > 5 && early < 45, `${early} in the first`)
    t.ok(Math.abs(all.length - early - 2_000) < 200, `${all.length - early} in the second`)
    t.ok(all.every((at, i) => at >= (all[i - 1] ?? 0)) && (all.at(-1) ?? 0) < 4_000)
  })
})
