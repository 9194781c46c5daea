// Judges a result by bench/slo.json. Counts need no quiet machine; ratios of times do, and where a block was doubted they
// are invalid: that is never a pass.
import type { Block, Comparison, Result, Verdict } from './result.ts'

export type Gate = Pick<Verdict, 'gate' | 'says' | 'bound' | 'direction' | 'unit'> & {
  scenario: string
  measure: Measure
  /** Of a ratio: which, against whom. */
  metric?: string
  baseline?: string
}

const subject = 'turno'
/** Fewer of them say nothing. */
const leastRequests = 500
const leastPairs = 4

type Value = { value: number; samples: number; because?: string }

type Judged = Pick<Result, 'blocks' | 'comparisons'>

const measures = {
  /** Of the reads that came through the cache, those that neither a replica nor the primary was asked for. */
  'hit ratio': ofBlocks((blocks) => {
    const of = (layer: keyof Block['counts']['layers']) =>
      sum(blocks, ({ counts }) => counts.layers[layer] ?? 0)
    const hits = of('l1') + of('redis') + of('stale')
    return hits / (hits + of('replica') + of('primary'))
  }),
  'primary queries per read': ofBlocks((blocks) => perRead(blocks, 'primaryQueries')),
  'replica queries per read': ofBlocks((blocks) => perRead(blocks, 'replicaQueries')),
  'Redis round trips per read': ofBlocks((blocks) => perRead(blocks, 'redisRoundTrips')),
  'queries per second': ofBlocks(
    (blocks) =>
      sum(
        blocks,
        ({ counts: { perRead, reads } }) =>
          ((perRead?.primaryQueries ?? Number.NaN) + (perRead?.replicaQueries ?? Number.NaN)) * reads
      ) / sum(blocks, ({ seconds }) => seconds)
  ),
  failures: ofBlocks((blocks) => sum(blocks, failuresOf)),
  'memory with 100,000 entries': ofBlocks(
    (blocks) => Math.max(...blocks.map(({ rssPeak }) => rssPeak)) / 2 ** 20,
    (blocks) => {
      const entries = Math.max(...blocks.map(({ counts }) => counts.entries ?? 0))
      return entries >= 100_000 ? undefined : `there were ${entries} entries`
    }
  ),
  ratio: ofComparison(({ ratio }) => ratio),
  'ratio, at least by the interval': ofComparison(({ low }) => low)
} satisfies Record<string, (result: Judged, gate: Gate) => Value | null>

export type Measure = keyof typeof measures

export function judge(result: Judged, gates: readonly Gate[]): Verdict[] {
  return gates.map((gate): Verdict => {
    const { says, bound, direction, unit } = gate
    const common = { gate: gate.gate, says, bound, direction, unit }
    const found = measures[gate.measure](result, gate)
    if (found === null) return { ...common, value: null, samples: 0, outcome: 'not run' }
    const { value, samples } = found
    const because = found.because ?? (Number.isFinite(value) ? undefined : 'it could not be counted')
    if (because !== undefined)
      return { ...common, value: Number.isFinite(value) ? value : null, samples, outcome: 'invalid', because }
    const holds = direction === 'at most' ? value <= bound : value >= bound
    return { ...common, value, samples, outcome: holds ? 'pass' : 'broken' }
  })
}

/** 0: all that was run passes; 1: something is broken; 2: nothing is, but something cannot be believed, or nothing was run. */
export function exitCodeOf(verdicts: readonly Verdict[]): 0 | 1 | 2 {
  if (verdicts.some(({ outcome }) => outcome === 'broken')) return 1
  if (verdicts.some(({ outcome }) => outcome === 'invalid')) return 2
  return verdicts.some(({ outcome }) => outcome === 'pass') ? 0 : 2
}

function ofBlocks(
  value: (blocks: readonly Block[]) => number,
  doubt: (blocks: readonly Block[]) => string | undefined = () => undefined
) {
  return ({ blocks }: Judged, { scenario }: Gate): Value | null => {
    const chosen = blocks.filter((block) => block.subject === subject && block.scenario === scenario)
    if (chosen.length === 0) return null
    const samples = sum(chosen, ({ counts }) => counts.requests)
    const because = samples < leastRequests ? `only ${samples} requests` : doubt(chosen)
    return { value: value(chosen), samples, ...(because !== undefined && { because }) }
  }
}

function ofComparison(value: (comparison: Comparison) => number) {
  return ({ comparisons }: Judged, { scenario, metric, baseline }: Gate): Value | null => {
    const found = comparisons.find(
      (one) =>
        one.subject === subject &&
        one.scenario === scenario &&
        one.metric === metric &&
        one.baseline === baseline
    )
    if (!found) return null
    const { pairs, doubts } = found
    const because = doubts[0] ?? (pairs < leastPairs ? `only ${pairs} pairs of blocks` : undefined)
    return { value: value(found), samples: pairs, ...(because !== undefined && { because }) }
  }
}

function perRead(blocks: readonly Block[], name: keyof NonNullable<Block['counts']['perRead']>): number {
  const reads = sum(blocks, ({ counts }) => counts.reads)
  return sum(blocks, ({ counts }) => (counts.perRead?.[name] ?? Number.NaN) * counts.reads) / reads
}

function failuresOf({ counts }: Block): number {
  return counts.requests - counts.good
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
