// Limits that three instances share, on a real Redis that dies, hangs and comes back.
import type { FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { Settings } from '../../src/config.ts'
import { perQuarterHour, type RoughLimit } from '../../src/limits/limit.ts'
import { engines } from '../engines.ts'
import { until } from '../until.ts'
import { limited } from './app.ts'

const instances = 3
const quota = 10
const share = Math.ceil(quota / instances)
const hourMs = 3_600_000

/** Three instances that count together. */
async function fleet(
  t: Test,
  settings: Settings,
  limits: (string | RoughLimit)[]
): Promise<FastifyInstance[]> {
  const apps = await Promise.all(
    Array.from({ length: instances }, () =>
      limited(t, settings, (app) => {
        for (const limit of limits) {
          const of = typeof limit === 'string' ? perQuarterHour(limit, quota, () => 'ana') : limit
          app.get(`/${of.name}`, { config: { limits: [of] } }, async () => ({}))
        }
        app.post('/login', { config: { limits: app.limits.login } }, async () => ({}))
      })
    )
  )
  await together(apps)
  return apps
}

async function together(apps: readonly FastifyInstance[]): Promise<void> {
  const counting = new RegExp(`^turno_limits_together ${instances}$`, 'm')
  await until('all instances count together', async () => {
    const texts = await Promise.all(apps.map((app) => app.metrics.text()))
    return texts.every((text) => counting.test(text))
  })
}

async function apart(apps: readonly FastifyInstance[]): Promise<boolean> {
  const texts = await Promise.all(apps.map((app) => app.metrics.text()))
  return texts.every((text) => /^turno_limits_together 0$/m.test(text))
}

/** Sends so many requests at once, to one instance after the other. How many were admitted, and how many failed. */
async function ask(apps: readonly FastifyInstance[], url: string, times: number) {
  const answers = await Promise.all(
    Array.from({ length: times }, (_, i) => apps[i % apps.length]?.inject(url))
  )
  const statuses = answers.map((answer) => answer?.statusCode)
  return {
    admitted: statuses.filter((status) => status === 200).length,
    failed: statuses.filter((status) => status !== 200 && status !== 429).length
  }
}

t.test('limits of a fleet', async (t) => {
  const { settings, redis } = await engines(t, { replicas: 0, scale: 'empty' })
  // What is tested here is who is admitted, on a machine of any speed.
  const patient: Settings = { ...settings, redis: { ...settings.redis, commandTimeoutMs: 5_000 } }
  const client = new Redis(redis.url)
  client.on('error', () => {})
  t.teardown(() => client.disconnect())

  await t.test(
    'an exact limit admits exactly as many as it says, of ten times as many at once',
    async (t) => {
      const apps = await fleet(t, patient, ['burst'])
      t.same(await ask(apps, '/burst', 10 * quota), { admitted: quota, failed: 0 })
      t.same(await ask(apps, '/burst', 10 * quota), { admitted: 0, failed: 0 })
    }
  )

  await t.test('Redis is told neither e-mail nor address', async (t) => {
    const limits = { ...patient.limits, readsPerMinute: 30, logins: 5, loginsPerAddress: 5 }
    const [app] = await fleet(t, { ...patient, limits }, [])
    for (let i = 0; i < 5; i++) {
      await app?.inject({
        method: 'POST',
        url: '/login',
        payload: { email: 'ana@example.es' },
        remoteAddress: '203.0.113.77'
      })
    }
    await until('all four limits are told', async () => (await kept(client)).length >= 4)
    const told = JSON.stringify(await kept(client))
    t.notMatch(told, /ana|example|203\.0\.113\.77/)
  })

  await t.test('an exact limit outlives a Redis that loses everything', async (t) => {
    const apps = await fleet(t, patient, ['outage', 'untouched'])
    const before = (await ask(apps, '/outage', 2 * quota)).admitted
    t.equal(before, quota)

    await redis.kill()
    const during = await ask(apps, '/outage', 20 * quota)
    t.equal(during.failed, 0, 'nobody is answered with an error')
    t.ok(during.admitted <= (instances - 1) * share, `${during.admitted} more while Redis was gone`)
    const fresh = await ask(apps, '/untouched', 20 * quota)
    t.same(fresh, { admitted: instances * share, failed: 0 }, 'each instance admits its share')

    await redis.restart()
    await together(apps)
    await until('Redis has been told again', async () => {
      const logs = await client.keys('turno:limits:outage:*')
      return logs[0] !== undefined && (await client.zcard(logs[0])) === before + during.admitted
    })
    t.same(await ask(apps, '/outage', 10 * quota), { admitted: 0, failed: 0 })
    t.same(await ask(apps, '/untouched', 10 * quota), { admitted: 0, failed: 0 })
  })

  await t.test('an exact limit outlives a Redis that is emptied', async (t) => {
    const apps = await fleet(t, patient, ['emptied'])
    t.equal((await ask(apps, '/emptied', quota)).admitted, quota)
    await client.flushall()
    await until('Redis has been told again', async () => {
      const logs = await client.keys('turno:limits:emptied:*')
      return logs[0] !== undefined && (await client.zcard(logs[0])) === quota
    })
    t.same(await ask(apps, '/emptied', 10 * quota), { admitted: 0, failed: 0 })
  })

  await t.test('what was admitted while Redis hung counts once it answers again', async (t) => {
    const apps = await fleet(t, patient, ['hung'])
    redis.hang()
    t.teardown(() => redis.resume())
    await until('all instances count by themselves', () => apart(apps))
    t.same(await ask(apps, '/hung', 20 * quota), { admitted: instances * share, failed: 0 })
    redis.resume()
    await together(apps)
    await until('Redis has been told', async () => {
      const logs = await client.keys('turno:limits:hung:*')
      return logs[0] !== undefined && (await client.zcard(logs[0])) === instances * share
    })
    t.same(await ask(apps, '/hung', 10 * quota), { admitted: 0, failed: 0 })
  })

  await t.test('reads go on without Redis: each instance admits its share', async (t) => {
    const reads: RoughLimit = { exact: false, name: 'reads', quota: 300, windowMs: hourMs }
    const apps = await fleet(t, settings, [reads])
    redis.hang()
    t.teardown(() => redis.resume())
    t.same(await ask(apps, '/reads', 150), { admitted: 150, failed: 0 }, 'whatever is known of Redis by then')
    await until('all instances count by themselves', () => apart(apps))
    t.same(await ask(apps, '/reads', 600), { admitted: 150, failed: 0 })
  })
})

/** Every key of the limits with what it holds. */
async function kept(client: Redis): Promise<unknown[]> {
  const keys = await client.keys('turno:limits:*:*')
  return Promise.all(
    keys.map(async (key) => [
      key,
      (await client.type(key)) === 'hash' ? await client.hgetall(key) : await client.zrange(key, '0', '-1')
    ])
  )
}
