// The newest version of each slot that this process knows of: nothing older may be served. In memory only.
import { type Stamp, slotCount } from './slot.ts'

export class Floors {
  // A flat array of doubles: 2 MiB once, no allocation and no hashing on a hit.
  #newest = new Float64Array(slotCount)

  /** A version never falls while the primary stays the same. */
  raise(slot: number, version: number): void {
    if (version > (this.#newest[slot] ?? Number.POSITIVE_INFINITY)) this.#newest[slot] = version
  }

  raiseTo(stamp: Stamp): void {
    for (let i = 0; i < stamp.slots.length; i++) this.raise(stamp.slots[i] ?? -1, stamp.versions[i] ?? 0)
  }

  of(slots: readonly number[]): number[] {
    return slots.map((slot) => this.#newest[slot] ?? 0)
  }

  /** True when no newer version of this slot is known here. */
  allowOne(slot: number, version: number): boolean {
    return version >= (this.#newest[slot] ?? 0)
  }

  /** True when no newer version of the stamp's slots is known here. */
  allow(stamp: Stamp): boolean {
    const { slots, versions } = stamp
    for (let i = 0; i < slots.length; i++) {
      if ((versions[i] ?? 0) < (this.#newest[slots[i] ?? -1] ?? 0)) return false
    }
    return true
  }

  /** Another primary has another history: its versions and those known so far cannot be compared. */
  forget(): void {
    this.#newest.fill(0)
  }
}
