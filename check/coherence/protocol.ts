// The design that Turno uses: the service's own plugins over its own settings, without the routes, and three views
// over the rows under check.
import Fastify from 'fastify'
import cachePlugin from '../../plugins/cache.ts'
import health from '../../plugins/health.ts'
import mysql from '../../plugins/mysql.ts'
import redis from '../../plugins/redis.ts'
import type { Answer } from '../../src/cache/cache.ts'
import { Content } from '../../src/cache/content.ts'
import type { CacheView } from '../../src/cache/view.ts'
import { readSettings } from '../../src/config.ts'
import type { Design, Points, Reading } from './design.ts'
import type { Beginning } from './messages.ts'
import { boardBudgetMs, isBoard, listOf, loadItems, loadList, raise, tagOf, type Value } from './rows.ts'

/** Connects and resolves once it may serve. */
export async function openProtocol(beginning: Beginning, points: Points): Promise<Design> {
  const { rows, secret, primaryUrl, replicaUrls, redisUrl } = beginning
  const settings = readSettings({
    NODE_ENV: 'test',
    MYSQL_PRIMARY_URL: primaryUrl,
    MYSQL_REPLICA_URLS: replicaUrls.join(','),
    REDIS_URL: redisUrl,
    JWT_SECRET: secret,
    // So little that of the rows under check nearly all lie on the shelf, packed, and go there and back all the time.
    CACHE_L1_BYTES: String(2 ** 18)
  })
  const app = Fastify()
  app.decorate('settings', settings)
  await app.register(health).register(mysql).register(redis).register(cachePlugin)
  await app.ready()
  const { cache, consistency } = app

  const common = {
    revision: '1',
    tags: (key: number) => [tagOf(rows, key)],
    ttlMs: 300_000,
    absentTtlMs: 1_000,
    staleBudgetMs: 0,
    staleIfErrorMs: 0
  }
  const loadMany = async (...[database, keys]: Parameters<NonNullable<CacheView<number>['loadMany']>>) => {
    await points.loading()
    const values = await loadItems(database, rows, keys)
    await points.loading()
    return values.map(contentOf)
  }
  const load: CacheView<number>['load'] = async (database, key) => {
    await points.loading()
    const value = await loadList(database, rows, key, points.loading)
    await points.loading()
    return contentOf(value)
  }
  const loadOne: CacheView<number>['load'] = async (database, key) => {
    const [content] = await loadMany(database, [key])
    return content ?? Content.absence()
  }
  const items: CacheView<number> = { ...common, name: 'check-item', load: loadOne, loadMany }
  const lists: CacheView<number> = { ...common, name: 'check-list', load }
  const boards: CacheView<number> = { ...lists, name: 'check-board', staleBudgetMs: boardBudgetMs }
  const viewOf = (key: number) => (key < rows.items ? items : isBoard(rows, key) ? boards : lists)

  return {
    hit(key) {
      const answer = cache.hit(viewOf(key), String(key), key)
      return answer && readingOf(answer)
    },
    async read(key, token) {
      return readingOf(await cache.read(viewOf(key), String(key), key, consistency.read(token)))
    },
    async write(item) {
      const { result, stamp } = await cache.write(async ({ database, touch, keep }) => {
        const raised = await raise(database, rows, item)
        touch(tagOf(rows, item), tagOf(rows, listOf(rows, item)))
        // Every other change is kept by who made it, as the service keeps a changed profile.
        const { itemValue: counter } = raised
        if (counter % 2 === 0) keep(items, String(item), item, contentOf({ counter, torn: false }))
        return raised
      })
      return { ...result, token: consistency.of(stamp) }
    }
  }
}

function contentOf(value: Value): Content {
  return Content.of(JSON.stringify(value), String(value.counter))
}

// The same bytes are read many thousand times: a reader that parsed them each time would measure itself.
const known = new WeakMap<Content, Value>()

function readingOf({ content, layer }: Answer): Reading {
  const value = known.get(content) ?? parse(content)
  return { ...value, layer }
}

function parse(content: Content): Value {
  if (content.absent) throw new Error('a row under check is said not to exist')
  const value: Value = JSON.parse(content.text)
  known.set(content, value)
  return value
}
