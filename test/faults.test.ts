// What is answered while a part of the stack is dead or hung, and how whole the service is when it comes back.
// Real engines, killed and stopped for real, under steady requests.
import t from 'tap'
import { known } from '../db/seed/known.ts'
import { type Fleet, fleet, type Instance, publicProfiles, type Reply } from './fleet.ts'
import { until } from './until.ts'

/** Longer than any limit on the way: a request that takes this long hangs. */
const hangs = 5_000

type Sample = Reply & { path: string }

/** Sends requests at a steady pace, whatever becomes of those before, until told to stop. */
function steady(instance: Instance, paths: readonly string[], everyMs = 10) {
  const sent: Promise<Sample>[] = []
  let next = 0
  const timer = setInterval(() => {
    const path = paths[next++ % paths.length] ?? '/'
    sent.push(instance.send(path).then((reply) => ({ ...reply, path })))
  }, everyMs)
  return {
    async stop(): Promise<Sample[]> {
      clearInterval(timer)
      return Promise.all(sent)
    }
  }
}

const during = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function tally(samples: readonly Sample[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status } of samples) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

const layerOf = ({ headers }: Pick<Reply, 'headers'>) => String(headers['cache-status'])

async function started(
  t: Parameters<typeof fleet>[0]
): Promise<Fleet & { instance: Instance; paths: string[] }> {
  const running = await fleet(t, 1)
  const ids = await publicProfiles(running.engines.mysql.primary.url, 10)
  const [instance] = running.instances
  const paths = ids.map((id) => `/api/profile/${id}`)
  for (const path of paths) await instance.send(path)
  return { ...running, instance, paths }
}

t.test('Redis killed and back: every read is answered, and Redis is used again', async (t) => {
  const { engines, instance, paths } = await started(t)
  const requests = steady(instance, paths)
  await during(300)
  await engines.redis.kill()
  await during(1_500)
  await engines.redis.restart()
  await until('Redis is trusted again', async () =>
    /"redis":\{[^}]*"status":"up"/.test((await instance.send('/health')).body)
  )
  await during(300)
  const samples = await requests.stop()
  t.strictSame(Object.keys(tally(samples)), ['200'], 'an accelerator: nobody notices')
  t.notOk(samples.some(({ ms }) => ms > hangs))
})

t.test('Redis hung: nobody waits for it, reads and writes go on', async (t) => {
  const { engines, instance, paths } = await started(t)
  const { redis } = engines
  const requests = steady(instance, paths)
  await during(300)
  redis.hang()
  await during(1_500)
  const token = instance.app.signToken({ id: known.admin.id, role: 'admin' }, 60)
  const [path = ''] = paths
  const written = await instance.send(path, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${token}` },
    body: { headline: 'Sin Redis también' }
  })
  t.equal(written.status, 200, 'a write needs the primary alone')
  t.match((await instance.send(path)).body, 'Sin Redis también', 'and is seen at once')
  redis.resume()
  await until('Redis is trusted again', async () =>
    /"redis":\{[^}]*"status":"up"/.test((await instance.send('/health')).body)
  )
  const samples = await requests.stop()
  t.strictSame(Object.keys(tally(samples)), ['200'])
  t.notOk(samples.some(({ ms }) => ms > hangs))
})

t.test('one replica killed, then all, then back: reads go to who is left', async (t) => {
  const { engines, instance, paths } = await started(t)
  const absent = Array.from({ length: 50 }, (_, i) => `/api/profiles?limit=${i + 1}`)
  const requests = steady(instance, [...paths, ...absent])
  const [one, two] = engines.mysql.replicas
  if (!one || !two) throw new Error('two replicas are needed')
  await during(300)
  await one.kill()
  await during(1_000)
  await two.kill()
  await during(1_000)
  await until('a list comes from the primary', async () =>
    layerOf(await instance.send(`/api/profiles?minPrice=${Math.floor(Math.random() * 5000)}`)).includes(
      'detail=primary'
    )
  )
  await Promise.all([one.restart(), two.restart()])
  await until('a list comes from a replica again', async () =>
    layerOf(await instance.send(`/api/profiles?minPrice=${Math.floor(Math.random() * 5000)}`)).includes(
      'detail=replica'
    )
  )
  const samples = await requests.stop()
  t.strictSame(Object.keys(tally(samples)), ['200'])
  t.notOk(samples.some(({ ms }) => ms > hangs))
})

t.test('one replica hung: it leaves the rotation, and returns', async (t) => {
  const { engines, instance, paths } = await started(t)
  const lists = Array.from({ length: 50 }, (_, i) => `/api/profiles?limit=${i + 1}`)
  const requests = steady(instance, [...paths, ...lists])
  const [one] = engines.mysql.replicas
  if (!one) throw new Error('a replica is needed')
  one.hang()
  const serving = (name: string) =>
    instance.app.mysql.replicas.states().find((state) => state.name === name)?.serving
  await until('the hung replica is out', () => serving('replica-1') === false)
  one.resume()
  await until('it is back', () => serving('replica-1') === true)
  const samples = await requests.stop()
  t.strictSame(Object.keys(tally(samples)), ['200'])
  t.notOk(samples.some(({ ms }) => ms > hangs))
})

t.test(
  'all of MySQL hung: what is cached is answered, the rest is refused in time; then the pool is whole',
  async (t) => {
    const { engines, instance, paths } = await started(t)
    const servers = [engines.mysql.primary, ...engines.mysql.replicas]
    const cold = Array.from({ length: 100 }, (_, i) => `/api/profiles?minPrice=${i + 1}`)
    const requests = steady(instance, [...paths, ...cold])
    await during(200)
    for (const server of servers) server.hang()
    await during(4_000)
    for (const server of servers) server.resume()
    const resumedAt = performance.now()
    const { poolSize } = instance.app.settings.mysql
    await until('as many statements at once as the pool has connections', async () => {
      const answers = await Promise.allSettled(
        Array.from({ length: poolSize }, () => instance.app.mysql.primary.query('SELECT 1 AS one'))
      )
      return answers.every(({ status }) => status === 'fulfilled')
    })
    t.ok(performance.now() - resumedAt < 2_000, 'whole again within two seconds')
    await until('no connection is stuck', () => instance.app.mysql.primary.stats().busy === 0)
    await until(
      'cold lists are answered again',
      async () => (await instance.send('/api/profiles?minPrice=7000')).status === 200
    )

    const samples = await requests.stop()
    const profiles = samples.filter(({ path }) => paths.includes(path))
    const lists = samples.filter(({ path }) => cold.includes(path))
    t.strictSame(Object.keys(tally(profiles)), ['200'], 'Redis still proves what is cached')
    t.strictSame(
      Object.keys(tally(lists)).filter((status) => status !== '200' && status !== '503'),
      [],
      'what nobody can know is refused as unavailable, not as an error of ours'
    )
    const refused = lists.filter(({ status }) => status === 503)
    t.ok(refused.length > 0, 'the fault was felt at all')
    t.ok(refused.every(({ headers }) => Number(headers['retry-after']) > 0))
    t.notOk(
      samples.some(({ ms }) => ms > hangs),
      'nobody hangs'
    )
  }
)

t.test('Redis and all of MySQL dead: the last public profiles are still told, and marked', async (t) => {
  const { engines, instance, paths } = await started(t)
  await engines.redis.kill()
  await Promise.all([engines.mysql.primary, ...engines.mysql.replicas].map((server) => server.kill()))
  const [path = ''] = paths
  // What was proven just before everything died is not stale yet.
  await until('a profile is told as a stale one', async () => {
    const { status, headers } = await instance.send(path)
    t.equal(status, 200)
    return headers.age !== undefined && layerOf({ headers }) === 'turno-l1; hit; detail=stale-if-error'
  })
  t.equal((await instance.send('/api/profiles?minPrice=4321')).status, 503)
})
