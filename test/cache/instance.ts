// One instance's cache over real engines, without HTTP: tables and views of the tests' own.
import { sql } from 'drizzle-orm'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { Pool } from '../../db/pool.ts'
import { Replicas } from '../../db/replicas.ts'
import { redisOptions } from '../../plugins/redis.ts'
import type { Answer, Cache, Written } from '../../src/cache/cache.ts'
import { Content } from '../../src/cache/content.ts'
import { layers } from '../../src/cache/layers.ts'
import type { Link } from '../../src/cache/link.ts'
import type { CacheView, Database } from '../../src/cache/view.ts'
import type { Settings } from '../../src/config.ts'

export type Instance = {
  cache: Cache
  link: Link | null
  replicas: Replicas
  primary: Pool
  redis: Redis | null
}

/** Started and trusted; ends with the test. */
export async function instance(
  t: Pick<Test, 'teardown'>,
  { mysql, redis: { url }, cache: { l1Bytes } }: Settings,
  change: { l1Bytes?: number; withoutRedis?: boolean } = {}
): Promise<Instance> {
  const limits = { connectTimeoutMs: mysql.connectTimeoutMs, workTimeoutMs: mysql.queryTimeoutMs }
  const primary = new Pool({ url: mysql.primaryUrl, purpose: 'write', connections: 10, ...limits })
  const primaryReads = new Pool({ url: mysql.primaryUrl, purpose: 'read', connections: 4, ...limits })
  const replicas = new Replicas({
    urls: mysql.replicaUrls,
    connections: 10,
    maxLagMs: mysql.maxLagMs,
    ...limits
  })
  const redis = url === null || change.withoutRedis ? null : new Redis(url, redisOptions(50))
  redis?.on('error', () => {})
  const { cache, link } = layers({
    redis,
    primary,
    primaryReads,
    replicas,
    l1Bytes: change.l1Bytes ?? l1Bytes
  })
  t.teardown(async () => {
    link?.close()
    await Promise.all([primary.close(), primaryReads.close(), replicas.close()])
  })
  await replicas.start()
  await link?.start(2_000)
  return { cache, link, replicas, primary, redis }
}

/** A counter per id, in a table of its own: what was read is a number that only grows. */
export const counters = {
  async create({ primary }: Instance): Promise<void> {
    await primary.query('CREATE TABLE counters (id INT PRIMARY KEY, value INT NOT NULL) ENGINE=InnoDB')
  },
  raise({ cache }: Instance, id: number): Promise<Written<void>> {
    return cache.write(async ({ database, touch }) => {
      await database.execute(
        sql`INSERT INTO counters (id, value) VALUES (${id}, 1) ON DUPLICATE KEY UPDATE value = value + 1`
      )
      touch(`counter:${id}`)
    })
  }
}

export type Counter = { id: number }

export const counterView: CacheView<Counter> = {
  name: 'counter',
  revision: 'test',
  tags: ({ id }) => [`counter:${id}`],
  load: async (database, { id }) => contentOf((await valuesOf(database, [id])).get(id)),
  loadMany: async (database, asked) => {
    const values = await valuesOf(
      database,
      asked.map(({ id }) => id)
    )
    return asked.map(({ id }) => contentOf(values.get(id)))
  },
  ttlMs: 300_000,
  absentTtlMs: 30_000,
  staleBudgetMs: 0,
  staleIfErrorMs: 60_000
}

/** The same, and it can say which there are. */
export const countedView: CacheView<Counter> = {
  ...counterView,
  name: 'counted',
  everyKey: async function* (database) {
    const [rows] = await database.execute(sql`SELECT id FROM counters`)
    const ids: { id: number }[] = Array.isArray(rows) ? JSON.parse(JSON.stringify(rows)) : []
    yield ids.map(({ id }) => String(id))
  }
}

async function valuesOf(database: Database, ids: readonly number[]): Promise<Map<number, number>> {
  const [rows] = await database.execute(sql`SELECT id, value FROM counters WHERE id IN ${[...ids]}`)
  const found: { id: number; value: number }[] = Array.isArray(rows) ? JSON.parse(JSON.stringify(rows)) : []
  return new Map(found.map(({ id, value }) => [id, value]))
}

function contentOf(value: number | undefined): Content {
  return value === undefined ? Content.absence() : Content.of(String(value), `v${value}`)
}

/** As src/http/serve.ts asks: the hit first, then the layers. */
export async function ask(
  { cache }: Instance,
  id: number,
  { view = counterView, written }: { view?: CacheView<Counter>; written?: Written<unknown>['stamp'] } = {}
): Promise<Answer> {
  const hit = written ? undefined : cache.hit(view, String(id), { id })
  return hit ?? cache.read(view, String(id), { id }, written)
}

export const told = ({ content }: Answer): number | null => (content.absent ? null : Number(content.text))
