// When a process stood still: the machine ran others, or its own event loop was busy.
import { clock } from './journal.ts'

const tickMs = 10
const stallMs = 20

/** Calls `stalled` with each time span of more than 20 ms in which this process did nothing. Returns what ends it. */
export function watchStalls(stalled: (from: number, to: number) => void): () => void {
  let at = clock()
  const timer = setInterval(() => {
    const from = at + tickMs
    at = clock()
    if (at - from > stallMs) stalled(from, at)
  }, tickMs)
  return () => clearInterval(timer)
}
