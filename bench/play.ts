// Goes through one scenario: which blocks in which order, and what they make together.
import type { Bench } from './bench.ts'
import { valueAt } from './drivers/distribution.ts'
import type { Plan } from './drivers/plan.ts'
import { faultCardOf, hang } from './faults.ts'
import { lengthOf, type Step } from './load/arrivals.ts'
import { measure } from './measure.ts'
import type { Options } from './options.ts'
import type { Block, Curve, FaultCard } from './result.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { isKept, kneeOf, type Point } from './statistics/knee.ts'
import { orderOf } from './statistics/pairs.ts'
import type { Subject } from './subjects/subject.ts'

export type Played = { blocks: Block[]; curves: Curve[]; faults: FaultCard[] }

type Stage = {
  bench: Bench
  options: Pick<Options, 'subjects' | 'seconds' | 'rounds' | 'rate' | 'theta' | 'seed' | 'smoke'>
  scenario: Scenario
  say: (line: string) => void
}

const main = 'turno'
const warmBetweenSeconds = 1

export async function play(stage: Stage): Promise<Played> {
  const played: Played = { blocks: [], curves: [], faults: [] }
  const { scenario, options } = stage
  stage.say(`${scenario.name}: ${scenario.says}`)
  if (scenario.compared && !options.smoke) await compare(stage, played)
  if (scenario.open) await drive(stage, played)
  if (scenario.knee) await search(stage, played)
  return played
}

/** Subjects in turn, forwards and backwards. */
async function compare(stage: Stage, played: Played): Promise<void> {
  const { bench, options, scenario } = stage
  const { compared } = scenario
  if (!compared) return
  const subjects = taking(stage, [main, ...compared.with])
  const rounds = options.rounds ?? compared.rounds
  for (let round = 0; round < rounds; round++) {
    for (const subject of orderOf(subjects, round)) {
      const block = await measure(bench, {
        scenario,
        running: await bench.running(subject),
        round,
        paired: true,
        load: pairedLoad(compared, options),
        // What was warm has only to be reminded.
        warmUp: round === 0 ? scenario.warmUp : Math.min(warmBetweenSeconds, scenario.warmUp),
        theta: options.theta,
        seed: options.seed,
        first: round === 0
      })
      tell(stage, block)
      played.blocks.push(block)
    }
  }
}

function pairedLoad(
  { seconds, rate }: NonNullable<Scenario['compared']>,
  options: Stage['options']
): Plan['load'] {
  const length = options.seconds ?? seconds
  if (rate === undefined) return { kind: 'closed', seconds: length }
  return { kind: 'open', steps: [{ seconds: length, rate: rate * options.rate }] }
}

async function drive(stage: Stage, played: Played): Promise<void> {
  const { bench, options, scenario } = stage
  for (const [index, { steps, subjects }] of (scenario.open ?? []).entries()) {
    for (const subject of taking(stage, subjects)) {
      const running = scenario.cold ? await bench.anew(subject) : await bench.running(subject)
      const taken = adapted(steps, options)
      const scale = lengthOf(taken) / lengthOf(steps)
      const fault = scenario.fault && {
        ...scenario.fault,
        from: scenario.fault.from * scale,
        until: scenario.fault.until * scale
      }
      const block = await measure(bench, {
        scenario,
        running,
        round: index,
        paired: false,
        load: { kind: 'open', steps: taken },
        warmUp: scenario.warmUp,
        theta: options.theta,
        seed: options.seed,
        first: true,
        ...(fault && { beside: () => hang(bench.stack.redis, fault.from, fault.until, bench.abort) })
      })
      tell(stage, block)
      played.blocks.push(block)
      if (fault) played.faults.push(faultCardOf(block, fault.what, fault.from, fault.until))
    }
  }
}

async function search(stage: Stage, played: Played): Promise<void> {
  const { bench, options, scenario } = stage
  const { knee } = scenario
  if (!knee) return
  for (const subject of taking(stage, knee.subjects)) {
    const points: Point[] = []
    for (let rate = knee.from, round = 0; rate <= knee.to; rate = Math.round(rate * knee.factor), round++) {
      const seconds = options.seconds ?? knee.seconds
      const block = await measure(bench, {
        scenario,
        running: await bench.running(subject),
        round,
        paired: false,
        load: { kind: 'open', steps: [{ seconds, rate }] },
        warmUp: round === 0 ? scenario.warmUp : warmBetweenSeconds,
        theta: options.theta,
        seed: options.seed,
        first: round === 0
      })
      tell(stage, block)
      played.blocks.push(block)
      const { counts, latency } = block
      const point = {
        offered: rate,
        achieved: counts.good / block.seconds,
        p50: valueAt(latency, 50),
        p99: valueAt(latency, 99),
        p999: valueAt(latency, 99.9),
        good: counts.good / Math.max(1, counts.requests)
      }
      points.push(point)
      if (!isKept(point)) break
    }
    played.curves.push({ scenario: scenario.name, subject: subject.name, points, knee: kneeOf(points) })
  }
}

function taking({ options, scenario }: Stage, names: readonly string[]): Subject[] {
  const serving = options.subjects.filter(({ serves }) => serves.includes(scenario.name))
  return names.flatMap((name) => serving.find((subject) => subject.name === name) ?? [])
}

function adapted(steps: readonly Step[], { seconds, rate }: Stage['options']): Step[] {
  const scale = seconds === null ? 1 : seconds / lengthOf(steps)
  return steps.map((step) => ({ seconds: step.seconds * scale, rate: step.rate * rate }))
}

function tell({ say }: Stage, block: Block): void {
  const { counts, latency, service, subject, driver, seconds, doubts } = block
  const own = Object.entries(counts.cpuMicroseconds).filter(([name]) => name.startsWith(subject))
  const cpu = own.reduce((sum, [, value]) => sum + value, 0) / Math.max(1, counts.requests)
  const times = driver === 'open' ? latency : service
  const ms = (percentile: number) => `${(valueAt(times, percentile) / 1000).toFixed(2)} ms`
  const failures = Object.entries(counts.failures).map(([reason, count]) => `, ${count} × ${reason}`)
  const perRead = counts.perRead
    ? `, per read ${counts.perRead.replicaQueries.toFixed(4)} + ${counts.perRead.primaryQueries.toFixed(4)} queries, ${counts.perRead.redisRoundTrips.toFixed(3)} round trips`
    : ''
  say(
    `  ${subject.padEnd(18)} ${driver.padEnd(6)} ${Math.round(counts.requests / seconds)}/s, ${cpu.toFixed(1)} µs, p50 ${ms(50)}, p99 ${ms(99)}${perRead}${failures.join('')}${doubts.length > 0 ? ` (doubted: ${doubts.join('; ')})` : ''}`
  )
  const layers = Object.entries(counts.layers).map(([layer, count]) => `${layer} ${count}`)
  if (layers.length > 1) say(`${' '.repeat(21)}${layers.join(', ')}`)
}
