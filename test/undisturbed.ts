// For what is only so while the machine lets the process run. A proof of freshness lives for 50 ms: a process that
// stood still for longer has, rightly, lost it, and asks more than it would have otherwise.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Test } from 'tap'

const stillnessMs = 20
const attempts = 25

/** Passes when `attempt` once throws nothing; fails when it throws although this process did not stand still. */
export async function undisturbed(
  t: Pick<Test, 'pass' | 'error'>,
  attempt: () => Promise<void>
): Promise<void> {
  for (let left = attempts; left > 0; left--) {
    const stillness = monitorEventLoopDelay({ resolution: 1 })
    stillness.enable()
    try {
      await attempt()
      t.pass()
      return
    } catch (error) {
      // The last tick may be the late one: let it be seen.
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (stillness.max < stillnessMs * 1e6 || left === 1) {
        t.error(error)
        return
      }
    } finally {
      stillness.disable()
    }
  }
}
