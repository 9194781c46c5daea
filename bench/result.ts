// What a run of the benchmark leaves: counts, distributions and verdicts, as they stand in its JSON. Drivers fill it,
// gates judge it, the report draws it; none of them knows the others. Times are in microseconds unless they say otherwise.

/** A distribution, told by points of it. Times from the intended start unless it says otherwise. */
export type Distribution = {
  count: number
  mean: number
  max: number
  /** Percentile (0 to 100) and the value at it, ascending, dense towards the tail. */
  spectrum: readonly (readonly [percentile: number, microseconds: number])[]
}

/** Who answered, as Cache-Status says; `other` where a peer does not say. */
export type Layer = 'l1' | 'redis' | 'replica' | 'primary' | 'stale' | 'shed' | 'failed' | 'other'

/** What can be counted, and so is not touched by noise. Null where a subject cannot tell. */
export type Counts = {
  requests: number
  /** Answers with a status below 400, and those that the scenario expects (404 of a guessed id, 409 of a taken slot). */
  good: number
  /** By reason: `status 500`, `timeout`, `connection`, `wrong body`. */
  failures: Record<string, number>
  reads: number
  writes: number
  bytes: number
  layers: Partial<Record<Layer, number>>
  /** Statements that the servers executed, by server; heartbeats of the subject included. */
  queries: { primary: number; replicas: readonly number[] } | null
  redisRoundTrips: number | null
  loads: number | null
  /**
   * What one read cost the servers: less what is asked while nobody comes, and less what the writes took by themselves
   * (measured alone before). Null or left out where it was not measured.
   */
  perRead?: { primaryQueries: number; replicaQueries: number; redisRoundTrips: number } | null
  /** Entries in the subject's processes at the end. */
  entries?: number | null
  /** Processor time by process: `turno-1`, `redis`, `primary`, `replica-1`, `driver`. */
  cpuMicroseconds: Record<string, number>
}

/** One second of a block. */
export type Second = {
  /** Seconds from the block's begin. */
  at: number
  requests: number
  good: number
  p50: number
  p99: number
  layers: Partial<Record<Layer, number>>
  /** Of the subject's processes together, bytes. */
  rss: number
  /** Worst of the subject's processes; null where it cannot tell. Milliseconds. */
  eventLoopDelayMs: number | null
  gcMs: number | null
}

/** Why figures of this block must not be believed; empty: nothing speaks against them. */
export type Doubts = readonly string[]

/** One subject under one scenario for one stretch of time. */
export type Block = {
  scenario: string
  subject: string
  driver: 'open' | 'closed'
  /** Of an ABBA series: its place in the order. */
  round: number
  /** It is compared with those of others in the same round. */
  paired: boolean
  seconds: number
  /** Requests a second that were to be sent; null in a closed loop. */
  offered: number | null
  counts: Counts
  /** From the moment at which the request was to be sent. Timeouts and failures are in it. */
  latency: Distribution
  /** From the moment at which it was sent: what a closed loop can tell. */
  service: Distribution
  /** How late the driver itself was; null in a closed loop. */
  slip: Distribution | null
  /** Share of its processor that the driver took. */
  driverLoad: number
  timeline: readonly Second[]
  rssPeak: number
  /** Share of time in which something waited for a processor (/proc/pressure/cpu), and stolen by the host. */
  pressure: number | null
  steal: number
  doubts: Doubts
}

/** A ratio of two subjects over paired, interleaved blocks. */
export type Comparison = {
  scenario: string
  /** `requests per CPU second`, `p99`, `rss`, `queries per request`. */
  metric: string
  subject: string
  baseline: string
  /** Geometric mean of the blocks' ratios, and its 95 % confidence interval by bootstrap. */
  ratio: number
  low: number
  high: number
  pairs: number
  doubts: Doubts
}

/** Throughput against latency: the rate raised until it breaks. */
export type Curve = {
  scenario: string
  subject: string
  points: readonly {
    offered: number
    achieved: number
    p50: number
    p99: number
    p999: number
    good: number
  }[]
  /** The last rate that was kept; null where none was. */
  knee: number | null
}

/** What happened to answers while a part was made to fail. */
export type FaultCard = {
  scenario: string
  subject: string
  fault: string
  /** Seconds from the block's begin. */
  from: number
  until: number
  timeline: readonly Second[]
  goodShare: number
  worstMs: number
  /** From the fault's end until answers were as before; null: they never were. */
  recoveredAfterMs: number | null
}

/** A gate of slo.json, judged. */
export type Verdict = {
  gate: string
  /** What it says, in a sentence. */
  says: string
  value: number | null
  bound: number
  direction: 'at most' | 'at least'
  unit: string
  samples: number
  outcome: 'pass' | 'broken' | 'invalid' | 'not run'
  /** For `invalid`: why. */
  because?: string
}

export type Result = {
  format: 1
  commit: string
  /** The code was not the commit's. */
  changed: boolean
  startedAt: string
  seconds: number
  options: Record<string, string | number | boolean>
  /** What a reader may call each subject and scenario, by name; where it is missing, its name. */
  titles?: { subjects: Record<string, string>; scenarios: Record<string, string> }
  seed: number
  machine: {
    processors: number
    model: string
    memoryBytes: number
    kernel: string
    node: string
    mariadb: string
    redis: string
    loadBefore: number
    loadAfter: number
  }
  blocks: readonly Block[]
  comparisons: readonly Comparison[]
  curves: readonly Curve[]
  faults: readonly FaultCard[]
  verdicts: readonly Verdict[]
  /** Own counters beside the servers' own, once in the run: they must agree. */
  crossCheck: readonly { what: string; counted: number; server: number }[]
}
