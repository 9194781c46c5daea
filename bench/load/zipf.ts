// Which of many is asked for: Zipf's law, the popular ones scattered among the others (YCSB's scrambled Zipfian). Pure.
import type { Stream } from '../../db/seed/random.ts'

/**
 * Draws numbers below `count`: the one of rank r with a probability proportional to 1/r^theta. Which number has which
 * rank is drawn too, from `order`, so that neighbours in a table are not neighbours in popularity.
 * @param theta 0: all alike; 0.99: YCSB's
 */
export function zipf(count: number, theta: number, order: Stream, draws: Stream): () => number {
  if (count < 1) throw new RangeError('nothing to draw from')
  const cumulated = new Float64Array(count)
  let total = 0
  for (let rank = 0; rank < count; rank++) {
    total += 1 / (rank + 1) ** theta
    cumulated[rank] = total
  }
  const ofRank = shuffled(count, order)
  return () => ofRank[firstAbove(cumulated, draws.next() * total)] ?? 0
}

function firstAbove(ascending: Float64Array, wanted: number): number {
  let low = 0
  let high = ascending.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? 0) > wanted) high = middle
    else low = middle + 1
  }
  return low
}

/** Fisher and Yates. */
function shuffled(count: number, random: Stream): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index)
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(0, i)
    const held = order[i] ?? 0
    order[i] = order[j] ?? 0
    order[j] = held
  }
  return order
}
