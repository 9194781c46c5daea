// Breakers of three instances on a real Redis.
import { once } from 'node:events'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { redisOptions } from '../../plugins/redis.ts'
import { BreakerOpen, Breakers } from '../../src/breaker/breakers.ts'
import { Findings } from '../../src/breaker/findings.ts'
import { breakerScripts } from '../../src/breaker/scripts.ts'
import { engines } from '../engines.ts'
import { until } from '../until.ts'

const limitMs = 30_000
const fails = () => Promise.reject(new Error('it fails'))
const works = () => Promise.resolve('done')

/** What came of a call: its answer, its error, or `refused` when none was made. */
async function call(breakers: Breakers, target: string, work: () => Promise<string>): Promise<string> {
  try {
    return await breakers.run(target, limitMs, work)
  } catch (error) {
    return error instanceof BreakerOpen ? 'refused' : 'failed'
  }
}

/** Calls until the target is left alone. */
async function failUntilOpen(breakers: Breakers, target: string): Promise<void> {
  for (let i = 0; i < 5; i++) await call(breakers, target, fails)
}

function openAt(instances: readonly Breakers[], target: string): Promise<void> {
  return until('all instances know', () => instances.every((one) => one.state(target) !== 'closed'))
}

t.test('breakers of a fleet', async (t) => {
  const { redis } = await engines(t, { replicas: 0, scale: 'empty' })

  async function instance(t: Test): Promise<Breakers> {
    const connection = new Redis(redis.url, { ...redisOptions(5_000), scripts: breakerScripts })
    connection.on('error', () => {})
    const breakers = new Breakers(connection)
    t.teardown(() => breakers.close())
    const ready = once(connection, 'ready')
    breakers.start()
    await ready
    // The subscription was sent first, and is answered first.
    await connection.ping()
    return breakers
  }
  const fleet = (t: Test) => Promise.all([instance(t), instance(t), instance(t)])

  await t.test('what one instance finds out protects all of them', async (t) => {
    const instances = await fleet(t)
    const [one, ...others] = instances
    for (const other of others) t.equal(await call(other, 'found', works), 'done')
    for (let i = 0; i < 4; i++) t.equal(await call(one, 'found', fails), 'failed')
    t.equal(one.state('found'), 'closed', 'four failures are bad luck')
    t.equal(await call(one, 'found', fails), 'failed')
    await openAt(instances, 'found')
    t.equal(await call(one, 'another', works), 'done', 'other targets are called as before')

    const late = await instance(t)
    await call(late, 'found', works)
    t.not(late.state('found'), 'closed', 'who starts later learns it with the first call')
  })

  await t.test('when the time is over one call of the whole fleet tries, and then all may', async (t) => {
    const instances = await fleet(t)
    for (const one of instances) await call(one, 'trial', works)
    await failUntilOpen(instances[0], 'trial')
    await openAt(instances, 'trial')
    await until('its time is over', () => instances.every((one) => one.state('trial') === 'half-open'))

    const held = Promise.withResolvers<string>()
    let made = 0
    const hold = () => {
      made++
      return held.promise
    }
    const calls = Array.from({ length: 30 }, (_, i) => call(instances[i % 3] ?? instances[0], 'trial', hold))
    let refused = 0
    for (const one of calls) one.then((outcome) => (refused += Number(outcome === 'refused')))
    await until('all others were refused', () => refused === 29)
    t.equal(made, 1)
    held.resolve('done')
    await Promise.all(calls)
    await until('all are told', () => instances.every((one) => one.state('trial') === 'closed'))
    for (const one of instances) t.equal(await call(one, 'trial', works), 'done')
  })

  await t.test('a target that fails its trial is left alone for twice as long, everywhere', async (t) => {
    const instances = await fleet(t)
    const [one, two] = instances
    await call(two, 'twice', works)
    await failUntilOpen(one, 'twice')
    await openAt([one, two], 'twice')
    await until('its time is over', () => two.state('twice') === 'half-open')
    await until('the trial is granted', async () => (await call(two, 'twice', fails)) === 'failed')
    const refusal = await two.run('twice', limitMs, works).catch((error: unknown) => error)
    if (!(refusal instanceof BreakerOpen)) return t.fail('it must be refused')
    t.ok(refusal.retryInMs > 1_000 && refusal.retryInMs <= 2_000, `${refusal.retryInMs} ms`)
    await until('the other is told', () => one.state('twice') === 'open')
  })

  await t.test('without Redis each instance finds out, and tries, for itself', async (t) => {
    const [one, two] = await fleet(t)
    await call(two, 'alone', works)
    await redis.kill()
    await failUntilOpen(one, 'alone')
    t.equal(one.state('alone'), 'open')
    t.equal(await call(two, 'alone', works), 'done')
    await until('its time is over', () => one.state('alone') === 'half-open')
    t.equal(await call(one, 'alone', works), 'done')
    t.equal(one.state('alone'), 'closed')
    await redis.restart()
    await failUntilOpen(one, 'again')
    await until('a new Redis is told', async () => {
      await call(two, 'again', works)
      return two.state('again') !== 'closed'
    })
  })
})

t.test('one call tries also where there is no Redis at all', async (t) => {
  const alone = new Breakers(null)
  await failUntilOpen(alone, 'alone')
  t.equal(await call(alone, 'alone', works), 'refused')
  await until('its time is over', () => alone.state('alone') === 'half-open')
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => call(alone, 'alone', works)))
  t.same(outcomes, ['done', 'refused', 'refused', 'refused', 'refused'])
})

t.test('a call that takes too long has failed, and is told to stop', async (t) => {
  const breakers = new Breakers(null)
  let stopped = false
  const endless = (signal: AbortSignal) =>
    new Promise<string>(() => {
      signal.addEventListener('abort', () => {
        stopped = true
      })
    })
  await t.rejects(breakers.run('slow', 10, endless), { name: 'TimeoutError' })
  t.ok(stopped)
})

t.test('a target is failing when it fails often, and most of the time', async (t) => {
  const mixed = new Findings()
  for (let i = 0; i < 50; i++) t.notOk(mixed.note(i % 3 === 0, i), 'a third of the calls')
  const rare = new Findings()
  for (let i = 0; i < 20; i++) t.notOk(rare.note(true, i * 6_000), 'one failure in six seconds')
  const failing = new Findings()
  t.same(
    [1, 2, 3, 4, 5].map((at) => failing.note(true, at * 100)),
    [false, false, false, false, true]
  )
})
