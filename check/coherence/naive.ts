// The design of most tutorials, to show that the checker finds what is wrong with it: cache-aside with DEL after
// commit, a published message that drops L1 entries, fills from any replica, and TTLs.
import { drizzle } from 'drizzle-orm/mysql2'
import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { Pool } from '../../db/pool.ts'
import { Replicas } from '../../db/replicas.ts'
import type { Database } from '../../src/cache/view.ts'
import type { Design, Points } from './design.ts'
import type { Beginning } from './messages.ts'
import { loadItems, loadList, raise, sourceOf, type Value } from './rows.ts'

const l1TtlMs = 30_000
const redisTtlMs = 300_000
const channel = 'naive:dropped'

export async function openNaive(beginning: Beginning, points: Points): Promise<Design> {
  const { rows, primaryUrl, replicaUrls, redisUrl } = beginning
  const limits = { connections: 10, connectTimeoutMs: 1_000, workTimeoutMs: 2_000 }
  const writes = new Pool({ url: primaryUrl, purpose: 'write', ...limits })
  const replicas = new Replicas({ urls: replicaUrls, maxLagMs: 5_000, ...limits })
  await replicas.start()
  const commands = connect(redisUrl)
  const subscriber = connect(redisUrl)
  const l1 = new LRUCache<number, Value>({ max: 50_000, ttl: l1TtlMs })
  subscriber.on('ready', () => void subscriber.subscribe(channel).catch(() => {}))
  subscriber.on('message', (_channel: string, key: string) => l1.delete(Number(key)))
  // Redis may be away just now: it is tried again.
  await Promise.allSettled([commands.connect(), subscriber.connect()])

  const nameOf = (key: number) => `naive:${rows.firstId + key}`

  async function load(database: Database, key: number): Promise<Value> {
    await points.loading()
    const value =
      key < rows.items
        ? (await loadItems(database, rows, [key]))[0]
        : await loadList(database, rows, key, points.loading)
    await points.loading()
    if (!value) throw new Error('an item under check is missing')
    return value
  }

  return {
    hit(key) {
      const value = l1.get(sourceOf(rows, key))
      return value && { ...value, layer: 'l1' }
    },
    async read(key) {
      const source = sourceOf(rows, key)
      const stored = await commands.get(nameOf(source)).catch(() => null)
      if (stored !== null) {
        await points.answered()
        const value: Value = JSON.parse(stored)
        l1.set(source, value)
        return { ...value, layer: 'redis' }
      }
      const replica = replicas.choose()
      const pool = replica?.pool ?? writes
      const value = await pool.use((connection) => load(drizzle({ client: connection }), source))
      await commands.set(nameOf(source), JSON.stringify(value), 'PX', redisTtlMs).catch(() => {})
      l1.set(source, value)
      return { ...value, layer: replica ? 'replica' : 'primary' }
    },
    async write(item) {
      const raised = await writes.use(async (connection) => {
        await connection.query('START TRANSACTION')
        const result = await raise(drizzle({ client: connection }), rows, item)
        await connection.query('COMMIT')
        return result
      })
      await points.committed(raised)
      for (const key of [raised.item, raised.list]) {
        l1.delete(key)
        await commands.del(nameOf(key)).catch(() => {})
        await commands.publish(channel, String(key)).catch(() => {})
      }
      return { ...raised, token: '' }
    }
  }
}

function connect(url: string): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    connectTimeout: 300,
    commandTimeout: 500,
    retryStrategy: () => 50
  })
  redis.on('error', () => {})
  return redis
}
