// The fake Redis does what the real one does with the real scripts, whatever they are asked: so it cannot drift.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import t from 'tap'
import { startProcess } from '../../../db/stack/process.ts'
import { redisProgram, redisUrl } from '../../../db/stack/redis.ts'
import { scripts } from '../../../src/cache/scripts.ts'
import { type Argument, FakeRedis } from './redis.ts'

const longMs = 1_000_000
const names = { known: 'known', values: ['v:0', 'v:1'], leases: ['l:0', 'l:1'], bus: 'bus' }

const slotLists = fc.constantFrom<string[]>(['7'], ['8'], ['7', '8'])
const version = fc.integer({ min: 1, max: 4 })
const token = fc.constantFrom('x', 'yy')
const view = fc.constantFrom<0 | 1>(0, 1)

type Command =
  | { does: 'read'; view: 0 | 1; slots: string[]; floors: number[]; token: string; ending: boolean }
  | { does: 'tell'; slots: string[]; versions: number[]; makes: (0 | 1)[] }
  | {
      does: 'put'
      view: 0 | 1
      slots: string[]
      versions: number[]
      asked: number[]
      token: string
      blind: boolean
    }
  | { does: 'forget'; key: string }

const versions = fc.tuple(version, version).map((pair): number[] => pair)
const asked = fc.oneof(versions, fc.constant<number[]>([0, 0]))
const keys = fc.constantFrom(names.known, ...names.values, ...names.leases)
const reads = fc.record({ view, slots: slotLists, floors: versions, token, ending: fc.boolean() })
const tells = fc.record({ slots: slotLists, versions, makes: fc.uniqueArray(view) })
const puts = fc.record({ view, slots: slotLists, versions, asked, token, blind: fc.boolean() })
const command = fc.oneof(
  reads.map((read): Command => ({ does: 'read', ...read })),
  tells.map((tell): Command => ({ does: 'tell', ...tell })),
  puts.map((put): Command => ({ does: 'put', ...put })),
  keys.map((key): Command => ({ does: 'forget', key }))
)

/** Whoever runs commands: the real one or the fake. */
type Server = {
  run(command: 'cacheRead' | 'cacheTell' | 'cachePut', args: Argument[]): Promise<unknown>
  forget(key: string): Promise<unknown>
}

/** Every reply, in order. Whoever puts says what the last read of the same view said, or makes something up. */
async function replies(server: Server, commands: readonly Command[]): Promise<unknown[]> {
  const seen: unknown[] = []
  const states: string[][] = [[], []]
  for (const asked of commands) {
    if (asked.does === 'forget') {
      await server.forget(asked.key)
      continue
    }
    const { slots } = asked
    const some = (numbers: readonly number[]) => numbers.slice(0, slots.length)
    if (asked.does === 'tell') {
      const pairs = slots.flatMap((slot, i) => [slot, asked.versions[i] ?? 0])
      const keys = [names.known, ...asked.makes.map((made) => names.values[made] ?? '')]
      const values = asked.makes.flatMap((made) => [
        slots.length,
        longMs,
        'tag',
        `body ${made}`,
        ...slots,
        ...some(asked.versions)
      ])
      seen.push(
        await server.run('cacheTell', [keys.length, ...keys, names.bus, slots.length, ...pairs, ...values])
      )
      continue
    }
    const keys = [names.known, names.values[asked.view] ?? '', names.leases[asked.view] ?? '']
    if (asked.does === 'read') {
      const earlyMs = asked.ending ? 10 * longMs : 0
      const head = [slots.length, longMs, asked.token, earlyMs]
      const reply = texts(await server.run('cacheRead', [...keys, ...head, ...slots, ...some(asked.floors)]))
      seen.push(reply)
      states[asked.view] = String(reply[0] === 3 ? reply[4] : reply[1]).split(',')
    } else {
      const state = slots.map((_, i) => (asked.blind ? '?made up' : (states[asked.view]?.[i] ?? '?')))
      const head = [names.bus, slots.length, longMs, asked.token, 'tag', 'body']
      const rest = [...slots, ...some(asked.versions), ...some(asked.asked), ...state]
      seen.push(await server.run('cachePut', [...keys, ...head, ...rest]))
    }
  }
  return seen
}

function texts(reply: unknown): unknown[] {
  return Array.isArray(reply) ? reply.map((part) => (Buffer.isBuffer(part) ? String(part) : part)) : [reply]
}

t.test('the fake answers, keeps and announces what the real one does', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'turno-redis-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const password = 'test'
  const program = await redisProgram({
    directory,
    logFile: join(directory, 'log'),
    password,
    whenOrphaned: 'SIGKILL'
  })
  const engine = await startProcess(program)
  t.teardown(() => engine.stop())
  const redis = new Redis(redisUrl(engine.port, password), { scripts })
  const subscriber = new Redis(redisUrl(engine.port, password))
  t.teardown(() => {
    redis.disconnect()
    subscriber.disconnect()
  })
  await subscriber.subscribe(names.bus)
  const heard: string[] = []
  subscriber.on('message', (_channel: string, message: string) => heard.push(message))

  const real: Server = {
    run: (name, args) =>
      name === 'cacheRead'
        ? redis.cacheReadBuffer(...args)
        : name === 'cacheTell'
          ? redis.cacheTell(...args)
          : redis.cachePut(...args),
    forget: (key) => redis.del(key)
  }

  const alike = fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 30 }), async (commands) => {
    await redis.flushall()
    heard.length = 0
    const fake = new FakeRedis()
    const announced: string[] = []
    const said = await replies(
      {
        run: async (name, args) => fake.run(name, args, (_channel, message) => announced.push(message)),
        forget: async (key) => fake.forget(new RegExp(`^${key}$`))
      },
      commands
    )
    const truth = await replies(real, commands)
    // Announcements come in order, so the end has come after all of them.
    await redis.publish(names.bus, 'end')
    while (heard.at(-1) !== 'end') await once(subscriber, 'message', { signal: AbortSignal.timeout(5_000) })
    const kept: Record<string, unknown> = {}
    for (const key of await redis.keys('*')) {
      kept[key] =
        (await redis.type(key)) === 'hash' ? { ...(await redis.hgetall(key)) } : await redis.get(key)
    }
    const [fakes, reals] = [
      { said, announced, kept: fake.contents() },
      { said: truth, announced: heard.slice(0, -1), kept }
    ].map((all) => JSON.stringify(all, sorted))
    if (fakes !== reals) throw new Error(`the fake:\n${fakes}\nthe real one:\n${reals}`)
  })
  const { failed, errorInstance, counterexample } = await fc.check(alike, { numRuns: 200, seed: 1 })
  t.notOk(failed, `${JSON.stringify(counterexample)}\n${errorInstance}`)
})

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
