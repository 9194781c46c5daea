// The service that is overloaded: the real cache, pools, limits and error handling of Turno over real engines, with
// routes whose work takes a known time in the database and no processor of this machine. So what it can do at a time is
// known, and the load that is sent from the same machine takes nothing of it. It says its URL when it serves.
import { sql } from 'drizzle-orm'
import Fastify from 'fastify'
import { Type } from 'typebox'
import cache from '../../plugins/cache.ts'
import errors from '../../plugins/errors.ts'
import health from '../../plugins/health.ts'
import loadShedding from '../../plugins/load-shedding.ts'
import mysql from '../../plugins/mysql.ts'
import overload from '../../plugins/overload.ts'
import redis from '../../plugins/redis.ts'
import telemetry from '../../plugins/telemetry.ts'
import { readSettings } from '../../src/config.ts'
import { serve } from '../../src/http/serve.ts'
import { serverOptions } from '../../src/http/server-options.ts'
import { type ViewDeclaration, view } from '../../src/http/view.ts'
import { paths, workMs } from './work.ts'

const settings = readSettings(process.env)
const app = Fastify(serverOptions(settings))
app.decorate('settings', settings)
await app.register(telemetry)
await app.register(errors)
await app.register(loadShedding, { delayMs: 300 })
await app.register(health)
await app.register(mysql)
await app.register(redis)
if (process.argv[2] !== 'without') await app.register(overload)
await app.register(cache)

type Asked = { n: string }
const Answer = Type.Object({ n: Type.String() })
const common = (name: string, ms: number): ViewDeclaration<Asked, Asked> => ({
  name,
  schema: Answer,
  key: ({ n }) => n,
  tags: () => [name],
  groups: () => [name],
  load: async (database, asked) => {
    await database.execute(sql`SELECT SLEEP(${ms / 1_000})`)
    return asked
  },
  ttlMs: 60_000,
  absentTtlMs: 1_000,
  staleBudgetMs: 0,
  staleIfErrorMs: 0,
  browser: 'no-cache',
  edge: null
})
const items = view(common('item', workMs.item))
const lists = view({ ...common('list', workMs.list), next: () => null })
const Parameters = Type.Object({ n: Type.String({ maxLength: 20 }) })

app.get<{ Params: Asked }>(`${paths.item}/:n`, { schema: { params: Parameters } }, (request, reply) =>
  serve(request, reply, items, request.params)
)
app.get<{ Params: Asked }>(`${paths.list}/:n`, { schema: { params: Parameters } }, (request, reply) =>
  serve(request, reply, lists, request.params)
)
app.post(paths.write, async () => {
  await app.cache.write(async ({ database }) => {
    await database.execute(sql`SELECT SLEEP(${workMs.write / 1_000})`)
  })
  return { done: true }
})

const url = await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`serving on ${url}\n`)
process.once('SIGTERM', () => void app.close())
