// A sliding window by two counts: those of the current fixed window, and those of the one before, weighted by how much
// of it the sliding window still covers. Two numbers for each address instead of one for each request. Pure.

/** Counts of one fixed window and of the one before it. */
export type Counts = { current: number; previous: number }

/** @param elapsed share of the current fixed window that has passed, 0 to 1 */
export function countedIn({ current, previous }: Counts, elapsed: number): number {
  return current + previous * (1 - elapsed)
}

/**
 * How long until one more request fits, if none is counted meanwhile, ms.
 * @param elapsed share of the current fixed window that has passed, 0 to 1
 */
export function waitFor(
  quota: number,
  windowMs: number,
  { current, previous }: Counts,
  elapsed: number
): number {
  const room = quota - 1
  if (countedIn({ current, previous }, elapsed) <= room) return 0
  // The previous window's share may fall low enough before the current one ends; else the current one becomes it.
  if (current <= room) return (1 - (room - current) / previous - elapsed) * windowMs
  return (1 - elapsed) * windowMs + (1 - room / current) * windowMs
}
