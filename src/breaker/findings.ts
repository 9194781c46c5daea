// When a target is found to be failing: most of its recent calls failed, and enough of them to say so. Pure.

const stretchMs = 5_000
/** Fewer failures than this are bad luck. */
const leastFailures = 5
/** Of the calls of the last two stretches. */
const failingShare = 0.5

/** What came of the calls of this process to one target, in the last five to ten seconds. */
export class Findings {
  #since = Number.NEGATIVE_INFINITY
  #now = { calls: 0, failures: 0 }
  #before = { calls: 0, failures: 0 }

  /** Notes a call. True: the target is failing. @param now monotonic, ms */
  note(failed: boolean, now: number): boolean {
    if (now - this.#since >= stretchMs) {
      const recent = now - this.#since < 2 * stretchMs
      this.#before = recent ? this.#now : { calls: 0, failures: 0 }
      this.#now = { calls: 0, failures: 0 }
      this.#since = now
    }
    this.#now.calls++
    if (failed) this.#now.failures++
    const calls = this.#now.calls + this.#before.calls
    const failures = this.#now.failures + this.#before.failures
    return failed && failures >= leastFailures && failures >= calls * failingShare
  }

  forget(): void {
    this.#now = { calls: 0, failures: 0 }
    this.#before = { calls: 0, failures: 0 }
  }
}
