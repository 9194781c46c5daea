// What is asked for, how often and when: the shape of every scenario. They are data; what each kind of request looks like
// is in bench/load/endpoints.ts.
import type { Step } from '../load/arrivals.ts'
import type { EndpointName } from '../load/endpoints.ts'

export type Scenario = {
  /** In `--only` and in the result. */
  name: string
  /** For people. */
  title: string
  /** What it shows, in a sentence. */
  says: string
  /** How often each is asked for, as weights. */
  mix: Partial<Record<EndpointName, number>>
  /** How many different profiles and lists are asked for at most; left out: all that there are. */
  keys?: { profiles?: number; lists?: number }
  /** As browsers send it, or none: then everybody sends the same bytes. */
  encoding: 'browser' | 'identity'
  /** Everything that may be asked for is asked for once before, so that what is counted is not how a cache fills. */
  filled?: true
  /** Before anything is counted, seconds. */
  warmUp: number
  /** Subjects side by side, in turn. */
  compared?: {
    rounds: number
    seconds: number
    /**
     * Requests a second, the same for each, in an open loop. Left out: as many as each can answer, in a closed one. What an
     * answer takes follows from how much its process has to do; where the driver is the slower one and reads one's answers
     * less quickly than the other's, a closed loop would compare how quickly they are read.
     */
    rate?: number
    /** Whom Turno is compared with. */
    with: readonly string[]
  }
  /** Open loops, one after another, each a block of its own. */
  open?: readonly { steps: readonly Step[]; subjects: readonly string[] }[]
  /** The subject begins with nothing: a new process, an empty Redis. */
  cold?: true
  /** The rate is raised until it breaks. */
  knee?: { from: number; to: number; factor: number; seconds: number; subjects: readonly string[] }
  /** Something is made to fail within the open loop's time, seconds. */
  fault?: { what: 'Redis hangs'; from: number; until: number }
}

/** As the seed project has it: one list, the same for all, and single profiles. */
export const popularProfiles = { profiles: 10_000, lists: 1 } as const

/** Of all subjects that a full run knows, in the order in which they are charted. */
export const peers = [
  'seed',
  'seed-hardened',
  'async-cache-dedupe',
  'bentocache',
  'nginx-microcache',
  'bare',
  'nginx-static'
] as const
