// Whether somebody guesses keys: more of what is asked for does not exist than old links and slips of the keyboard
// explain. A bucket that leaks: what is harmless runs out of it as fast as it comes in. Pure.

/** So many absences a second are nobody's attack. */
const harmlessPerSecond = 10
/** It is a flood when so many have come beyond that. */
const beginsAt = 100
/** Counted no further: however high it was, it is over 20 s after the last. */
const mostCounted = 200

export class Flood {
  #level = 0
  #at = 0
  #lasts = false

  /** One more that does not exist. Times are local monotonic ms. */
  count(time: number): void {
    this.#sink(time)
    this.#level = Math.min(this.#level + 1, mostCounted)
    if (this.#level >= beginsAt) this.#lasts = true
  }

  /** From when it has begun until all of it has run out. */
  lasts(time: number): boolean {
    this.#sink(time)
    return this.#lasts
  }

  #sink(time: number): void {
    this.#level = Math.max(0, this.#level - ((time - this.#at) / 1000) * harmlessPerSecond)
    this.#at = time
    if (this.#level === 0) this.#lasts = false
  }
}
