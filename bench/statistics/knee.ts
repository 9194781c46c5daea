// Where more load stops being more work done. Pure.
import type { Curve } from '../result.ts'

export type Point = Curve['points'][number]

/** A rate is kept while nearly all of it is answered well and the slowest in a hundred still soon. Times in µs. */
export const kept = { goodShare: 0.99, achievedShare: 0.98, p99: 50_000 } as const

export function isKept({ offered, achieved, good, p99 }: Point): boolean {
  return achieved >= offered * kept.achievedShare && good >= kept.goodShare && p99 <= kept.p99
}

/** The last rate that was kept before the first that was not; null where not even the first was. */
export function kneeOf(points: readonly Point[]): number | null {
  const broken = points.findIndex((point) => !isKept(point))
  const before = broken === -1 ? points : points.slice(0, broken)
  return before.at(-1)?.offered ?? null
}
