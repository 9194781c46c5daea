// What the model of the protocol remembers. One slot and one key: a value is the version of the rows it was made
// from. Some instances, a primary, a replica that lags, one Redis. Time is ticks: see #tick in steps.ts.

/** When something happened: 0 in this tick, 1 in the one before, 2 earlier. Where `gap` is 1, 2 comes after 0. */
export type Age = 0 | 1 | 2

/** Where a version belongs: there is none. Versions begin at 0. */
export const none = -1
/** Of the slot in Redis: nobody has said since Redis forgot; or a reader has announced that it will. */
export const missing = -1
export const reserved = -2

/** `data`: the version of the rows. The protocol sees `stamp` alone. */
export type Value = { readonly stamp: number; readonly data: number }

export type Entry = Value & {
  /** Proved under the connection that is still open: each of its proofs renews it. */
  readonly bound: boolean
  readonly proven: Age
}

/** On its way from Redis, in order. `sent`: the age of the command that it answers. */
export type Reply =
  | { readonly kind: 'announcement'; readonly version: number }
  | { readonly kind: 'pong'; readonly sent: Age; readonly purpose: 'to prove' | 'to open' | 'after a gap' }
  | { readonly kind: 'hit'; readonly sent: Age; readonly flight: number; readonly value: Value }
  | { readonly kind: 'grant' | 'taken'; readonly sent: Age; readonly flight: number; readonly known: number }
  | { readonly kind: 'stored' | 'not stored'; readonly sent: Age; readonly flight: number }
  | { readonly kind: 'refusal'; readonly flight: number }

/** A fill in this process. Readers that come later may join it. */
export type Flight = {
  step: 'reading' | 'loading' | 'putting' | 'loading without Redis'
  /** New readers find it. */
  listed: boolean
  /** What it knew when it began. */
  floor: number
  /** Began in this tick. */
  young: boolean
  /** Began under the connection that is still open. */
  bound: boolean
  /** The age of what its answer will prove. */
  proven: Age
  /** The newest version that it has learnt of: nothing older will do. */
  needed: number
  /** Redis did not know the slot, and the primary was asked. */
  unknown: boolean
  loaded: Value | null
  /** Only without "stamp before rows" or "in one read view": the first half of what is being loaded, and from whom. */
  half: { readonly from: 'replica' | 'primary'; readonly version: number } | null
  /** The lease in Redis is this flight's. */
  leased: boolean
  /** The reservation that it saw in Redis still stands. */
  reserved: boolean
  /** For checking only: what its readers must be shown at least. */
  due: number
}

export type Instance = {
  /** How many fills may still begin here; null: any number. */
  fills: number | null
  link: 'off' | 'opening' | 'open'
  /** The age of the last proof. At 2 there is a gap. */
  proof: Age
  catchingUp: boolean
  floor: number
  entry: Entry | null
  flights: (Flight | null)[]
  /** Read from the primary to be relayed, on its way to Redis; or none. What is sent after it waits behind it. */
  relaying: number
  replies: readonly Reply[]
  /** For checking only: the newest data that a read was answered with here, where that is more than the floor says. */
  seen: number
}

export type Redis = {
  known: number
  value: Value | null
  /** The state of knowledge in which it was granted; null also when that is no more, since it holds nobody up then. */
  lease: number | null
  /** Answers PING and refuses every change: out of memory, or a master that was demoted. */
  refuses: boolean
  /** Only without namespaces: what an old dump, or a replica that missed the end, would bring back. */
  dump: { readonly known: number; readonly value: Value | null } | null
}

/** How often each thing of the outside may still happen. */
export type Budget = {
  commits: number
  cuts: number
  forgets: number
  failovers: number
  refusals: number
}

export type State = {
  /** Redis is trusted until the last proof is this old, in ticks. Never changes. */
  readonly gap: 1 | 2
  /** The newest version committed. */
  primary: number
  /** Marked in the primary: Redis may not know it yet. */
  untold: boolean
  /** Committed by writers that have not told Redis yet, ascending. One that never does has crashed. */
  tells: readonly number[]
  replica: number
  redis: Redis
  instances: Instance[]
  left: Budget
  /** For checking only: the newest version committed before this tick began. */
  due: number
}

export type Bounds = Partial<Budget> & {
  /** How many fills may begin in each instance; null: any number. */
  fills?: readonly (number | null)[]
  /** Fills at once in each instance. */
  flights?: number
  /** How old the last proof may become, in ticks, until Redis is no more trusted. */
  gap?: 1 | 2
  /**
   * Where it begins. `empty`: nobody is connected and nothing is known (the default); `connected`: all is known and
   * proved, and nothing cached; `warm`: all layers hold the value.
   */
  start?: 'empty' | 'connected' | 'warm'
}

export function initialState(bounds: Bounds): State {
  const { fills = [null, null], flights = 1, gap = 2, start = 'empty' } = bounds
  const value = { stamp: 0, data: 0 }
  const cached = start === 'warm'
  const connected: Partial<Instance> = { link: 'open', proof: 0 }
  const entry: Entry | null = cached ? { ...value, bound: true, proven: 0 } : null
  const known = start === 'empty' ? missing : 0
  const { commits = 0, cuts = 0, forgets = 0, failovers = 0, refusals = 0 } = bounds
  return {
    gap,
    primary: 0,
    untold: false,
    tells: [],
    replica: 0,
    redis: { known, value: cached ? value : null, lease: null, refuses: false, dump: null },
    instances: fills.map((most) => ({
      ...emptyInstance(flights, most),
      ...(start === 'empty' ? null : connected),
      entry
    })),
    left: { commits, cuts, forgets, failovers, refusals },
    due: 0
  }
}

export function emptyInstance(flights: number, fills: number | null): Instance {
  return {
    fills,
    link: 'off',
    proof: 2,
    catchingUp: false,
    floor: 0,
    entry: null,
    flights: Array.from({ length: flights }, () => null),
    relaying: none,
    replies: [],
    seen: none
  }
}

export function copyOf(state: State): State {
  return {
    ...state,
    redis: { ...state.redis },
    instances: state.instances.map(copyOfInstance),
    left: { ...state.left }
  }
}

function copyOfInstance(instance: Instance): Instance {
  return { ...instance, flights: instance.flights.map((flight) => flight && { ...flight }) }
}

/** The instances are alike: two states that differ in their order alone are one. */
export function keyOf(state: State): string {
  const { redis, left } = state
  let key = `${state.primary}${+state.untold}${state.replica}${state.due}t${state.tells.join('')}`
  key += `${redis.known}${codeOf(redis.value)}${redis.lease ?? '_'}${+redis.refuses}`
  if (redis.dump) key += `d${redis.dump.known}${codeOf(redis.dump.value)}`
  key += `|${left.commits}${left.cuts}${left.forgets}${left.failovers}${left.refusals}`
  const codes = state.instances.map(codeOfInstance)
  if (codes.length > 1) codes.sort()
  for (const code of codes) key += `#${code}`
  return key
}

function codeOfInstance(instance: Instance): string {
  const { entry } = instance
  let code = `${instance.fills ?? '_'}${instance.link.length}${instance.proof}${+instance.catchingUp}${instance.floor}`
  code += `${instance.relaying}${instance.seen}`
  code += entry ? `${codeOf(entry)}${+entry.bound}${entry.proven}` : '_'
  for (const flight of instance.flights) code += flight ? codeOfFlight(flight) : '_'
  for (const reply of instance.replies) code += codeOfReply(reply)
  return code
}

const codes = {
  reading: 'r',
  loading: 'l',
  putting: 'p',
  'loading without Redis': 'w',
  announcement: 'a',
  'to prove': 'P',
  'to open': 'O',
  'after a gap': 'Q',
  hit: 'h',
  grant: 'g',
  taken: 't',
  stored: 's',
  'not stored': 'n',
  refusal: 'x'
}

function codeOfFlight(flight: Flight): string {
  const flags =
    (flight.listed ? 1 : 0) |
    (flight.young ? 2 : 0) |
    (flight.bound ? 4 : 0) |
    (flight.unknown ? 8 : 0) |
    (flight.leased ? 16 : 0) |
    (flight.reserved ? 32 : 0)
  const half = flight.half ? `${flight.half.from[0]}${flight.half.version}` : ''
  return `${codes[flight.step]}${flags},${flight.floor}${flight.proven}${flight.needed}${flight.due}${codeOf(flight.loaded)}${half};`
}

function codeOfReply(reply: Reply): string {
  switch (reply.kind) {
    case 'announcement':
      return `${codes[reply.kind]}${reply.version}`
    case 'pong':
      return `${codes[reply.purpose]}${reply.sent}`
    case 'hit':
      return `${codes.hit}${reply.sent}${reply.flight}${codeOf(reply.value)}`
    case 'grant':
    case 'taken':
      return `${codes[reply.kind]}${reply.sent}${reply.flight}${reply.known}`
    case 'refusal':
      return `${codes.refusal}${reply.flight}`
    default:
      return `${codes[reply.kind]}${reply.sent}${reply.flight}`
  }
}

function codeOf(value: Value | null): string {
  return value ? `${value.stamp}.${value.data}` : '_'
}
