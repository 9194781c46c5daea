// What the cache counts, per view: plain numbers that any exporter can read. No I/O.

/** Who answered a read. `stale`: this process, with a value that the view allows although nobody has confirmed it. */
export type Layer = 'l1' | 'redis' | 'replica' | 'primary' | 'stale'

/** Counts since the process started. */
export type ViewCounters = {
  /** Answers by layer. */
  l1: number
  redis: number
  replica: number
  primary: number
  stale: number
  /** Answers, by whichever layer, that said "absent". */
  absent: number
  /** Readers that joined another's flight in this process. */
  coalesced: number
  /** Waits for a filler elsewhere in the fleet. */
  leaseWaits: number
  /** Runs of the loader. */
  loads: number
  /** Replica reads given up because the replica had not seen what is known. */
  laggingReplicas: number
  /** Fills that Redis refused to share: a newer version was known by then. */
  refusedFills: number
  /** L1 entries that the primary itself confirmed while Redis could not be trusted. */
  revalidated: number
  /** Of the answers of `l1` that said "absent": those that needed no entry, as no such key was counted. */
  denied: number
  /** Times that all keys were counted, because of a flood of those that do not exist. */
  censuses: number
}

/** Counts of the link to Redis and of the relay. */
export type LinkCounters = {
  announcements: number
  connections: number
  losses: number
  /** This instance's own announcements come back to it too: how many, and how long after COMMIT, ms. */
  arrivals: number
  arrivalMsTotal: number
  arrivalMsMost: number
  relayed: number
  askedPrimary: number
}

export class Counters {
  readonly views = new Map<string, ViewCounters>()
  readonly link: LinkCounters = {
    announcements: 0,
    connections: 0,
    losses: 0,
    arrivals: 0,
    arrivalMsTotal: 0,
    arrivalMsMost: 0,
    relayed: 0,
    askedPrimary: 0
  }
  /** Entries that L1 gave up for want of room. */
  evictions = 0
  /** Transactions that ran into a deadlock or waited too long for a row's lock. */
  lockConflicts = 0

  of(view: string): ViewCounters {
    const known = this.views.get(view)
    if (known) return known
    const fresh: ViewCounters = {
      l1: 0,
      redis: 0,
      replica: 0,
      primary: 0,
      stale: 0,
      absent: 0,
      coalesced: 0,
      leaseWaits: 0,
      loads: 0,
      laggingReplicas: 0,
      refusedFills: 0,
      revalidated: 0,
      denied: 0,
      censuses: 0
    }
    this.views.set(view, fresh)
    return fresh
  }
}
