// What paired blocks say: the ratio of two subjects, and how sure that is. Pure.
import { stream } from '../../db/seed/random.ts'

export type Ratio = { ratio: number; low: number; high: number; pairs: number }

const resamples = 2_000

/**
 * The order of one round: forwards and backwards in turn (A B, B A, …), so that what drifts over a run falls on all
 * alike.
 */
export function orderOf<T>(subjects: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...subjects] : subjects.toReversed()
}

/**
 * Geometric mean of the pairs' ratios, with its 95 % confidence interval by bootstrap over the pairs (percentiles).
 * Null for no pairs.
 */
export function ratioOf(pairs: readonly (readonly [value: number, baseline: number])[]): Ratio | null {
  const logs = pairs
    .filter(([value, baseline]) => value > 0 && baseline > 0)
    .map(([value, baseline]) => Math.log(value / baseline))
  if (logs.length === 0) return null
  const random = stream('bootstrap', String(logs.length))
  const means = Float64Array.from({ length: resamples }, () =>
    mean(logs.map(() => logs[random.integer(0, logs.length - 1)] ?? 0))
  ).sort()
  const at = (share: number) => Math.exp(means[Math.round(share * (resamples - 1))] ?? 0)
  return { ratio: Math.exp(mean(logs)), low: at(0.025), high: at(0.975), pairs: logs.length }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
