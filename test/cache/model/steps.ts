// The protocol of src/cache as steps, each as small as one statement, one command or one tick. Their order is left
// open wherever the real engines leave it open; docs/coherence.md says why each rule stands.
//
// What is late is what matters: the telling after a commit, a fill between its steps, a replica, whatever Redis
// sends. A command is run as it is sent, because one that is run later only sees more; the relay's alone may lag.
import type { Rule } from './rules.ts'
import {
  type Age,
  copyOf,
  type Flight,
  type Instance,
  missing,
  none,
  type Redis,
  type Reply,
  reserved,
  type State
} from './state.ts'

export type Take = (does: string, next: State, broken: string | null) => void

/** What a step does to a copy of the state. Returns the promise that it breaks, if any. */
type Change = (next: State) => string | null
type ChangeOfOne = (instance: Instance, next: State) => string | null
type ChangeOfFlight = (flight: Flight, instance: Instance, next: State) => string | null

/** Of a flight that has nothing to do with Redis any more. */
const unshared = { unknown: false, leased: false, reserved: false }

const names = ['A', 'B', 'C']

/** All that can happen next, without the rule `without`. */
export function steps(state: State, without: Rule | null, take: Take): void {
  new Steps(state, without, take).all()
}

class Steps {
  #state: State
  #without: Rule | null
  #take: Take

  constructor(state: State, without: Rule | null, take: Take) {
    this.#state = state
    this.#without = without
    this.#take = take
  }

  all(): void {
    this.#tick()
    this.#replicate()
    this.#outside()
    this.#write()
    for (const [at, instance] of this.#state.instances.entries()) {
      this.#connect(at, instance)
      this.#begin(at, instance, instance.floor, 'reads')
      // Whoever has written it himself may read it anywhere, as soon as it is committed.
      const newest = this.#state.primary
      if (newest > instance.floor) this.#begin(at, instance, newest, `reads with a token of ${newest}`)
      for (const [place, flight] of instance.flights.entries()) if (flight) this.#fly(at, place, flight)
    }
  }

  #holds(rule: Rule): boolean {
    return this.#without !== rule
  }

  #step(does: string, change: Change): void {
    const next = copyOf(this.#state)
    const broken = change(next) ?? this.#settle(next)
    for (const instance of next.instances) tidy(instance)
    this.#take(does, next, broken)
  }

  #on(at: number, does: string, change: ChangeOfOne): void {
    this.#step(`${names[at]} ${does}`, (next) => change(instanceAt(next, at), next))
  }

  #in(at: number, place: number, does: string, change: ChangeOfFlight): void {
    this.#on(at, does, (instance, next) => change(flightAt(instance, place), instance, next))
  }

  // Readers come at any moment. Whoever comes now may be served from L1, or join a flight and wait for its answer.
  #settle(next: State): string | null {
    for (const [at, instance] of next.instances.entries()) {
      const due = Math.max(next.due, instance.floor, instance.seen)
      const { entry } = instance
      if (entry && this.#servable(instance)) {
        if (entry.data < due) return `${names[at]} serves ${entry.data} from L1 where ${due} is due`
        see(instance, entry.data)
      }
      const flight = instance.flights.find((flying) => flying?.listed)
      if (flight && this.#joins(instance, flight, instance.floor)) flight.due = Math.max(flight.due, due)
    }
    return null
  }

  #servable({ entry, link, proof, floor }: Instance): boolean {
    if (!entry || entry.stamp < floor) return false
    if (entry.proven === 0) return true
    if (!entry.bound || link !== 'open') return false
    return proof === 0 || !this.#holds('a proof lives for one tick')
  }

  #joins({ link, proof }: Instance, flight: Flight, least: number): boolean {
    if (!this.#holds('join a flight only if it knew enough')) return true
    return flight.floor >= least && (link === 'open' && proof === 0 ? flight.bound : flight.young)
  }

  #trusts({ link, proof }: Instance): boolean {
    return link === 'open' && (proof < 2 || !this.#holds('a proof lives for one tick'))
  }

  // A tick is the life of a proof, and each instance that trusts Redis relays once in it. So nothing that was committed
  // before a tick began may be missing from an answer to a reader who comes in it: that is what `due` says.
  #tick(): void {
    this.#step('a tick passes', (next) => {
      const older = (age: Age): Age => (age === 0 && next.gap === 2 ? 1 : 2)
      for (const instance of next.instances) {
        if (this.#relays(instance)) this.#relay(instance, next)
        instance.proof = older(instance.proof)
        if (instance.entry) instance.entry = { ...instance.entry, proven: older(instance.entry.proven) }
        instance.replies = instance.replies.map((coming) =>
          'sent' in coming ? { ...coming, sent: older(coming.sent) } : coming
        )
        for (const flight of instance.flights) {
          if (!flight) continue
          flight.young = false
          flight.proven = older(flight.proven)
        }
      }
      next.due = next.primary
      return null
    })
  }

  #replicate(): void {
    if (this.#state.replica === this.#state.primary) return
    this.#step('the replica catches up by one', (next) => {
      next.replica++
      return null
    })
  }

  // ---- what the outside does

  #outside(): void {
    const { left, redis } = this.#state
    if (left.forgets > 0) this.#forget()
    const held = this.#state.instances.some(({ flights }) => flights.some((flight) => flight?.leased))
    if (redis.lease !== null && !held) {
      this.#step('the lease of a dead filler expires', (next) => {
        revokeLease(next)
        return null
      })
    }
    if (left.refusals > 0 && !redis.refuses) {
      this.#step('Redis refuses changes from now on', (next) => {
        next.left.refusals--
        next.redis.refuses = true
        return null
      })
    }
    if (left.failovers > 0) this.#failOver()
  }

  #forget(): void {
    const { redis, instances } = this.#state
    const forgets = (does: string, change: (next: State) => void) =>
      this.#step(does, (next) => {
        next.left.forgets--
        change(next)
        return null
      })
    if (redis.known !== missing) {
      forgets('Redis forgets the known version', forgetKnown)
      forgets('Redis forgets everything', forgetEverything)
    }
    if (redis.value) {
      forgets('Redis evicts the value', (next) => {
        next.redis.value = null
      })
    }
    for (const [at, { entry }] of instances.entries()) {
      if (!entry) continue
      forgets(`${names[at]} evicts its entry`, (next) => {
        instanceAt(next, at).entry = null
      })
    }
  }

  #failOver(): void {
    const namespaces = this.#holds('a Redis that failed over is another namespace')
    if (!namespaces && this.#state.redis.known !== missing) {
      this.#step('Redis is dumped', ({ redis }) => {
        redis.dump = { known: redis.known, value: redis.value }
        return null
      })
    }
    this.#step('Redis fails over', (next) => {
      next.left.failovers--
      let broken: string | null = null
      for (const instance of next.instances) broken ??= this.#lose(instance, next)
      forgetEverything(next)
      next.redis.refuses = false
      // An old dump says what was known then; without namespaces its names are those of today.
      if (!namespaces) Object.assign(next.redis, next.redis.dump, { dump: null })
      return broken
    })
  }

  // ---- writing: by processes of which nothing else is modelled

  #write(): void {
    const { primary, untold, tells, left, redis } = this.#state
    const version = primary + 1
    if (left.commits > 0) {
      this.#step(`a writer commits ${version}`, (next) => {
        next.left.commits--
        next.primary = version
        next.untold = true
        next.tells = [...tells, version]
        return null
      })
    }
    for (const late of tells) {
      this.#step(`the writer of ${late} tells Redis`, (next) => {
        next.tells = tells.filter((other) => other !== late)
        if (!redis.refuses) this.#raise(next, late, true)
        return null
      })
    }
    if (untold && !redis.refuses && this.#holds('what its writer could not tell is relayed')) {
      this.#step(`another instance relays ${primary}`, (next) => {
        next.untold = false
        this.#raise(next, primary, true)
        return null
      })
    }
  }

  // Opening and catching up end with what was untold a tick ago at most: how long they take comes on top of the bound.
  #relays(instance: Instance): boolean {
    const opens = instance.link === 'opening' && this.#holds('relay before a connection is trusted')
    return opens || instance.catchingUp || this.#trusts(instance)
  }

  #relay(instance: Instance, next: State): void {
    const relays = next.untold && this.#holds('what its writer could not tell is relayed')
    if (relays) instance.relaying = next.primary
  }

  // ---- the connection

  #connect(at: number, { link, proof, replies, relaying }: Instance): void {
    if (link === 'off') {
      this.#on(at, 'connects and subscribes', (instance, next) => {
        instance.link = 'opening'
        if (this.#holds('relay before a connection is trusted')) this.#relay(instance, next)
        this.#pingOnceRelayed(instance)
        return null
      })
      return
    }
    if (this.#state.left.cuts > 0) {
      this.#on(at, 'loses its connection', (instance, next) => {
        next.left.cuts--
        return this.#lose(instance, next)
      })
    }
    if (relaying !== none) {
      this.#on(at, `relays ${relaying}`, (instance, next) => {
        instance.relaying = none
        if (next.redis.refuses) {
          const due = instance.replies.some(({ kind }) => kind === 'refusal')
          if (!due) reply(instance, { kind: 'refusal', flight: none })
          return null
        }
        this.#raise(next, relaying, true)
        if (next.primary === relaying) next.untold = false
        this.#pingOnceRelayed(instance)
        return null
      })
    }
    // Any reply proves: nobody pings while another one is due.
    const due = relaying !== none || replies.some((coming) => coming.kind !== 'announcement')
    if (link === 'open' && proof > 0 && !due) {
      this.#on(at, 'pings', (instance) => {
        ping(instance, 'to prove')
        return null
      })
    }
    const [first] = replies
    if (first) this.#receive(at, first)
  }

  #lose(instance: Instance, next: State): string | null {
    instance.link = 'off'
    instance.replies = []
    instance.relaying = none
    instance.catchingUp = false
    if (this.#holds('each connection is another generation')) {
      instance.proof = 2
      if (instance.entry) instance.entry = { ...instance.entry, bound: false }
      for (const flight of instance.flights) if (flight) flight.bound = false
    }
    let broken: string | null = null
    for (const [place, flight] of instance.flights.entries()) {
      if (flight?.step === 'reading') broken ??= this.#goWithout(instance, place, next)
      // It will not put any more.
      if (flight?.step === 'loading') Object.assign(flight, unshared)
      // The put has been run; its filler cannot know.
      if (flight?.step === 'putting') broken ??= this.#land(instance, place, false)
    }
    return broken
  }

  // The head of what Redis sends: all that it announced before a reply is received before it.
  #receive(at: number, first: Reply): void {
    switch (first.kind) {
      case 'announcement':
        this.#got(at, `hears ${first.version}`, (instance) => {
          instance.floor = Math.max(instance.floor, first.version)
          return null
        })
        return
      case 'pong':
        this.#got(at, `is answered its ping ${first.purpose}`, (instance, next) => {
          if (first.purpose === 'to prove') this.#prove(instance, first.sent, next)
          else instance.proof = first.sent
          if (first.purpose === 'to open') instance.link = 'open'
          if (first.purpose === 'after a gap') instance.catchingUp = false
          return null
        })
        return
      case 'hit':
        this.#gotRead(at, `finds ${first.value.stamp} in Redis`, first, (flight, instance) => {
          flight.loaded = first.value
          return this.#land(instance, first.flight, true)
        })
        return
      case 'grant':
        this.#gotRead(at, 'may fill', first, (flight, _, next) => this.#load(flight, first.known, next))
        return
      case 'taken':
        // Its command, too, would wait behind the relay's.
        if (instanceAt(this.#state, at).relaying === none) {
          this.#gotRead(
            at,
            'waits for the filler elsewhere, and asks again',
            first,
            (flight, instance, next) => {
              flight.proven = 0
              this.#runRead(instance, first.flight, next)
              return null
            }
          )
        }
        this.#gotRead(at, 'will not wait for the filler elsewhere', first, (flight, _, next) =>
          this.#load(flight, first.known, next)
        )
        return
      case 'stored':
      case 'not stored':
        this.#got(at, `learns that its value is ${first.kind}`, (instance, next) => {
          this.#prove(instance, first.sent, next)
          return this.#land(instance, first.flight, first.kind === 'stored')
        })
        return
      case 'refusal':
        this.#got(at, 'is refused by Redis', (instance, next) => {
          const costsTrust = instance.link === 'opening' || this.#holds('a refusal costs the trust')
          if (costsTrust) return this.#lose(instance, next)
          const step = instance.flights[first.flight]?.step
          if (step === 'reading') return this.#goWithout(instance, first.flight, next)
          return step === 'putting' ? this.#land(instance, first.flight, false) : null
        })
    }
  }

  #got(at: number, does: string, change: ChangeOfOne): void {
    this.#on(at, does, (instance, next) => {
      instance.replies = instance.replies.slice(1)
      return change(instance, next)
    })
  }

  #gotRead(at: number, does: string, read: { sent: Age; flight: number }, change: ChangeOfFlight): void {
    this.#got(at, does, (instance, next) => {
      this.#prove(instance, read.sent, next)
      if (!this.#trusts(instance)) return this.#goWithout(instance, read.flight, next)
      return change(flightAt(instance, read.flight), instance, next)
    })
  }

  #prove(instance: Instance, sent: Age, next: State): void {
    const gap = instance.proof === 2 && this.#holds('relay after a gap in the proofs')
    if (!gap) {
      if (sent < instance.proof) instance.proof = sent
      return
    }
    if (instance.catchingUp) return
    instance.catchingUp = true
    this.#relay(instance, next)
    this.#pingOnceRelayed(instance)
  }

  #pingOnceRelayed(instance: Instance): void {
    if (instance.relaying !== none) return
    if (instance.link === 'opening') ping(instance, 'to open')
    else if (instance.catchingUp) ping(instance, 'after a gap')
  }

  // ---- inside Redis: each command is one atomic step (scripts.ts)

  #runRead(instance: Instance, place: number, next: State): void {
    const flight = flightAt(instance, place)
    const { redis } = next
    const sent = 0
    if (redis.value && stands(redis, flight)) {
      reply(instance, { kind: 'hit', sent, flight: place, value: redis.value })
      return
    }
    if (redis.refuses) {
      reply(instance, { kind: 'refusal', flight: place })
      return
    }
    if (redis.known === missing && this.#holds('only who reserved a missing slot creates it')) {
      redis.known = reserved
    }
    flight.reserved = redis.known === reserved
    const { known } = redis
    if (redis.lease === known) {
      reply(instance, { kind: 'taken', sent, flight: place, known })
      return
    }
    revokeLease(next)
    redis.lease = known
    flight.leased = true
    reply(instance, { kind: 'grant', sent, flight: place, known })
  }

  #runPut(instance: Instance, place: number, next: State): void {
    const { redis } = next
    const flight = flightAt(instance, place)
    const { loaded } = flight
    if (redis.refuses || !loaded) {
      reply(instance, { kind: 'refusal', flight: place })
      return
    }
    const creates = this.#mayCreate(redis, flight)
    const newest = (redis.known >= 0 || creates) && loaded.stamp >= redis.known
    if (creates) {
      forgetKnown(next)
      redis.known = loaded.stamp
      this.#announce(next, loaded.stamp)
    } else {
      this.#raise(next, loaded.stamp, this.#holds('what a put raises is announced'))
    }
    const mine = flight.leased || !this.#holds('one filler in the fleet')
    if (mine) revokeLease(next)
    const stored = mine && (newest || !this.#holds('a put is refused where something newer is known'))
    if (stored) redis.value = loaded
    reply(instance, { kind: stored ? 'stored' : 'not stored', sent: 0, flight: place })
  }

  #mayCreate({ known }: Redis, { unknown, reserved: saw }: Flight): boolean {
    if (known >= 0) return false
    if (!this.#holds('a slot that Redis does not know is asked of the primary')) return true
    return unknown && (saw || !this.#holds('only who reserved a missing slot creates it'))
  }

  // Where nothing is known a version that is told must not become what is known: a later one may have been told before
  // Redis forgot. It breaks a reservation: whoever reserved may have asked the primary before it was committed.
  #raise(next: State, version: number, announced: boolean): void {
    const { redis } = next
    if (redis.known >= version) return
    const creates = redis.known >= 0 || !this.#holds('only who reserved a missing slot creates it')
    forgetKnown(next)
    if (creates) redis.known = version
    if (announced) this.#announce(next, version)
  }

  #announce(next: State, version: number): void {
    for (const instance of next.instances) {
      if (instance.link !== 'off') reply(instance, { kind: 'announcement', version })
    }
  }

  // ---- reading

  #begin(at: number, instance: Instance, least: number, does: string): void {
    const place = instance.flights.indexOf(null)
    if (place === -1 || instance.fills === 0) return
    const { entry } = instance
    if (entry && entry.stamp >= least && this.#servable(instance)) return
    const flying = instance.flights.find((flight) => flight?.listed)
    if (flying && this.#joins(instance, flying, least)) return
    const trusts = this.#trusts(instance)
    // Its command would wait behind the relay's, and could as well be sent later.
    if (trusts && instance.relaying !== none) return
    this.#on(at, does, (reader, next) => {
      if (reader.fills !== null) reader.fills--
      for (const flight of reader.flights) if (flight) flight.listed = false
      reader.flights[place] = {
        step: 'reading',
        listed: true,
        floor: least,
        young: true,
        bound: reader.link === 'open',
        proven: 0,
        needed: none,
        unknown: false,
        loaded: null,
        half: null,
        leased: false,
        reserved: false,
        due: Math.max(next.due, reader.seen, least)
      }
      if (!trusts) return this.#goWithout(reader, place, next)
      this.#runRead(reader, place, next)
      return null
    })
  }

  #fly(at: number, place: number, flight: Flight): void {
    const { step, loaded } = flight
    const loading = step === 'loading' || step === 'loading without Redis'
    if (loading && !loaded) {
      this.#loadFrom(at, place, flight, 'replica')
      this.#loadFrom(at, place, flight, 'primary')
    }
    if (step === 'loading' && loaded) this.#put(at, place)
    if (step === 'loading without Redis' && loaded) {
      this.#in(at, place, 'answers without Redis', (_, instance) => this.#land(instance, place, false))
    }
  }

  #load(flight: Flight, known: number, next: State): null {
    flight.step = 'loading'
    flight.unknown = known < 0 && this.#holds('a slot that Redis does not know is asked of the primary')
    flight.needed = Math.max(known, flight.floor, flight.unknown ? next.primary : 0)
    return null
  }

  // The primary says what is newest, and may confirm the entry at hand.
  #goWithout(instance: Instance, place: number, next: State): string | null {
    const flight = flightAt(instance, place)
    flight.step = 'loading without Redis'
    Object.assign(flight, unshared)
    flight.bound = flight.bound && instance.link === 'open'
    flight.proven = 0
    flight.needed = Math.max(next.primary, flight.floor)
    const { entry } = instance
    if (!entry || entry.stamp < flight.needed) return null
    instance.entry = { ...entry, proven: 0 }
    return this.#served(instance, place, entry.data)
  }

  // Versions and rows come from one server in one read view: what is stamped 2 is 2.
  #loadFrom(at: number, place: number, { needed, half }: Flight, from: 'replica' | 'primary'): void {
    const version = this.#state[from]
    const rowsFirst = !this.#holds('stamp before rows')
    const views = rowsFirst || !this.#holds('stamp and rows in one read view')
    if (half ? half.from !== from : this.#lags(from, needed)) return
    if (views && !half) {
      this.#in(at, place, `reads the ${rowsFirst ? 'rows' : 'stamp'} ${version} of the ${from}`, (flight) => {
        flight.half = { from, version }
        return null
      })
      return
    }
    const rows = half && rowsFirst ? half.version : version
    const stamp = half && !rowsFirst ? half.version : version
    const what = half ? `the ${rowsFirst ? 'stamp' : 'rows'} ${version}` : version
    this.#in(at, place, `reads ${what} of the ${from}`, (flight) => {
      flight.half = null
      flight.needed = none
      flight.loaded = { stamp, data: rows }
      return null
    })
  }

  #lags(from: 'replica' | 'primary', needed: number): boolean {
    if (from === 'primary') return false
    return this.#state.replica < needed && this.#holds('a replica that lags behind what is known is not used')
  }

  #put(at: number, place: number): void {
    const { link, relaying } = instanceAt(this.#state, at)
    const sends = link === 'open' && flightAt(instanceAt(this.#state, at), place).bound
    if (sends && relaying !== none) return
    this.#in(at, place, 'puts', (flight, instance, next) => {
      if (sends) {
        this.#runPut(instance, place, next)
        flight.step = 'putting'
        Object.assign(flight, unshared)
        return null
      }
      // Another connection may lead to another Redis. Nothing is sent, so nothing is proved.
      if (instance.link === 'open' && !this.#holds('only a reply proves')) this.#prove(instance, 0, next)
      return this.#land(instance, place, false)
    })
  }

  // The flight ends: its value is kept here, and its readers have their answer.
  #land(instance: Instance, place: number, shared: boolean): string | null {
    const { loaded, bound, proven } = flightAt(instance, place)
    if (!loaded) return null
    instance.floor = Math.max(instance.floor, loaded.stamp)
    const late = instance.entry !== null && loaded.stamp < instance.entry.stamp
    if (!late || !this.#holds('a late fill does not replace what is newer')) {
      instance.entry = { ...loaded, bound: shared && bound, proven }
    }
    return this.#served(instance, place, loaded.data)
  }

  #served(instance: Instance, place: number, data: number): string | null {
    const { due } = flightAt(instance, place)
    instance.flights[place] = null
    see(instance, data)
    return data < due ? `a reader is answered with ${data} where ${due} is due` : null
  }
}

// Forgets what can make no difference any more, so that states alike in all that matters are one.
function tidy(instance: Instance): void {
  const { entry, floor } = instance
  if (entry && entry.stamp < floor) instance.entry = null
  let heard = floor
  instance.replies = instance.replies.filter((coming) => {
    if (coming.kind !== 'announcement') return true
    if (coming.version <= heard) return false
    heard = coming.version
    return true
  })
}

function stands({ known, value }: Redis, { floor }: Flight): boolean {
  return known >= 0 && value !== null && value.stamp >= Math.max(known, floor)
}

function instanceAt(state: State, at: number): Instance {
  const instance = state.instances[at]
  if (!instance) throw new Error(`there is no instance ${at}`)
  return instance
}

function flightAt(instance: Instance, place: number): Flight {
  const flight = instance.flights[place]
  if (!flight) throw new Error(`nothing flies at ${place}`)
  return flight
}

function see(instance: Instance, data: number): void {
  if (data > instance.floor) instance.seen = Math.max(instance.seen, data)
}

function ping(instance: Instance, purpose: 'to prove' | 'to open' | 'after a gap'): void {
  const due = instance.replies.some((coming) => coming.kind === 'pong' && coming.purpose === purpose)
  if (!due) reply(instance, { kind: 'pong', sent: 0, purpose })
}

function reply(instance: Instance, coming: Reply): void {
  instance.replies = [...instance.replies, coming]
}

function forgetKnown({ redis, instances }: State): void {
  if (redis.lease === redis.known) redis.lease = null
  redis.known = missing
  for (const { flights } of instances) for (const flight of flights) if (flight) flight.reserved = false
}

function revokeLease({ redis, instances }: State): void {
  redis.lease = null
  for (const { flights } of instances) for (const flight of flights) if (flight) flight.leased = false
}

function forgetEverything(next: State): void {
  forgetKnown(next)
  revokeLease(next)
  next.redis.value = null
}
