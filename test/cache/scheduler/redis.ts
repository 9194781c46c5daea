// Redis as the cache uses it, in memory: three scripts, written from what src/cache/scripts.ts says of them (and held
// to the real ones by redis.test.ts), and the few commands beside them. And connections to it that are as slow, and as
// easily lost, as a test wants.
import { EventEmitter } from 'node:events'
import { type Redis, ReplyError } from 'ioredis'

/** Resolves when the test says that this may happen now. */
export type Point = (what: string) => Promise<void>

export type Argument = string | number | Buffer
type Publish = (channel: string, message: string) => void
type Field = string | Buffer

const commandTimeoutMs = 50
const reconnectMs = 50

export class FakeRedis {
  /** What INFO says; a failover makes another. */
  replicationId = 'a'.repeat(40)
  /** Full, or a master that was demoted: answers, and changes nothing. */
  refuses = false
  readonly connections = new Set<FakeConnection>()
  #strings = new Map<string, string>()
  #hashes = new Map<string, Map<string, Field>>()
  #ends = new Map<string, number>()

  /** Runs one command. What it publishes is published before its reply is made. @throws ReplyError */
  run(command: string, args: readonly Argument[], publish: Publish): unknown {
    switch (command) {
      case 'ping':
        return 'PONG'
      case 'info':
        return `# Replication\r\nrole:master\r\nmaster_replid:${this.replicationId}\r\n`
      case 'set':
        return this.#set(args.map(String))
      case 'unlink':
        return Number(this.#delete(String(args[0])))
      case 'cacheRead':
        return this.#read(args)
      case 'cacheTell':
        return this.#tell(args.slice(1), publish, Number(args[0]))
      case 'cachePut':
        return this.#put(args, publish)
      default:
        throw new ReplyError(`ERR unknown command '${command}'`)
    }
  }

  publish(channel: string, message: string): void {
    for (const connection of this.connections) connection.announce(channel, message)
  }

  /** Takes away what matches; a slot's known version, a value, a lease. */
  forget(matches: RegExp): void {
    for (const key of [...this.#strings.keys(), ...this.#hashes.keys()])
      if (matches.test(key)) this.#delete(key)
  }

  /** What a restart from a dump brings back: all that was there when the dump was made. */
  dump(): () => void {
    const [strings, ends] = [new Map(this.#strings), new Map(this.#ends)]
    const hashes = new Map([...this.#hashes].map(([key, fields]) => [key, new Map(fields)]))
    return () => {
      this.#strings = strings
      this.#ends = ends
      this.#hashes = hashes
    }
  }

  /** All that a client could see, for comparison. */
  contents(): Record<string, string | Record<string, string>> {
    const hashes = [...this.#hashes].map(([key, fields]) => {
      const texts = [...fields].map(([field, value]) => [field, String(value)])
      return [key, Object.fromEntries(texts)]
    })
    return Object.fromEntries([...this.#strings, ...hashes])
  }

  // SET key value [GET] [PX ms] [NX]
  #set([key = '', value = '', ...options]: string[]): string | null {
    this.#change()
    const former = this.#string(key)
    if (options.includes('NX') && former !== null) return null
    this.#strings.set(key, value)
    const px = options.indexOf('PX')
    this.#expire(key, px === -1 ? null : Number(options[px + 1]))
    return options.includes('GET') ? former : 'OK'
  }

  #read([
    knownKey = '',
    valueKey = '',
    leaseKey = '',
    count,
    leaseMs,
    token,
    earlyMs,
    ...rest
  ]: readonly Argument[]): unknown {
    const slots = rest.slice(0, Number(count)).map(String)
    const floors = rest.slice(Number(count)).map(Number)
    const known = this.#hash(String(knownKey))
    // The writes that follow are refused by a Redis that refuses; a hit writes nothing.
    for (const slot of slots) if (!known.has(slot)) this.#setField(String(knownKey), slot, `?${token}`)
    const states = slots.map((slot) => String(this.#hash(String(knownKey)).get(slot)))
    const state = states.join(',')
    const grant = () => this.#set([String(leaseKey), `${state}|${token}`, 'PX', String(leaseMs)])
    const value = this.#hash(String(valueKey))
    const versions = String(value.get('versions') ?? '')
      .split(',')
      .map(Number)
    const complete = states.every((known) => !known.startsWith('?'))
    const stands =
      complete &&
      versions.length === slots.length &&
      versions.every((version, i) => version >= Math.max(Number(states[i]), floors[i] ?? 0))
    if (value.size > 0 && stands) {
      const found = [value.get('versions'), value.get('tag'), value.get('body')].map((part) =>
        bytes(part ?? '')
      )
      const lasts = this.#life(String(valueKey)) > Number(earlyMs)
      if (lasts || this.#string(String(leaseKey)) !== null) return [1, ...found]
      grant()
      return [3, ...found, bytes(state)]
    }
    if (this.#string(String(leaseKey))?.startsWith(`${state}|`)) return [0, bytes(state)]
    grant()
    return [2, bytes(state)]
  }

  #tell(args: readonly Argument[], publish: Publish, keyCount: number): number {
    const [knownKey = '', ...valueKeys] = args.slice(0, keyCount).map(String)
    const [bus = '', pairCount, ...rest] = args.slice(keyCount)
    const pairs = rest.slice(0, 2 * Number(pairCount)).map(String)
    const risen: string[] = []
    for (let i = 0; i < pairs.length; i += 2)
      this.#raise(knownKey, pairs[i] ?? '', Number(pairs[i + 1]), risen)
    if (risen.length > 0) publish(String(bus), risen.join(','))
    let values = rest.slice(2 * Number(pairCount))
    for (const key of valueKeys) {
      const [count, ttlMs, tag = '', body = '', ...numbers] = values
      const slots = numbers.slice(0, Number(count)).map(String)
      const versions = numbers.slice(Number(count), 2 * Number(count)).map(String)
      const known = this.#hash(knownKey)
      if (slots.every((slot, i) => Number(known.get(slot)) === Number(versions[i])))
        this.#store(key, slots, versions, tag, body, Number(ttlMs))
      values = numbers.slice(2 * Number(count))
    }
    return risen.length
  }

  #put(args: readonly Argument[], publish: Publish): number {
    const [
      knownKey = '',
      valueKey = '',
      leaseKey = '',
      bus = '',
      count,
      ttlMs,
      token,
      tag = '',
      body = '',
      ...rest
    ] = args
    const part = (nth: number) => rest.slice(nth * Number(count), (nth + 1) * Number(count)).map(String)
    const [slots, versions, asked, states] = [part(0), part(1), part(2), part(3)]
    const risen: string[] = []
    let newest = true
    for (const [i, slot] of slots.entries()) {
      const version = Number(versions[i])
      const seen = Math.max(version, Number(asked[i]))
      const known = this.#hash(String(knownKey)).get(slot)
      const reservedByThis = known !== undefined && String(known).startsWith('?') && known === states[i]
      if (reservedByThis) {
        this.#setField(String(knownKey), slot, String(seen))
        risen.push(`${slot}:${seen}`)
      } else {
        this.#raise(String(knownKey), slot, seen, risen)
      }
      const compared = reservedByThis ? seen : Number(known)
      if (Number.isNaN(compared) || version < compared) newest = false
    }
    if (risen.length > 0) publish(String(bus), risen.join(','))
    const mine = this.#string(String(leaseKey))?.endsWith(`|${token}`) ?? false
    if (mine) this.#delete(String(leaseKey))
    if (!newest || !mine) return 0
    this.#store(String(valueKey), slots, versions, tag, body, Number(ttlMs))
    return 1
  }

  #store(
    key: string,
    slots: readonly string[],
    versions: readonly string[],
    tag: Argument,
    body: Argument,
    ttlMs: number
  ): void {
    this.#delete(key)
    this.#hashes.set(
      key,
      new Map<string, Field>([
        ['slots', slots.join(',')],
        ['versions', versions.join(',')],
        ['tag', String(tag)],
        ['body', bytes(body)]
      ])
    )
    this.#expire(key, ttlMs)
  }

  #raise(knownKey: string, slot: string, version: number, risen: string[]): void {
    this.#change()
    const known = this.#hash(knownKey).get(slot)
    if (known !== undefined && Number(known) >= version) return
    if (known !== undefined && String(known).startsWith('?')) this.#deleteField(knownKey, slot)
    else if (known !== undefined) this.#setField(knownKey, slot, String(version))
    risen.push(`${slot}:${version}`)
  }

  #change(): void {
    if (this.refuses) throw new ReplyError("READONLY You can't write against a read only replica.")
  }

  #setField(key: string, field: string, value: string): void {
    this.#change()
    const fields = this.#hashes.get(key)
    if (fields) fields.set(field, value)
    else this.#hashes.set(key, new Map([[field, value]]))
  }

  #deleteField(key: string, field: string): void {
    const fields = this.#hashes.get(key)
    fields?.delete(field)
    if (fields?.size === 0) this.#delete(key)
  }

  #hash(key: string): Map<string, Field> {
    if (this.#life(key) <= 0) this.#delete(key)
    return this.#hashes.get(key) ?? new Map()
  }

  #string(key: string): string | null {
    if (this.#life(key) <= 0) this.#delete(key)
    return this.#strings.get(key) ?? null
  }

  #life(key: string): number {
    return (this.#ends.get(key) ?? Number.POSITIVE_INFINITY) - performance.now()
  }

  #expire(key: string, ms: number | null): void {
    if (ms === null) this.#ends.delete(key)
    else this.#ends.set(key, performance.now() + ms)
  }

  #delete(key: string): boolean {
    this.#ends.delete(key)
    return this.#strings.delete(key) || this.#hashes.delete(key)
  }
}

/** A client's connection: commands one way, replies and announcements the other, each way in order. */
export class FakeConnection extends EventEmitter {
  readonly stream = { destroy: () => this.cut() }
  /** Nothing arrives in either direction for as long as it hangs. */
  #hangs = false
  #redis: FakeRedis
  #name: string
  #point: Point
  #wires: { requests: Wire; replies: Wire } | null = null
  #channels = new Set<string>()
  #pending = new Set<(error: Error) => void>()
  #closed = false

  constructor(redis: FakeRedis, name: string, point: Point) {
    super()
    this.#redis = redis
    this.#name = name
    this.#point = point
  }

  async connect(): Promise<void> {
    await this.#point(`${this.#name} connects to Redis`)
    if (this.#closed) return
    const hangs = () => this.#hangs
    this.#wires = {
      requests: new Wire(this.#point, `${this.#name} → Redis`, hangs),
      replies: new Wire(this.#point, `Redis → ${this.#name}`, hangs)
    }
    this.#redis.connections.add(this)
    this.emit('connect')
    this.emit('ready')
  }

  /** What is under way is lost, both ways; another connection is made in its time. */
  cut(): void {
    if (!this.#wires) return
    this.#wires = null
    this.#channels.clear()
    this.#redis.connections.delete(this)
    this.emit('close')
    const lost = [...this.#pending]
    this.#pending.clear()
    for (const reject of lost) reject(new Error('Connection is closed.'))
    if (!this.#closed) setTimeout(() => void this.connect(), reconnectMs)
  }

  hang(): void {
    this.#hangs = true
  }

  goOn(): void {
    this.#hangs = false
    this.#wires?.requests.goOn()
    this.#wires?.replies.goOn()
  }

  disconnect(): void {
    this.#closed = true
    this.cut()
  }

  announce(channel: string, message: string): void {
    if (!this.#channels.has(channel)) return
    this.#wires?.replies.put(message, () => void this.emit('message', channel, message))
  }

  subscribe = (channel: string) => this.#send('subscribe', [channel])
  ping = () => this.#send('ping', [])
  info = (section: string) => this.#send('info', [section])
  set = (...args: Argument[]) => this.#send('set', args)
  unlink = (key: string) => this.#send('unlink', [key])
  cacheReadBuffer = (...args: Argument[]) => this.#send('cacheRead', args)
  cacheTell = (...args: Argument[]) => this.#send('cacheTell', args)
  cachePut = (...args: Argument[]) => this.#send('cachePut', args)

  #send(command: string, args: readonly Argument[]): Promise<unknown> {
    const wires = this.#wires
    if (!wires)
      return Promise.reject(new Error("Stream isn't writeable and enableOfflineQueue options is false"))
    return new Promise((resolve, reject) => {
      this.#pending.add(reject)
      const settle = (end: () => void) => {
        clearTimeout(timeout)
        if (this.#pending.delete(reject)) end()
      }
      const timeout = setTimeout(() => settle(() => reject(new Error('Command timed out'))), commandTimeoutMs)
      wires.requests.put(command, () => {
        const published: (() => void)[] = []
        const reply = this.#answer(command, args, (channel, message) =>
          published.push(() => this.#redis.publish(channel, message))
        )
        wires.replies.put(`${command}: ${reply.says}`, () =>
          settle(() => (reply.error ? reject(reply.error) : resolve(reply.value)))
        )
        // A client hears what it published itself after its reply: the later, the harder.
        for (const publish of published) publish()
      })
    })
  }

  #answer(command: string, args: readonly Argument[], publish: Publish) {
    if (command === 'subscribe') {
      this.#channels.add(String(args[0]))
      return { value: 1, error: null, says: 'subscribed' }
    }
    try {
      const value = this.#redis.run(command, args, publish)
      return { value, error: null, says: Array.isArray(value) ? value.map(String).join(' ') : String(value) }
    } catch (error) {
      return { value: null, error, says: 'refused' }
    }
  }
}

/** One direction. What is put first arrives first, each at a point of its own. */
class Wire {
  #queue: { arrives: () => void }[] = []
  /** Points that came while the connection hung. */
  #missed = 0
  #point: Point
  #name: string
  #hangs: () => boolean

  constructor(point: Point, name: string, hangs: () => boolean) {
    this.#point = point
    this.#name = name
    this.#hangs = hangs
  }

  put(what: string, arrives: () => void): void {
    this.#queue.push({ arrives })
    void this.#point(`${this.#name} ${what}`).then(() => this.#next())
  }

  goOn(): void {
    for (; this.#missed > 0; this.#missed--) this.#next()
  }

  #next(): void {
    if (this.#hangs()) this.#missed++
    else this.#queue.shift()?.arrives()
  }
}

/** True of what has the methods of Redis that the cache calls, and no others. */
export function isRedis(connection: object): connection is Redis {
  return 'cacheReadBuffer' in connection && 'ping' in connection
}

function bytes(value: Argument): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(String(value))
}
