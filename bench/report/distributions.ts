// Distributions of several blocks as one. Percentiles are never averaged: the shares of answers within a time are, each
// weighted by how many answers it stands for, and that is the merged distribution as exactly as the points tell it.
import type { Distribution } from '../result.ts'

export function merged(distributions: readonly Distribution[]): Distribution {
  const told = distributions.filter(({ count, spectrum }) => count > 0 && spectrum.length > 0)
  const [first, ...more] = told
  if (first === undefined) return { count: 0, mean: 0, max: 0, spectrum: [] }
  if (more.length === 0) return first
  const count = told.reduce((sum, one) => sum + one.count, 0)
  const values = [...new Set(told.flatMap(({ spectrum }) => spectrum.map(([, value]) => value)))].sort(
    (one, other) => one - other
  )
  const spectrum = values.map((value) => {
    const within = told.reduce((sum, one) => sum + one.count * percentileOf(one, value), 0)
    return [within / count, value] as const
  })
  return {
    count,
    mean: told.reduce((sum, one) => sum + one.count * one.mean, 0) / count,
    max: Math.max(...told.map(({ max }) => max)),
    spectrum
  }
}

/** Which percentile of a distribution a value is. */
function percentileOf({ spectrum }: Distribution, value: number): number {
  const above = spectrum.findIndex(([, at]) => at > value)
  if (above === 0) return 0
  if (above === -1) return 100
  const [lowPercentile = 0, low = 0] = spectrum[above - 1] ?? []
  const [highPercentile = 0, high = 0] = spectrum[above] ?? []
  return lowPercentile + ((highPercentile - lowPercentile) * (value - low)) / (high - low)
}

/** µs; null where nothing was counted. */
export function valueAt({ spectrum }: Distribution, percentile: number): number | null {
  const above = spectrum.findIndex(([at]) => at >= percentile)
  const [highPercentile, high] = spectrum[above === -1 ? spectrum.length - 1 : above] ?? []
  if (highPercentile === undefined || high === undefined) return null
  const [lowPercentile, low] = spectrum[above - 1] ?? []
  if (above <= 0 || lowPercentile === undefined || low === undefined || highPercentile === lowPercentile)
    return high
  return low + ((high - low) * (percentile - lowPercentile)) / (highPercentile - lowPercentile)
}

const enough = 10

/** The highest percentile that at least ten answers lie beyond: what is further out is chance. */
export const resolvable = ({ count }: Distribution) => (count > enough ? 100 * (1 - enough / count) : 0)
