// Distributions of durations: HDR histograms in microseconds with three digits, and the points that tell one.
import { build, type Histogram } from 'hdr-histogram-js'
import type { Distribution } from '../result.ts'

/** Two minutes: nothing here waits as long. */
const longestMicroseconds = 120_000_000

export function histogram(): Histogram {
  return build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: longestMicroseconds,
    numberOfSignificantValueDigits: 3
  })
}

/** @param ms what is counted; anything below a microsecond is one */
export function record(into: Histogram, ms: number): void {
  into.recordValue(Math.min(longestMicroseconds, Math.max(1, Math.round(ms * 1000))))
}

// Ten points for each tenth that is left: 0…90, 91…99, 99.1…99.9, and so on.
const percentiles = [1, 0.1, 0.01, 0.001]
  .flatMap((width) => Array.from({ length: 9 }, (_, index) => 100 - width * 10 * (1 - index / 10)))
  .map((one) => Number(one.toFixed(6)))
const spectrumAt = [0, 10, 20, 30, 40, 50, 60, 70, 80, ...percentiles, 100]

export function distributionOf(from: Histogram): Distribution {
  const { totalCount: count } = from
  if (count === 0) return { count, mean: 0, max: 0, spectrum: [] }
  // Beyond what the count can resolve, every point would be the maximum again.
  const told = spectrumAt.filter((percentile) => percentile === 100 || (1 - percentile / 100) * count >= 1)
  return {
    count,
    mean: Math.round(from.mean),
    max: from.maxValue,
    spectrum: told.map((percentile) => [percentile, from.getValueAtPercentile(percentile)])
  }
}

/** The value at a percentile, from the points that are told: the next above it, so never less than it was. */
export function valueAt({ spectrum, max }: Distribution, percentile: number): number {
  return spectrum.find(([at]) => at >= percentile - 1e-9)?.[1] ?? max
}
