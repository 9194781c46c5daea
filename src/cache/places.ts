// Where each record of the shelf lies, by the hash of its name: open addressing in one array of numbers, which the
// garbage collector does not look into. Several records may have one hash: who asks looks at their names. Pure.

/** Slots at the beginning; they double when three in four are taken, so that a search ends after a few steps. */
const fewestSlots = 256
const fullest = 3 / 4
const bytesPerSlot = 8

export class Places {
  /** Records that have a place. */
  count = 0
  // Hash and place of each slot in turn. Place 0: the slot is free.
  #slots = new Uint32Array(2 * fewestSlots)
  #mask = fewestSlots - 1

  get bytes(): number {
    return (this.#mask + 1) * bytesPerSlot
  }

  /** The first slot with this hash; -1: there is none. A slot's number holds until the next change. */
  first(hash: number): number {
    return this.#seek(hash, hash & this.#mask)
  }

  /** The next slot with this hash. */
  after(slot: number, hash: number): number {
    return this.#seek(hash, (slot + 1) & this.#mask)
  }

  at(slot: number): number {
    return this.#slots[2 * slot + 1] ?? 0
  }

  /** @param place above 0 */
  add(hash: number, place: number): void {
    if (this.count >= (this.#mask + 1) * fullest) this.#grow()
    this.#put(hash, place)
    this.count++
  }

  /** The record at `from` lies at `to` now. */
  move(hash: number, from: number, to: number): void {
    this.#slots[2 * this.#slotOf(hash, from) + 1] = to
  }

  remove(hash: number, place: number): void {
    this.removeAt(this.#slotOf(hash, place))
  }

  // Those behind that could not have their own slot move up, so that no search meets a gap.
  removeAt(slot: number): void {
    const slots = this.#slots
    const mask = this.#mask
    let free = slot
    for (let next = (slot + 1) & mask; this.at(next) !== 0; next = (next + 1) & mask) {
      const home = (slots[2 * next] ?? 0) & mask
      if (((next - home) & mask) < ((next - free) & mask)) continue
      slots[2 * free] = slots[2 * next] ?? 0
      slots[2 * free + 1] = slots[2 * next + 1] ?? 0
      free = next
    }
    slots[2 * free + 1] = 0
    this.count--
  }

  clear(): void {
    this.count = 0
    this.#slots = new Uint32Array(2 * fewestSlots)
    this.#mask = fewestSlots - 1
  }

  #seek(hash: number, from: number): number {
    const slots = this.#slots
    const mask = this.#mask
    for (let slot = from; slots[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      if (slots[2 * slot] === hash) return slot
    }
    return -1
  }

  #slotOf(hash: number, place: number): number {
    let slot = this.first(hash)
    while (slot !== -1 && this.at(slot) !== place) slot = this.after(slot, hash)
    if (slot === -1) throw new Error('each record has its place')
    return slot
  }

  #put(hash: number, place: number): void {
    let slot = hash & this.#mask
    while (this.at(slot) !== 0) slot = (slot + 1) & this.#mask
    this.#slots[2 * slot] = hash
    this.#slots[2 * slot + 1] = place
  }

  #grow(): void {
    const former = this.#slots
    this.#slots = new Uint32Array(2 * former.length)
    this.#mask = former.length - 1
    for (let i = 0; i < former.length; i += 2) {
      const place = former[i + 1] ?? 0
      if (place !== 0) this.#put(former[i] ?? 0, place)
    }
  }
}
