// What the benchmark makes of its blocks: ratios with their intervals, knees, and verdicts that never take what cannot be
// believed for a pass.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { comparisonsOf } from '../../bench/compare.ts'
import { faultCardOf } from '../../bench/faults.ts'
import { exitCodeOf, type Gate, judge } from '../../bench/gate.ts'
import type { Block, Counts, Second } from '../../bench/result.ts'
import { scenarios } from '../../bench/scenarios/all.ts'
import { kneeOf } from '../../bench/statistics/knee.ts'
import { orderOf, ratioOf } from '../../bench/statistics/pairs.ts'

const none = { count: 0, mean: 0, max: 0, spectrum: [] }

function block(
  subject: string,
  round: number,
  change: Omit<Partial<Block>, 'counts'> & { counts?: Partial<Counts> } = {}
): Block {
  return {
    scenario: 'profiles',
    subject,
    driver: 'closed',
    round,
    paired: true,
    seconds: 2,
    offered: null,
    latency: none,
    service: none,
    slip: null,
    driverLoad: 0.5,
    timeline: [],
    rssPeak: 100 * 2 ** 20,
    pressure: null,
    steal: 0,
    doubts: [],
    ...change,
    counts: {
      requests: 1_000,
      good: 1_000,
      failures: {},
      reads: 900,
      writes: 100,
      bytes: 0,
      layers: { l1: 890, stale: 5, replica: 5 },
      queries: { primary: 0, replicas: [0] },
      redisRoundTrips: 0,
      loads: 0,
      perRead: { primaryQueries: 0.001, replicaQueries: 0.002, redisRoundTrips: 0.05 },
      cpuMicroseconds: { [`${subject}-1`]: subject === 'turno' ? 40_000 : 200_000, redis: 5_000 },
      ...change.counts
    }
  }
}

const rounds = [0, 1, 2, 3, 4, 5]
const pairs = (change: (round: number) => Partial<Block> = () => ({})) =>
  rounds.flatMap((round) => [block('turno', round, change(round)), block('seed', round)])
const seedGate: Gate = {
  gate: 'seed',
  says: '',
  scenario: 'profiles',
  measure: 'ratio',
  metric: 'requests per CPU second',
  baseline: 'seed',
  direction: 'at least',
  bound: 4,
  unit: '×'
}
const hitGate: Gate = {
  gate: 'hit-ratio',
  says: '',
  scenario: 'profiles',
  measure: 'hit ratio',
  direction: 'at least',
  bound: 0.99,
  unit: ''
}
const verdictOf = (blocks: readonly Block[], gate: Gate) => {
  const [verdict] = judge({ blocks, comparisons: comparisonsOf(blocks, 'turno') }, [gate])
  if (!verdict) throw new Error('a gate without a verdict')
  return verdict
}

t.test('a ratio', async (t) => {
  t.test('is the geometric mean of the pairs, within its interval', async (t) => {
    const found = ratioOf([
      [2, 1],
      [8, 1],
      [4, 1],
      [4, 1]
    ])
    t.ok(Math.abs((found?.ratio ?? 0) - 4) < 1e-9)
    t.ok(found && found.low > 2 && found.low < 4 && found.high > 4 && found.high < 8)
  })

  t.test('is the surer the less the pairs differ, and none without pairs', async (t) => {
    const steady = ratioOf(rounds.map(() => [3, 1]))
    t.ok(steady && steady.high - steady.low < 1e-9)
    t.equal(ratioOf([]), null)
    t.equal(ratioOf([[0, 1]]), null)
  })

  t.test('comes of turns forwards and backwards', async (t) => {
    t.same(
      rounds.slice(0, 4).flatMap((round) => orderOf(['A', 'B'], round)),
      [...'ABBAABBA']
    )
  })

  t.test('leaves doubted pairs out, and is itself in doubt when most are', async (t) => {
    const some = pairs((round) => (round === 0 ? { doubts: ['noise'] } : {}))
    const most = pairs((round) => (round < 4 ? { doubts: ['noise'] } : {}))
    const of = (blocks: readonly Block[]) =>
      comparisonsOf(blocks, 'turno').find(({ metric }) => metric === 'requests per CPU second')
    t.match(of(some), { ratio: 5, pairs: 5, doubts: [] })
    t.equal(of(most)?.doubts.length, 1)
    // How much of its processor the driver took says nothing of what a request took of the subject's.
    const driven = pairs(() => ({ doubts: ['the driver took 90 % of its processor'] }))
    t.match(of(driven), { pairs: 6, doubts: [] })
    t.equal(
      comparisonsOf(driven, 'turno').find(({ metric }) => metric === 'requests per second')?.doubts.length,
      1
    )
  })
})

t.test('blocks are compared if they are paired, whatever drove them', async (t) => {
  const of = (change: Partial<Block>) =>
    comparisonsOf([block('turno', 0, change), block('seed', 0, change)], 'turno').length
  t.ok(of({ driver: 'open' }) > 0)
  t.equal(of({ driver: 'open', paired: false }), 0, 'such as a fault that both live through')
})

t.test('a gate', async (t) => {
  t.test('passes what holds and breaks what does not', async (t) => {
    t.match(verdictOf(pairs(), seedGate), { outcome: 'pass', value: 5 })
    t.match(verdictOf(pairs(), { ...seedGate, bound: 6 }), { outcome: 'broken' })
    t.match(verdictOf(pairs(), hitGate), { outcome: 'pass' })
    t.match(verdictOf(pairs(), { ...hitGate, bound: 0.999 }), { outcome: 'broken' })
  })

  t.test('never passes what is in doubt, however good it looks', async (t) => {
    const noisy = pairs(() => ({ doubts: ['others took 40 % of the machine'] }))
    t.match(verdictOf(noisy, seedGate), { outcome: 'invalid', because: /others took 40 %/ })
    t.match(verdictOf(pairs().slice(0, 4), seedGate), { outcome: 'invalid', because: /only 2 pairs/ })
    t.match(verdictOf([block('turno', 0, { counts: { requests: 10 } })], hitGate), { outcome: 'invalid' })
    t.match(verdictOf([block('turno', 0, { counts: { layers: {} } })], hitGate), { outcome: 'invalid' })
    t.match(
      verdictOf([block('turno', 0, { counts: { perRead: null } })], {
        ...hitGate,
        measure: 'Redis round trips per read'
      }),
      {
        outcome: 'invalid'
      }
    )
  })

  t.test('judges counts on a noisy machine, too', async (t) => {
    const noisy = pairs(() => ({ doubts: ['others took 40 % of the machine'] }))
    t.match(verdictOf(noisy, hitGate), { outcome: 'pass' })
  })

  t.test('says so when it was not run', async (t) => {
    t.match(verdictOf(pairs(), { ...seedGate, baseline: 'bentocache' }), { outcome: 'not run', value: null })
    t.match(verdictOf([], hitGate), { outcome: 'not run' })
  })

  t.test('decides how the run ends: 0, 1 or 2', async (t) => {
    const of = (...outcomes: ('pass' | 'broken' | 'invalid' | 'not run')[]) =>
      exitCodeOf(outcomes.map((outcome) => ({ ...verdictOf(pairs(), hitGate), outcome })))
    t.equal(of('pass', 'not run'), 0)
    t.equal(of('pass', 'broken', 'invalid'), 1)
    t.equal(of('pass', 'invalid'), 2)
    t.equal(of('not run'), 2)
    t.equal(of(), 2)
  })

  t.test('of slo.json is about a scenario that there is, and is counted somehow', async (t) => {
    const gates: Gate[] = JSON.parse(readFileSync(new URL('../../bench/slo.json', import.meta.url), 'utf8'))
    for (const gate of gates) {
      t.ok(
        scenarios.some(({ name }) => name === gate.scenario),
        gate.gate
      )
      t.equal(judge({ blocks: [], comparisons: [] }, [gate])[0]?.outcome, 'not run')
    }
  })
})

t.test('the knee is the last rate before the first that broke', async (t) => {
  const point = (offered: number, change = {}) => ({
    offered,
    achieved: offered,
    p50: 1,
    p99: 1_000,
    p999: 2_000,
    good: 1,
    ...change
  })
  t.equal(kneeOf([point(100), point(200), point(300, { p99: 90_000 }), point(400)]), 200)
  t.equal(kneeOf([point(100, { achieved: 50 })]), null)
  t.equal(kneeOf([point(100), point(200, { good: 0.9 })]), 100)
})

t.test('a fault is over when answers are as before', async (t) => {
  const second = (at: number, change: Partial<Second> = {}): Second => ({
    at,
    requests: 100,
    good: 100,
    p50: 1_000,
    p99: 5_000,
    layers: {},
    rss: 0,
    eventLoopDelayMs: null,
    gcMs: null,
    ...change
  })
  const timeline = [0, 1, 2, 3, 4, 5, 6, 7].map((at) =>
    second(at, at === 2 || at === 3 ? { good: 50 } : at === 4 ? { p99: 900_000 } : {})
  )
  const card = faultCardOf(block('turno', 0, { timeline }), 'Redis hangs', 2, 4)
  t.match(card, { goodShare: 0.5, recoveredAfterMs: 1_000 })
  const never = faultCardOf(block('turno', 0, { timeline: timeline.slice(0, 5) }), 'Redis hangs', 2, 4)
  t.equal(never.recoveredAfterMs, null)
})
