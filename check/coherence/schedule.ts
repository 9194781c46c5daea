// Which fault happens when: from the seed alone, so that a run can be repeated. Pure.
import { type Stream, stream } from '../../db/seed/random.ts'

/**
 * `place`: faults of one place happen one after another, those of different places together. `holdMs`: how long one
 * lasts; where the fault is a moment, how long until it happens.
 */
export const faults = {
  lag: { place: 'replicas', holdMs: [500, 2_500], says: 'a replica stops applying' },
  delay: { place: 'held replica', holdMs: null, says: 'the last replica is held 2 s behind throughout' },
  slow: {
    place: 'fills',
    holdMs: [500, 2_000],
    says: 'loads, answers of Redis and announcements are held up at random'
  },
  rstop: { place: 'redis', holdMs: [100, 4_000], says: 'Redis is stopped (SIGSTOP)' },
  hpause: {
    place: 'redis',
    holdMs: [300, 3_000],
    says: 'Redis and an instance are stopped together, as on one host'
  },
  rempty: { place: 'redis', holdMs: [50, 400], says: 'Redis is killed and comes back empty' },
  rold: { place: 'redis', holdMs: [400, 1_500], says: 'Redis is killed and comes back from an old dump' },
  flush: { place: 'redis', holdMs: [0, 100], says: 'FLUSHALL' },
  killpub: { place: 'redis', holdMs: [0, 100], says: 'the connections that hear announcements are killed' },
  part: { place: 'network', holdMs: [100, 4_000], says: 'an instance is cut off from Redis' },
  ipause: { place: 'instances', holdMs: [100, 4_000], says: 'an instance is stopped (SIGSTOP)' },
  crash: {
    place: 'instances',
    holdMs: [0, 100],
    says: 'an instance dies between COMMIT and telling (kill -9)'
  }
} as const satisfies Record<string, { place: string; holdMs: readonly [number, number] | null; says: string }>

export type Fault = keyof typeof faults
export const faultNames = Object.keys(faults).filter(isFault)

/** A stretch of the run in which these faults, and no others, happen. Times in ms from the start of the run. */
export type Phase = { name: string; faults: readonly Fault[]; from: number; to: number }

export type Occurrence = {
  fault: Fault
  at: number
  holdMs: number
  /** Which replica or instance, counted from 0, where there is a choice. */
  target: number
  /** Where there are two ways to break it, which. */
  abrupt: boolean
}

export type Schedule = { phases: readonly Phase[]; occurrences: readonly Occurrence[] }

const gapMs = [200, 900] as const

/**
 * `lag,rstop+crash`: first the one, then those two together. `none`: all is well. `mixed`: all together. `all`: a
 * healthy stretch and each fault by itself in the first half, all together in the second; a replica is held 2 s behind
 * throughout.
 * @throws Error of one line
 */
export function readFaults(text: string): { name: string; faults: Fault[]; share: number }[] {
  if (text === 'all') {
    const single = faultNames.filter((name) => name !== 'delay')
    return [
      { name: 'none', faults: ['delay'], share: 1 },
      ...single.map((name): { name: string; faults: Fault[]; share: number } => ({
        name,
        faults: [name, 'delay'],
        share: 1
      })),
      { name: 'mixed', faults: faultNames, share: faultNames.length }
    ]
  }
  return text.split(',').map((name) => ({ name, faults: faultsOf(name), share: 1 }))
}

function faultsOf(name: string): Fault[] {
  if (name === 'none') return []
  if (name === 'mixed') return faultNames
  return name.split('+').map((fault) => {
    if (isFault(fault)) return fault
    throw new Error(`--faults: there is no fault "${fault}"; there are ${faultNames.join(', ')}`)
  })
}

function isFault(name: string): name is Fault {
  return Object.hasOwn(faults, name)
}

/** The whole run: `durationMs` divided among the phases, and in each what happens. @throws Error of one line */
export function schedule(options: {
  faults: string
  seed: string
  durationMs: number
  instances: number
  replicas: number
}): Schedule {
  const wanted = readFaults(options.faults)
  const shares = wanted.reduce((sum, { share }) => sum + share, 0)
  let from = 0
  const phases = wanted.map(({ name, faults, share }) => {
    const to = from + (options.durationMs * share) / shares
    const phase = { name, faults, from, to }
    from = to
    return phase
  })
  const random = stream(options.seed, 'faults')
  const occurrences = phases.flatMap((phase) => {
    const places = Map.groupBy(phase.faults, (fault) => faults[fault].place)
    return [...places.values()].flatMap((choice) => during(phase, choice, random, options))
  })
  return { phases, occurrences: joined(occurrences).sort((a, b) => a.at - b.at) }
}

// What lasts throughout goes on from one phase to the next.
function joined(occurrences: readonly Occurrence[]): Occurrence[] {
  const result: Occurrence[] = []
  for (const occurrence of occurrences) {
    const before = result.find(
      ({ fault, at, holdMs }) =>
        faults[fault].holdMs === null && fault === occurrence.fault && at + holdMs === occurrence.at
    )
    if (before) before.holdMs += occurrence.holdMs
    else result.push(occurrence)
  }
  return result
}

function during(
  phase: Phase,
  choice: readonly Fault[],
  random: Stream,
  { instances, replicas }: { instances: number; replicas: number }
): Occurrence[] {
  const occurrences: Occurrence[] = []
  let at = phase.from
  for (;;) {
    const fault = random.pick(choice)
    const { place, holdMs } = faults[fault]
    const target = random.integer(0, (place === 'replicas' ? replicas : instances) - 1)
    const abrupt = random.chance(0.5)
    if (holdMs === null) {
      return [{ fault, at: phase.from, holdMs: phase.to - phase.from, target: replicas - 1, abrupt }]
    }
    at += random.integer(...gapMs)
    if (at >= phase.to) return occurrences
    const [least, most] = holdMs
    // Most are short, some long.
    const hold = Math.min(Math.round(least + random.next() ** 2 * (most - least)), phase.to - at)
    occurrences.push({ fault, at, holdMs: hold, target, abrupt })
    at += hold
  }
}
