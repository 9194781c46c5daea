// When requests come: a Poisson process whose rate changes in steps. Pure.
import type { Stream } from '../../db/seed/random.ts'

/** So many requests a second, for so long. */
export type Step = { seconds: number; rate: number }

/**
 * The moments at which requests are to be sent, in ms from the begin, ascending: independent of each other and of any
 * answer, as people are. After a change of rate the process begins anew, which a Poisson process does not notice.
 */
export function* arrivals(steps: readonly Step[], random: Stream): Generator<number> {
  let begin = 0
  for (const { seconds, rate } of steps) {
    const end = begin + seconds * 1000
    for (let at = begin + random.exponential(1000 / rate); at < end; at += random.exponential(1000 / rate)) {
      yield at
    }
    begin = end
  }
}

export function lengthOf(steps: readonly Step[]): number {
  return steps.reduce((sum, { seconds }) => sum + seconds, 0)
}
