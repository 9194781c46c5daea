// Two instances of the real cache over one fake Redis, a fake primary and a fake replica, in a time of their own. What
// happens is said by the test; when each request arrives and each reply comes back, by the scheduler.
import { sql } from 'drizzle-orm'
import type { Scheduler } from 'fast-check'
import type { Cache, Written } from '../../../src/cache/cache.ts'
import { Content } from '../../../src/cache/content.ts'
import type { ViewCounters } from '../../../src/cache/events.ts'
import type { Link } from '../../../src/cache/link.ts'
import { slotsOf } from '../../../src/cache/slot.ts'
import type { CacheView, Database } from '../../../src/cache/view.ts'
import { Clock, settled } from './clock.ts'
import type { MakeLayers } from './mutant.ts'
import { FakeMysql, FakePool, FakeReplicas, versionOf } from './mysql.ts'
import { FakeConnection, FakeRedis, isRedis } from './redis.ts'

const names = ['A', 'B'] as const

/** What somebody does at one of the instances. */
export const doings = [
  'read',
  'read with token',
  'look for the newest',
  'look for one’s own',
  'guess',
  'write',
  'write and keep',
  'is cut off',
  'hangs',
  'goes on'
] as const
/** What happens to the engines they share. */
export const events = [
  'a writer crashes after COMMIT',
  'the replica catches up',
  'Redis forgets what is known',
  'Redis forgets everything',
  'Redis evicts the value',
  'Redis is dumped',
  'Redis fails over',
  'Redis refuses changes',
  'Redis accepts changes'
] as const

const forgotten = {
  'Redis forgets what is known': /known$/,
  'Redis forgets everything': /./,
  'Redis evicts the value': /:v:/
}

type Doing = (typeof doings)[number]
type Event = (typeof events)[number]
/** `pass`: ms in which messages stay where they are; `rest`: ms in which everybody answers at once. */
export type Happening = { do: Doing; at: 0 | 1 } | { event: Event } | { pass: number } | { rest: number }

/** An instance serves from L1 for this long after what Redis said last, ms (`proofMs` of src/cache/link.ts). */
const proofMs = 50
/** In this time, with answers at once, whatever is still under way ends, ms. */
const quietMs = 450

/** Of a counter-example that is too long to be read. */
const lastSteps = 60

const tag = 'counter:1'
const [slot = 0] = slotsOf([tag])

const counterView: CacheView<null> = {
  name: 'counter',
  revision: '1',
  tags: () => [tag],
  load: async (database) => {
    const [rows] = await database.execute(sql`SELECT value FROM counters WHERE id = 1`)
    return Content.of(JSON.stringify(rows), 'tag')
  },
  ttlMs: 600_000,
  absentTtlMs: 600_000,
  staleBudgetMs: 0,
  staleIfErrorMs: 0
}

type Thing = { value: number }

/** There is a thing for each value that the counter has reached. `everyKey`: somebody guesses which. */
const thingView: CacheView<Thing> = {
  ...counterView,
  name: 'thing',
  // What nobody will ever reach has slots of its own: it raises no floor of the things that will be.
  tags: ({ value }) => [value < firstGuess ? tag : `guess:${value}`],
  load: async (database, { value }) => contentOf(value, await reachedIn(database)),
  loadMany: async (database, asked) => {
    const reached = await reachedIn(database)
    return asked.map(({ value }) => contentOf(value, reached))
  },
  everyKey: async function* (database) {
    const reached = await reachedIn(database)
    yield Array.from({ length: reached }, (_, i) => String(i + 1))
  }
}
const firstGuess = 1_000_000
/** So many at once: what one of them has begun spares the next. */
const guesses = 3

async function reachedIn(database: Database): Promise<number> {
  const { text } = await counterView.load(database, null)
  return valueIn(text)
}

function contentOf(value: number, reached: number): Content {
  return value <= reached ? Content.of('there', 'tag') : Content.absence()
}

function valueIn(text: string): number {
  return Number(/\d+/.exec(text)?.[0])
}

type Instance = {
  name: string
  cache: Cache
  link: Link
  connection: FakeConnection
  seen: number
  own: number
}

export class World {
  /** What happened, in order: the counter-example. */
  readonly log: string[] = []
  #scheduler: Scheduler
  #clock = new Clock()
  #redis = new FakeRedis()
  #mysql = new FakeMysql([slot])
  #instances: Instance[]
  #restore = () => {}
  #underWay = new Set<Promise<void>>()
  #token: Written<void>['stamp'] | undefined
  #tokenValue = 0
  #nextGuess = firstGuess
  /** When each value was first announced by Redis, virtual ms. */
  #told = new Map<number, number>()
  #broken: string | null = null

  constructor(scheduler: Scheduler, makeLayers: MakeLayers) {
    this.#scheduler = scheduler
    this.#clock.install()
    this.#instances = names.map((name) => this.#instance(name, makeLayers))
    this.#listen()
  }

  /** Lets all of it happen, in order, with everything else in between in whatever order the scheduler likes. */
  async live(happenings: readonly Happening[]): Promise<void> {
    for (const { link } of this.#instances) await link.start(0)
    for (const happening of happenings) {
      let due = false
      void this.#point(JSON.stringify(happening)).then(() => {
        due = true
      })
      while (!due) await this.#step()
      await this.#happen(happening)
      await settled()
      if (this.#broken) return
    }
    for (const { connection } of this.#instances) connection.goOn()
    await this.#pass(quietMs)
    if (this.#underWay.size > 0) this.#break('a read or a write never ended')
    // Nothing sticks: when all is quiet, everybody is told the newest.
    for (const instance of this.#instances) this.#read(instance, this.#mysql.primary.value)
    await this.#pass(0)
    if (this.#underWay.size > 0) await this.#pass(quietMs)
  }

  /** @throws Error that names the promise which was broken */
  check(): void {
    if (this.#broken) throw new Error([this.#broken, ...this.log.slice(-lastSteps)].join('\n'))
  }

  /** What the instances have counted, together. */
  counted(): ViewCounters {
    const [first, ...others] = this.#instances.flatMap(({ cache }) =>
      [counterView.name, thingView.name].map((name) => cache.counters.of(name))
    )
    if (!first) throw new Error('there are instances')
    return others.reduce(sum, first)
  }

  end(): void {
    for (const { link } of this.#instances) link.close()
    this.#clock.restore()
  }

  #instance(name: string, makeLayers: MakeLayers): Instance {
    const point = (what: string) => this.#point(what)
    const connection = new FakeConnection(this.#redis, name, point)
    const redis: object = connection
    if (!isRedis(redis)) throw new Error('the fake lacks a command')
    const pool = (server: 'primary' | 'replica', purpose: 'read' | 'write') =>
      new FakePool(this.#mysql, server, purpose, name, point)
    const { cache, link } = makeLayers({
      redis,
      primary: pool('primary', 'write'),
      primaryReads: pool('primary', 'read'),
      replicas: new FakeReplicas(pool('replica', 'read')),
      l1Bytes: 1_000_000
    })
    if (!link) throw new Error('there is a Redis, so there is a link')
    return { name, cache, link, connection, seen: 0, own: 0 }
  }

  #listen(): void {
    const publish = this.#redis.publish.bind(this.#redis)
    this.#redis.publish = (channel, message) => {
      for (const pair of message.split(',')) {
        const [told, version] = pair.split(':').map(Number)
        const known = told !== slot || version === undefined || this.#told.has(version)
        if (!known) this.#told.set(version, this.#clock.now)
      }
      publish(channel, message)
    }
  }

  async #point(what: string): Promise<void> {
    await this.#scheduler.schedule(Promise.resolve(), what)
    this.#say(what)
  }

  #say(what: string): void {
    this.log.push(`${String(Math.round(this.#clock.now)).padStart(6)}  ${what}`)
  }

  #break(what: string): void {
    this.#say(`→ ${what}`)
    this.#broken ??= what
  }

  async #step(): Promise<void> {
    if (this.#scheduler.count() > 0) await this.#scheduler.waitNext(1)
    await settled()
  }

  async #calm(): Promise<void> {
    await settled()
    while (this.#scheduler.count() > 0) await this.#step()
  }

  // Time in which everybody answers at once.
  async #pass(ms: number): Promise<void> {
    const end = this.#clock.now + ms
    await this.#calm()
    while (this.#clock.now < end && !this.#broken) {
      await this.#clock.pass(10)
      await this.#calm()
    }
  }

  async #happen(happening: Happening): Promise<void> {
    if ('pass' in happening) return this.#clock.pass(happening.pass)
    if ('rest' in happening) return this.#pass(happening.rest)
    if ('event' in happening) return this.#event(happening.event)
    const instance = this.#instances[happening.at]
    if (!instance) return
    if (happening.do === 'read') this.#read(instance, 0)
    else if (happening.do === 'read with token') this.#read(instance, this.#tokenValue, this.#token)
    else if (happening.do === 'look for the newest') this.#look(instance, 0)
    else if (happening.do === 'look for one’s own') this.#look(instance, this.#tokenValue, this.#token)
    else if (happening.do === 'guess') this.#guess(instance)
    else if (happening.do === 'write') this.#write(instance, false)
    else if (happening.do === 'write and keep') this.#write(instance, true)
    else if (happening.do === 'hangs') instance.connection.hang()
    else if (happening.do === 'goes on') instance.connection.goOn()
    else instance.connection.cut()
  }

  #event(event: Event): void {
    if (event === 'a writer crashes after COMMIT') this.#crash()
    else if (event === 'the replica catches up') this.#mysql.replicate()
    else if (event === 'Redis is dumped') this.#restore = this.#redis.dump()
    else if (event === 'Redis fails over') this.#failOver()
    else if (event === 'Redis refuses changes') this.#redis.refuses = true
    else if (event === 'Redis accepts changes') this.#redis.refuses = false
    else this.#redis.forget(forgotten[event])
  }

  // To another, or to itself from an old dump: what it holds then was true once.
  #failOver(): void {
    const last = this.#redis.replicationId.charCodeAt(0)
    this.#redis.replicationId = String.fromCharCode(last + 1).repeat(40)
    this.#redis.refuses = false
    this.#restore()
    for (const { connection } of this.#instances) connection.cut()
  }

  // Its writer dies between COMMIT and telling.
  #crash(): void {
    this.#watch(async () => {
      const unlock = await this.#mysql.locked()
      const { versions, value } = this.#mysql.primary
      const version = versionOf(this.#mysql.primary, slot) + 1
      this.#mysql.commit({ versions: new Map(versions).set(slot, version), value: value + 1 })
      this.#mysql.untold.add(slot)
      unlock()
    })
  }

  #write(instance: Instance, keeps: boolean): void {
    this.#watch(async () => {
      const { stamp } = await instance.cache.write(async ({ database, touch, keep }) => {
        await database.execute(sql`UPDATE counters SET value = value + 1 WHERE id = 1`)
        touch(tag)
        // Under the lock of its row: what is read now is what will be committed.
        if (keeps) keep(counterView, '1', null, await counterView.load(database, null))
      })
      // Value and version rise together, so a version says which value.
      const [written = 0] = stamp.versions
      this.#say(`${instance.name} has written ${written}`)
      instance.own = Math.max(instance.own, written)
      if (written > this.#tokenValue) {
        this.#token = stamp
        this.#tokenValue = written
      }
    })
  }

  /** @param least what this reader must be told in any case */
  #read(instance: Instance, least: number, token?: Written<void>['stamp']): void {
    const beganAt = this.#clock.now
    const due = this.#due(instance, least)
    this.#watch(async () => {
      const hit = token ? undefined : instance.cache.hit(counterView, '1', null)
      const { content, layer } = hit ?? (await instance.cache.read(counterView, '1', null, token))
      const value = valueIn(content.text)
      this.#say(`${instance.name} answers ${value} from ${layer} to a reader of ${Math.round(beganAt)}`)
      if (!(value >= due)) this.#break(`${instance.name} told ${value} where ${due} was due`)
      instance.seen = Math.max(instance.seen, value)
    })
  }

  /** Of the newest that this reader must be told of, as of a thing that is there. */
  #look(instance: Instance, least: number, token?: Written<void>['stamp']): void {
    const value = Math.max(1, this.#due(instance, least))
    this.#watch(async () => {
      if (!(await this.#isThere(instance, value, token))) {
        this.#break(`${instance.name} denied ${value}, which is there`)
      }
    })
  }

  #guess(instance: Instance): void {
    for (let i = 0; i < guesses; i++) {
      const value = this.#nextGuess++
      this.#watch(async () => {
        if (await this.#isThere(instance, value)) this.#break(`${instance.name} has found what nobody made`)
      })
    }
  }

  async #isThere({ name, cache }: Instance, value: number, token?: Written<void>['stamp']): Promise<boolean> {
    const [key, asked] = [String(value), { value }]
    const hit = token ? undefined : cache.hit(thingView, key, asked)
    const { content, layer } = hit ?? (await cache.read(thingView, key, asked, token))
    this.#say(`${name} answers that ${value} is ${content.absent ? 'absent' : 'there'} from ${layer}`)
    return !content.absent
  }

  #due({ seen, own }: Instance, least: number): number {
    const heard = this.#clock.now - proofMs
    const told = [...this.#told].filter(([, at]) => at < heard).map(([version]) => version)
    return Math.max(least, seen, own, ...told)
  }

  #watch(work: () => Promise<void>): void {
    const going = work()
      .catch((error: unknown) => this.#break(`failed: ${error instanceof Error ? error.stack : error}`))
      .finally(() => this.#underWay.delete(going))
    this.#underWay.add(going)
  }
}

/** Counter by counter. */
export function sum(a: ViewCounters, b: ViewCounters): ViewCounters {
  const total = { ...a }
  for (const name of counterNames) total[name] += b[name]
  return total
}

const counterNames = [
  'l1',
  'redis',
  'replica',
  'primary',
  'coalesced',
  'leaseWaits',
  'laggingReplicas',
  'refusedFills',
  'revalidated',
  'denied',
  'censuses'
] as const
