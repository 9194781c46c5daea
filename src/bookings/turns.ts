// One calendar's writes of this process come one after another. They would anyway, at the row's lock; but there each of
// them holds a connection while it waits, and a crowd at one therapist would keep everybody else from the database.
// Nothing rests on it: what makes bookings safe is the lock alone.
import { Problem } from '../http/problem.ts'

/** More in one line than could have their turn in time. */
const mostWaiting = 1_000
const patienceMs = 10_000

type Line = { last: Promise<void>; length: number }

/** Lines by what they are for. A line that nobody stands in is not kept. */
export class Turns {
  #lines = new Map<string, Line>()

  /**
   * Runs `work` once all who came before for this `name` are done.
   * @throws Problem `unavailable` when the line is too long, or the turn does not come in ten seconds
   */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(name) ?? { last: Promise.resolve(), length: 0 }
    if (line.length >= mostWaiting) throw crowded()
    const before = line.last
    const turn = Promise.withResolvers<void>()
    // Who gives up lets the next one in no sooner than those before are done.
    line.last = before.then(() => turn.promise)
    line.length++
    this.#lines.set(name, line)
    try {
      await within(patienceMs, before)
      return await work()
    } finally {
      turn.resolve()
      if (--line.length === 0) this.#lines.delete(name)
    }
  }
}

async function within(limitMs: number, turn: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(crowded()), limitMs)
  })
  try {
    await Promise.race([turn, limit])
  } finally {
    clearTimeout(timer)
  }
}

function crowded(): Problem {
  return new Problem('unavailable', 'Too many are booking here at this moment.')
}
