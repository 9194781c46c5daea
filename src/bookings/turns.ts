// One calendar's writes of this process come a few at a time. More would only wait at the row's lock, each holding a
// connection while it does, and a crowd at one therapist would keep everybody else from the database. Nothing rests on
// it: what makes bookings safe is the lock alone.
import { Problem } from '../http/problem.ts'

/** So many at a time: one at the lock, the others on their way to it and back. */
const atATime = 3
/** More in one line than could have their turn in time. */
const mostWaiting = 1_000
const patienceMs = 15_000

type Line = { underWay: number; waiting: Set<() => void> }

/** Lines by what they are for. A line that nobody stands in is not kept. */
export class Turns {
  #lines = new Map<string, Line>()

  /**
   * Runs `work` when it is its turn in the line of this `name`: first come, first served.
   * @throws Problem `unavailable` when the line is too long, or the turn does not come in fifteen seconds
   */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(name) ?? { underWay: 0, waiting: new Set() }
    this.#lines.set(name, line)
    if (line.underWay < atATime) line.underWay++
    else await turnIn(line)
    try {
      return await work()
    } finally {
      const [next] = line.waiting
      // Whoever leaves hands on the place: the number of those under way stays.
      if (next) next()
      else if (--line.underWay === 0) this.#lines.delete(name)
    }
  }
}

function turnIn({ waiting }: Line): Promise<void> {
  if (waiting.size >= mostWaiting) throw crowded()
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      waiting.delete(take)
      reject(crowded())
    }, patienceMs)
    const take = () => {
      waiting.delete(take)
      clearTimeout(limit)
      resolve()
    }
    waiting.add(take)
  })
}

function crowded(): Problem {
  return new Problem('unavailable', 'Too many are booking here at this moment.')
}
