// What the rounds say, and how sure that is. Pure.
import { randomOf } from './entries.ts'

export type Estimate = {
  readonly median: number
  /** 95 % confidence interval of the median, by bootstrap over the rounds (percentiles, fixed seed). */
  readonly low: number
  readonly high: number
}

const resamples = 1_000

export function median(values: Iterable<number>): number {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >>> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** One value per round. The median, not the mean: a round that another process cut into must not decide. */
export function estimate(values: readonly number[]): Estimate {
  const random = randomOf(3)
  const medians = Float64Array.from({ length: resamples }, () =>
    median(Float64Array.from(values, () => values[Math.floor(random() * values.length)] ?? Number.NaN))
  ).sort()
  const at = (share: number) => medians[Math.round(share * (resamples - 1))] ?? Number.NaN
  return { median: median(values), low: at(0.025), high: at(0.975) }
}
