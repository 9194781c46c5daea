// What is recorded arrives once, whatever becomes of Redis meanwhile; and nobody ever waits for it.
import { Redis } from 'ioredis'
import t from 'tap'
import { known } from '../../db/seed/known.ts'
import { startAuditConsumer } from '../../src/audit/consumer.ts'
import { streamKey } from '../../src/audit/stream.ts'
import { fleet } from '../fleet.ts'
import { runNode } from '../node.ts'
import { until } from '../until.ts'
import { entries } from './entries.ts'

/** A service that records and leaves the writing to others, so that entries stay in Redis until `consume`. */
async function recording(t: Parameters<typeof fleet>[0]) {
  const running = await fleet(t, 1, (settings) => ({
    ...settings,
    audit: { ...settings.audit, consumer: 'off' }
  }))
  const [{ app }] = running.instances
  let recorded = 0
  return {
    ...running,
    app,
    /** Records entries with numbers that go on from those before. */
    record(count: number) {
      for (let n = 0; n < count; n++) {
        app.audit.record(
          { action: 'client.read', resource: 'client', resourceId: `c-${recorded++}` },
          { caller: null, ip: '127.0.0.1', id: 'test-0001' }
        )
      }
    },
    consume() {
      const consumer = startAuditConsumer({
        redisUrl: running.engines.redis.url,
        pool: app.mysql.primary,
        log: app.log
      })
      t.teardown(() => consumer.close())
      return consumer
    },
    /** Waits for all that was recorded, and checks that each is there once. */
    async arrived() {
      const { url } = running.engines.mysql.primary
      await until('as many are in the table', async () => (await entries(url)).length >= recorded, 30_000)
      const found = (await entries(url)).map(({ resource_id }) => Number(resource_id?.slice(2)))
      t.strictSame(
        found.sort((a, b) => a - b),
        Array.from({ length: recorded }, (_, n) => n)
      )
    }
  }
}

t.test('Redis killed with entries that were not written, and back empty: all arrive once', async (t) => {
  const { engines, app, record, consume, arrived } = await recording(t)
  record(1_200)
  await app.audit.recorder.settled()
  t.match(app.audit.recorder.counters, { acknowledged: 1_200, spooled: 0, dropped: 0 })
  await engines.redis.kill()
  record(700)
  await app.audit.recorder.settled()
  t.ok(app.audit.recorder.counters.spooled >= 700, 'without Redis the disk acknowledges')
  await engines.redis.restart()
  record(300)
  consume()
  await arrived()
  t.equal(app.audit.recorder.counters.dropped, 0)
  await until('nothing is left on disk', () => app.audit.recorder.spool.bytes === 0)
})

t.test('a stream that is gone from a Redis that lives, evicted or flushed, is given again', async (t) => {
  const { engines, app, record, consume, arrived } = await recording(t)
  record(900)
  await app.audit.recorder.settled()
  const redis = new Redis(engines.redis.url)
  t.teardown(() => redis.disconnect())
  t.equal(await redis.xlen(streamKey), 900)
  await redis.flushall()
  consume()
  await arrived()
  await until('and trimmed once it is in the table', async () => (await redis.xlen(streamKey)) === 0)
})

t.test('Redis hung: requests are answered while it is, entries are safe on disk, and arrive', async (t) => {
  const { engines, instances, app, record, consume } = await recording(t)
  const { url } = engines.mysql.primary
  const [instance] = instances
  const token = app.signToken({ id: known.admin.id, role: 'admin' }, 60)
  engines.redis.hang()
  record(500)
  await app.audit.recorder.settled()
  const audited = await instance.send('/api/audit', { headers: { authorization: `Bearer ${token}` } })
  t.equal(audited.status, 200, 'answered, and recorded, while Redis is still hung')
  t.ok(app.audit.recorder.counters.spooled >= 500)
  engines.redis.resume()
  consume()
  await until('all arrive, the request’s own entry too', async () => (await entries(url)).length === 501)
  t.equal((await entries(url)).filter(({ action }) => action === 'audit.read').length, 1)
})

t.test('a process killed while it records: all that it knew to be acknowledged arrives', async (t) => {
  const { engines, app, consume } = await recording(t)
  const child = runNode(t, 'fixtures/audit-recorder.ts', {
    PATH: process.env.PATH,
    REDIS_URL: engines.redis.url,
    SPOOL: `${engines.settings.audit.spoolDirectory}/killed`
  })
  await child.found(/((?:\S+\n){300})/)
  child.kill('SIGKILL')
  const said = (await child.ended).out.split('\n').filter((line) => line.length === 36)
  const consumer = consume()
  await until('the stream is written', () => consumer.counters.written >= said.length)
  const found = new Set((await entries(engines.mysql.primary.url)).map(({ id }) => id))
  t.strictSame(
    said.filter((id) => !found.has(id)),
    []
  )
  t.equal(app.audit.recorder.counters.dropped, 0)
})

t.test('a consumer killed with entries that MySQL would not take: another writes them', async (t) => {
  const { engines, app, record, consume, arrived } = await recording(t)
  const { primary } = engines.mysql
  record(300)
  await app.audit.recorder.settled()
  await primary.kill()
  const child = runNode(t, '../check/audit/consumer.ts', {
    PATH: process.env.PATH,
    REDIS_URL: engines.redis.url,
    MYSQL_PRIMARY_URL: primary.url
  })
  // It says so each time that it could not write.
  await until('it has tried', () => child.said.err.includes('could not be written'), 30_000)
  child.kill('SIGKILL')
  await child.ended
  await primary.restart()
  consume()
  await arrived()
})
