// A result that no machine ever left: made-up figures of a believable shape, from a seed, to draw reports from. It says
// that it is a sample, and the page drawn from it does too. Never committed as a result.
import type {
  Block,
  Comparison,
  Curve,
  Distribution,
  FaultCard,
  Layer,
  Result,
  Second,
  Verdict
} from '../../bench/result.ts'

type Character = {
  name: string
  title: string
  /** Of a request, own processor, µs. */
  cost: number
  /** Answered, µs: the middle one and how wide the tail is. */
  median: number
  tail: number
  knee: number
  rss: number
  queries: number
  layers: Partial<Record<Layer, number>>
}

const mebibyte = 1_048_576
const characters: readonly Character[] = [
  {
    name: 'turno',
    title: 'Turno',
    cost: 31,
    median: 190,
    tail: 1,
    knee: 11_300,
    rss: 171 * mebibyte,
    queries: 0.0068,
    layers: { l1: 0.942, redis: 0.031, stale: 0.0204, replica: 0.0051, primary: 0.0011 }
  },
  {
    name: 'seed',
    title: 'The seed’s design',
    cost: 231,
    median: 720,
    tail: 2.1,
    knee: 2_000,
    rss: 118 * mebibyte,
    queries: 0.31,
    layers: {}
  },
  {
    name: 'seed-hardened',
    title: 'The seed’s design, hardened',
    cost: 238,
    median: 735,
    tail: 1.9,
    knee: 2_000,
    rss: 121 * mebibyte,
    queries: 0.31,
    layers: {}
  },
  {
    name: 'async-cache-dedupe',
    title: 'Fastify + async-cache-dedupe',
    cost: 86,
    median: 310,
    tail: 1.5,
    knee: 4_800,
    rss: 143 * mebibyte,
    queries: 0.118,
    layers: {}
  },
  {
    name: 'bentocache',
    title: 'Fastify + bentocache',
    cost: 97,
    median: 340,
    tail: 1.6,
    knee: 4_000,
    rss: 158 * mebibyte,
    queries: 0.102,
    layers: {}
  },
  {
    name: 'nginx-microcache',
    title: 'nginx microcache + seed’s design',
    cost: 164,
    median: 420,
    tail: 2.4,
    knee: 2_900,
    rss: 141 * mebibyte,
    queries: 0.27,
    layers: {}
  },
  {
    name: 'bare',
    title: 'Ceiling: a bare Fastify route',
    cost: 24,
    median: 150,
    tail: 0.9,
    knee: 13_700,
    rss: 79 * mebibyte,
    queries: 0,
    layers: {}
  },
  {
    name: 'nginx-static',
    title: 'Ceiling: nginx, a static file',
    cost: 9.1,
    median: 82,
    tail: 0.7,
    knee: 24_000,
    rss: 14 * mebibyte,
    queries: 0,
    layers: {}
  }
]

/** `calm`: all gates pass. `mixed`: some are broken, some invalid. `noisy`: nothing is broken, much is invalid. */
export function sampleResult(mood: 'calm' | 'mixed' | 'noisy' = 'calm', seed = 7): Result {
  const random = randomFrom(seed)
  const doubts = mood === 'noisy' ? ['processor pressure 0.41 is above 0.20'] : []
  const blocks = characters.flatMap((character) =>
    [0, 1, 2].map((round) => openBlock(character, 'profiles', round, 10, 1_000, random, doubts))
  )
  const [ours] = characters
  if (ours === undefined) throw new Error('there is no sample without Turno')
  const soak = openBlock(ours, 'soak', 0, 240, 600, random, [])
  const practice = characters
    .slice(0, 4)
    .map((character) =>
      openBlock(
        character,
        'practice',
        0,
        12,
        500,
        random,
        mood === 'mixed' ? ['steal 0.06 is above 0.02'] : []
      )
    )
  const alone = ['spike', 'stampede', 'bookings', 'penetration', 'conditional'].map((scenario) =>
    openBlock(ours, scenario, 0, 40, 800, random, [])
  )
  return {
    format: 1,
    commit: 'sample',
    changed: mood === 'mixed',
    startedAt: '2026-11-22T09:30:00.000Z',
    seconds: 1_912,
    options: { sample: true, theta: 0.99, rounds: 3 },
    titles: {
      subjects: Object.fromEntries(characters.map(({ name, title }) => [name, title])),
      scenarios: {
        profiles: 'Profiles, one write in ten',
        practice: 'A practice’s day',
        soak: 'Four minutes without a pause',
        'redis-hung': 'A hung Redis'
      }
    },
    seed,
    machine: {
      processors: 2,
      model: 'Sample Processor 9000',
      memoryBytes: 8 * 1024 * mebibyte,
      kernel: 'Linux 6.1.0-sample',
      node: 'v26.10.0',
      mariadb: 'MariaDB 10.11.19',
      redis: 'Redis 7.0.15',
      loadBefore: 0.31,
      loadAfter: 1.92
    },
    blocks: [...blocks, ...practice, soak, ...alone],
    comparisons: comparisonsOf(random, doubts),
    curves: characters
      .filter(({ name }) => name !== 'seed-hardened')
      .map((character) => curveOf(character, random)),
    faults: characters.slice(0, 3).map((character) => faultOf(character, random)),
    verdicts: verdictsOf(mood),
    crossCheck: [
      { what: 'queries on the replicas', counted: 1_204, server: 1_211 },
      { what: 'commands on Redis', counted: 8_871, server: 8_871 }
    ]
  }
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function distributionOf({ median, tail }: Character, count: number, random: () => number): Distribution {
  const shift = 0.95 + random() * 0.1
  const spectrum = Array.from({ length: 81 }, (_, step) => {
    const percentile = 100 * (1 - 10 ** (-step / 18))
    const depth = step / 18
    const value =
      median * shift * (0.55 + 0.75 * depth ** 1.2 + tail * 0.35 * Math.max(0, depth - 0.8) ** 2.6)
    return [percentile, Math.round(value)] as const
  })
  const max = (spectrum.at(-1)?.[1] ?? median) * 1.4
  return { count, mean: median * 1.3, max, spectrum: [...spectrum, [100, max]] }
}

function secondsOf(character: Character, seconds: number, perSecond: number, random: () => number): Second[] {
  const told = Object.entries(character.layers)
  return Array.from({ length: seconds }, (_, at) => {
    const requests = Math.round(perSecond * (0.94 + 0.12 * random()))
    const cold = Math.exp(-at / 1.5)
    const layers: Partial<Record<Layer, number>> = {}
    if (told.length > 0) {
      const far = Math.round(requests * (0.006 + 0.45 * cold))
      const redis = Math.round(requests * (0.03 + 0.2 * cold))
      const stale = Math.round(requests * 0.02 * (1 - cold))
      Object.assign(layers, {
        replica: far - Math.round(far / 6),
        primary: Math.round(far / 6),
        redis,
        stale
      })
      layers.l1 = requests - far - redis - stale
    }
    return {
      at,
      requests,
      good: requests,
      p50: character.median * (1 + cold),
      p99: character.median * (5 + 3 * random() + 20 * cold),
      layers,
      rss:
        character.rss *
        (0.82 + 0.18 * (1 - Math.exp(-at / 40)) + 0.012 * Math.sin(at / 3) + 0.006 * random()),
      eventLoopDelayMs: character.name === 'turno' ? 1.1 + 2.2 * random() + (at % 47 === 20 ? 6 : 0) : null,
      gcMs: character.name === 'turno' ? 2 + 5 * random() + (at % 23 === 9 ? 14 : 0) : null
    }
  })
}

function openBlock(
  character: Character,
  scenario: string,
  round: number,
  seconds: number,
  offered: number,
  random: () => number,
  doubts: readonly string[]
): Block {
  const timeline = secondsOf(character, seconds, offered, random)
  const requests = timeline.reduce((sum, second) => sum + second.requests, 0)
  const latency = distributionOf(character, requests, random)
  const layers = Object.fromEntries(
    Object.entries(character.layers).map(([layer, part]) => [layer, Math.round(requests * part)])
  )
  return {
    scenario,
    subject: character.name,
    driver: 'open',
    round,
    paired: false,
    seconds,
    offered,
    counts: {
      requests,
      good: requests,
      failures: {},
      reads: Math.round(requests * 0.9),
      writes: Math.round(requests * 0.1),
      bytes: requests * 1_104,
      layers,
      queries:
        character.name === 'nginx-static'
          ? null
          : {
              primary: Math.round((requests * character.queries) / 4),
              replicas: [Math.round((requests * character.queries * 3) / 4)]
            },
      redisRoundTrips: character.name === 'nginx-static' ? null : Math.round(requests * 0.06),
      loads: character.name === 'turno' ? Math.round(requests * 0.005) : null,
      cpuMicroseconds: {
        [`${character.name}-1`]: Math.round(requests * character.cost),
        redis: requests * 2,
        primary: requests * 3,
        'replica-1': requests * 2,
        driver: requests * 60
      }
    },
    latency,
    service: latency,
    slip: {
      count: requests,
      mean: 20,
      max: 900,
      spectrum: [
        [50, 10],
        [99, 210],
        [100, 900]
      ]
    },
    driverLoad: 0.31 + random() * 0.1,
    timeline,
    rssPeak: character.rss,
    pressure: 0.03 + random() * 0.05,
    steal: random() * 0.01,
    doubts
  }
}

function comparisonsOf(random: () => number, doubts: readonly string[]): Comparison[] {
  const [ours, ...others] = characters
  if (ours === undefined) return []
  const metrics: readonly (readonly [string, (one: Character) => number])[] = [
    ['requests per CPU second', ({ cost }) => 1 / cost],
    ['p99', ({ median, tail }) => median * tail],
    ['rss', ({ rss }) => rss],
    ['queries per request', ({ queries }) => queries]
  ]
  return metrics.flatMap(([metric, pick]) =>
    others
      .filter((other) => pick(other) > 0)
      .map((other) => {
        const ratio = pick(ours) / pick(other)
        const width = metric === 'p99' ? 1.3 + random() * 0.3 : 1.05 + random() * 0.09
        const settled = metric === 'p99' && other.name === 'bare' ? [] : doubts
        return {
          scenario: 'profiles',
          metric,
          subject: 'turno',
          baseline: other.name,
          ratio,
          low: ratio / width,
          high: ratio * width,
          pairs: 6,
          doubts: settled
        }
      })
  )
}

function curveOf(character: Character, random: () => number): Curve {
  const points = Array.from({ length: 16 }, (_, step) => Math.round(500 * 1.3 ** step))
    .filter((offered) => offered < character.knee * 1.75)
    .map((offered) => {
      const load = offered / character.knee
      const queue = load < 0.98 ? 1 / (1 - load * 0.92) : 40 * load ** 6
      const p50 = character.median * (0.8 + 0.2 * queue) * (0.97 + 0.06 * random())
      return {
        offered,
        achieved: Math.min(offered, character.knee * 1.02),
        p50,
        p99: p50 * (4 + character.tail),
        p999: p50 * (9 + 3 * character.tail),
        good: load > 1.2 ? 1 / load : 1
      }
    })
  const kept = points.filter(({ offered }) => offered <= character.knee)
  return { scenario: 'profiles', subject: character.name, points, knee: kept.at(-1)?.offered ?? null }
}

function faultOf(character: Character, random: () => number): FaultCard {
  const [from, until] = [8, 18]
  const ours = character.name === 'turno'
  const hardened = character.name === 'seed-hardened'
  const timeline = secondsOf(character, 30, 300, random).map((second) => {
    const during = second.at >= from && second.at < until
    if (ours) {
      const far = during ? 21 : 4
      const redis = during ? 0 : 9
      return {
        ...second,
        layers: { l1: second.requests - far - redis, redis, replica: far },
        p99: during ? 9_000 : 1_400
      }
    }
    const failing = hardened ? during && second.at < from + 2 : second.at >= from
    const good = failing ? Math.round(second.requests * (hardened ? 0.35 : 0.02)) : second.requests
    return { ...second, layers: {}, good, p99: failing ? 4_000_000 : second.p99 }
  })
  const requests = timeline.reduce((sum, second) => sum + second.requests, 0)
  return {
    scenario: 'redis-hung',
    subject: character.name,
    fault: 'Redis hangs for ten seconds',
    from,
    until,
    timeline,
    goodShare: timeline.reduce((sum, second) => sum + second.good, 0) / requests,
    worstMs: ours ? 61 : hardened ? 412 : 10_000,
    recoveredAfterMs: ours ? 0 : hardened ? 900 : null
  }
}

function verdictsOf(mood: 'calm' | 'mixed' | 'noisy'): Verdict[] {
  const counted: Verdict[] = [
    gate(
      'profiles-hit-ratio',
      'Of all reads, this share is answered without the database',
      99.38,
      99,
      'at least',
      '%',
      30_000
    ),
    gate('profiles-queries', 'Database queries for a read', 0.0068, 0.01, 'at most', 'queries', 30_000),
    gate(
      'profiles-redis',
      'Redis round trips for a read',
      mood === 'mixed' ? 0.13 : 0.058,
      0.1,
      'at most',
      'round trips',
      30_000
    ),
    gate(
      'stampede-loads',
      'Loads of one key by a crowd that finds the cache cold',
      1,
      1,
      'at most',
      'load',
      10_000
    ),
    gate('failures', 'Answers that were wrong, late or missing', 0, 0, 'at most', 'answers', 61_000),
    gate('memory', 'Memory with 100,000 entries in the cache', 171, 256, 'at most', 'MiB', 240)
  ]
  const timed: Verdict[] = [
    gate(
      'hit-cost',
      'A public hit costs at most this many times a bare route’s processor time',
      1.18,
      1.25,
      'at most',
      '×',
      12
    ),
    gate(
      'token-cost',
      'A hit with a token check, likewise',
      mood === 'mixed' ? 1.61 : 1.41,
      1.5,
      'at most',
      '×',
      12
    ),
    gate(
      'seed-ratio',
      'Requests for a second of processor time, beside the seed’s design',
      7.45,
      5,
      'at least',
      '×',
      12
    ),
    gate('seed-ratio-bound', 'The same, the lower end of its 95 % interval', 6.9, 4, 'at least', '×', 12),
    gate('dedupe-ratio', 'The same beside async-cache-dedupe', 2.77, 2, 'at least', '×', 12),
    gate('soak-slope', 'Memory that is not given back, for an hour', 0.4, 1, 'at most', 'MiB', 240)
  ]
  const because = 'processor pressure was above 20 % in 5 of 12 blocks'
  const doubtful = mood === 'noisy' ? timed : mood === 'mixed' ? timed.slice(3, 5) : []
  return [
    ...counted,
    ...timed.map(
      (verdict): Verdict =>
        doubtful.includes(verdict) ? { ...verdict, outcome: 'invalid', because } : verdict
    ),
    ...(mood === 'mixed'
      ? [
          {
            ...gate('spike', 'Good answers at ten times the load', 0, 90, 'at least', '%', 0),
            value: null,
            outcome: 'not run' as const
          }
        ]
      : [])
  ]
}

function gate(
  name: string,
  says: string,
  value: number,
  bound: number,
  direction: Verdict['direction'],
  unit: string,
  samples: number
): Verdict {
  const holds = direction === 'at most' ? value <= bound : value >= bound
  return { gate: name, says, value, bound, direction, unit, samples, outcome: holds ? 'pass' : 'broken' }
}
