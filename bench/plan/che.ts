// How long an LRU keeps what nobody asks for, and whose share of requests that answers: Che's approximation. Pure.
// H. Che, Y. Tung, Z. Wang: Hierarchical Web Caching Systems, IEEE JSAC 20 (2002); why it is this good: C. Fricker,
// P. Robert, J. Roberts: A Versatile and Accurate Approximation for LRU Cache Performance, ITC 24 (2012).

/** Keys that are asked for about equally often. */
export type Group = {
  members: number
  /** Of all requests, that each member gets. */
  share: number
}

/** Entries of one size that are asked for at one rate. */
export type Held = {
  members: number
  /** Requests a second for each. */
  rate: number
  bytes: number
}

/** Ranks that stand alone: the head of the distribution is where the requests are. */
const alone = 2_000
/** Below the head a group spans this share of its rank: all its members are nearly equally popular. */
const span = 0.01

/**
 * Zipf's law over `count` keys: the one of rank r is asked for in proportion to 1/r^theta. As groups, so that a million
 * keys are some three thousand terms of a sum.
 * @param theta 0: all alike; 0.99: YCSB's
 */
export function popularity(count: number, theta: number): Group[] {
  const groups: Group[] = []
  for (let first = 1; first <= count; ) {
    const members = first <= alone ? 1 : Math.min(Math.ceil(first * span), count - first + 1)
    let weight = 0
    for (let rank = first; rank < first + members; rank++) weight += rank ** -theta
    groups.push({ members, share: weight / members })
    first += members
  }
  const total = groups.reduce((sum, { members, share }) => sum + members * share, 0)
  return groups.map(({ members, share }) => ({ members, share: share / total }))
}

/**
 * The time after which an entry that nobody asks for has been pushed out, seconds: the one at which as much has been
 * asked for since as fits. Infinity where everything fits.
 * @param bytes what the cache holds
 */
export function characteristicTime(held: readonly Held[], bytes: number): number {
  const touchedWithin = (seconds: number) =>
    held.reduce((sum, one) => sum - one.members * one.bytes * Math.expm1(-one.rate * seconds), 0)
  if (touchedWithin(Number.POSITIVE_INFINITY) <= bytes) return Number.POSITIVE_INFINITY
  let [low, high] = [1e-9, 1]
  while (touchedWithin(high) < bytes) high *= 2
  for (let step = 0; step < 60; step++) {
    const middle = Math.sqrt(low * high)
    if (touchedWithin(middle) < bytes) low = middle
    else high = middle
  }
  return high
}

/** Share of requests that an LRU of so many entries answers, all of one size. */
export function hitRatio(groups: readonly Group[], entries: number): number {
  const time = characteristicTime(
    groups.map(({ members, share }) => ({ members, rate: share, bytes: 1 })),
    entries
  )
  return groups.reduce((sum, { members, share }) => sum - members * share * Math.expm1(-share * time), 0)
}
