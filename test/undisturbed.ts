// For what is only so while the machine lets the processes run. A proof of freshness lives for 50 ms and a command of
// Redis as long: an instance that was not let run, or not answered, for longer asks more than it would have otherwise,
// and is right to. What is held to here must be so at least once in a few attempts; what is broken never is.
import type { Test } from 'tap'

const attempts = 8

/** Passes with the first attempt that throws nothing; fails with what the last one threw. */
export async function undisturbed(
  t: Pick<Test, 'pass' | 'error'>,
  attempt: () => Promise<void>
): Promise<void> {
  for (let left = attempts; left > 0; left--) {
    try {
      await attempt()
      t.pass()
      return
    } catch (error) {
      if (left === 1) t.error(error)
    }
  }
}
