// How much more than its quota a rough limit lets pass (docs/limits.md), on a real Redis.
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { redisOptions } from '../../plugins/redis.ts'
import { ExactCounts } from '../../src/limits/exact.ts'
import { Fleet } from '../../src/limits/fleet.ts'
import type { RoughLimit } from '../../src/limits/limit.ts'
import { RoughCounts } from '../../src/limits/rough.ts'
import { limitScripts } from '../../src/limits/scripts.ts'
import { engines } from '../engines.ts'
import { until } from '../until.ts'

const instances = 3
const quota = 100
/** What an instance may keep to itself: a tenth of the quota, for all of them. */
const untold = Math.floor(quota / 10 / instances)
const hour = (name: string): RoughLimit => ({ exact: false, name, quota, windowMs: 3_600_000 })
const plainly = (key: string) => key

async function fleetOf(t: Test, url: string): Promise<Fleet[]> {
  const fleets = Array.from(
    { length: instances },
    () => new Fleet(new Redis(url, { ...redisOptions(5_000), scripts: limitScripts }))
  )
  t.teardown(() => {
    for (const fleet of fleets) fleet.close()
  })
  await Promise.all(fleets.map((fleet) => fleet.start(5_000)))
  await until('they know of each other', () => fleets.every(({ size }) => size === instances))
  return fleets
}

/** Sends `each` requests to every instance; how many were admitted. */
function round(counts: readonly RoughCounts[], key: string, each: number): number {
  let admitted = 0
  for (const one of counts) for (let i = 0; i < each; i++) if (one.take(key) >= 0) admitted++
  return admitted
}

async function reported(counts: readonly RoughCounts[]): Promise<void> {
  // The first may be one that was under way already.
  for (let i = 0; i < 2; i++) await Promise.all(counts.map((one) => one.report()))
}

t.test('rough limits', async (t) => {
  const { redis } = await engines(t, { replicas: 0, scale: 'empty' })

  await t.test('beyond the quota passes what was admitted between two reports, and no more', async (t) => {
    const fleets = await fleetOf(t, redis.url)
    for (const each of [1, 7, 20]) {
      const counts = fleets.map((fleet) => new RoughCounts(hour(`rounds-${each}`), fleet, plainly))
      let admitted = 0
      for (let sent = 0; sent < 5 * quota; sent += each * instances) {
        admitted += round(counts, 'ana', each)
        await reported(counts)
      }
      const most = quota - 1 + instances * (untold - 1 + each)
      t.ok(admitted >= quota, `${admitted} of at least ${quota}`)
      t.ok(admitted <= most, `${admitted} of at most ${most}, ${each} at a time`)
      t.equal(round(counts, 'ana', 10), 0)
      t.equal(round(counts, 'eva', 1), instances, 'nobody else is held up')
    }
  })

  await t.test('a flood at once passes at each instance, once', async (t) => {
    const counts = (await fleetOf(t, redis.url)).map(
      (fleet) => new RoughCounts(hour('flood'), fleet, plainly)
    )
    t.equal(round(counts, 'ana', 10 * quota), instances * quota)
    await reported(counts)
    t.equal(round(counts, 'ana', quota), 0)
  })

  await t.test('who asks one instance alone has the whole quota there', async (t) => {
    const counts = (await fleetOf(t, redis.url)).map(
      (fleet) => new RoughCounts(hour('sticky'), fleet, plainly)
    )
    t.equal(round(counts.slice(0, 1), 'ana', 2 * quota), quota)
    await reported(counts)
    t.ok(round(counts.slice(1), 'ana', untold) <= 2 * untold, 'the others learn of it when they first report')
    await reported(counts)
    t.equal(round(counts, 'ana', quota), 0)
  })

  await t.test('a Redis that was emptied is told again what each instance has admitted', async (t) => {
    const fleets = await fleetOf(t, redis.url)
    const counts = fleets.map((fleet) => new RoughCounts(hour('emptied'), fleet, plainly))
    round(counts, 'ana', 30)
    await reported(counts)
    const client = new Redis(redis.url)
    t.teardown(() => client.disconnect())
    await client.flushall()
    await until('it has been told', async () => {
      const [key] = await client.keys('turno:limits:emptied:ana:*')
      if (key === undefined) return false
      return (await client.hvals(key)).reduce((sum, count) => sum + Number(count), 0) === 3 * 30
    })
  })
})

t.test('however many addresses there are, memory is bounded', async (t) => {
  const apart = new Fleet(null)
  const rough = new RoughCounts(hour('many'), apart, plainly)
  const exact = new ExactCounts(apart)
  for (let i = 0; i < 60_000; i++) {
    rough.take(`address ${i}`)
    if (i % 3 === 0) await exact.take(`e-mail ${i}`, 5, 1_000_000)
  }
  t.equal(rough.size, 20_000)
  t.equal(exact.size, 10_000)
  t.equal(rough.take('address 59999'), quota - 2, 'those seen last are remembered')
})
