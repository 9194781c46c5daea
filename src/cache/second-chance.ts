// Entries as objects, up to so many bytes, and which of them goes when there is no room. A look-up leaves a mark and moves
// nothing, where an LRU mends its list each time. Who is first in line with a mark loses it and goes to the end; without one
// he goes (Corbató, A Paging Experiment with the Multics System, 1968; as a queue: Tanenbaum, Modern Operating Systems,
// "second chance"). Pure.
import { bytesOf, type Entry } from './entry.ts'

export type SecondChanceOptions = {
  /** Bytes of all. */
  capacity: number
  /** A larger entry is not kept. Left out: as large as all. */
  largest?: number
  /** Called with each that has to make room. */
  evicted(name: string, entry: Entry): void
}

export class SecondChance {
  #capacity: number
  #largest: number
  #evicted: SecondChanceOptions['evicted']
  /** In the order of the line. */
  #entries = new Map<string, Entry>()
  /**
   * Whose turn it is. Kept, for a new one would look for the first of them past all that have gone; and begun at the first
   * need, for one that stands still keeps every table that the map has outgrown.
   */
  #line: MapIterator<[string, Entry]> | null = null
  #bytes = 0

  constructor({ capacity, largest = capacity, evicted }: SecondChanceOptions) {
    this.#capacity = capacity
    this.#largest = largest
    this.#evicted = evicted
  }

  get size(): number {
    return this.#entries.size
  }

  /** As counted by `bytesOf`. */
  get bytes(): number {
    return this.#bytes
  }

  /** Marks it. */
  get(name: string): Entry | undefined {
    const entry = this.#entries.get(name)
    if (entry !== undefined) entry.used = true
    return entry
  }

  peek(name: string): Entry | undefined {
    return this.#entries.get(name)
  }

  /** Puts it at the end of the line, without a mark; what is held under this name goes. */
  set(name: string, entry: Entry): void {
    this.delete(name)
    const bytes = bytesOf(entry, name)
    if (bytes > this.#largest) return
    // Before it stands in the line: where all others were looked up it would be the first to go.
    while (this.#bytes + bytes > this.#capacity) this.#makeRoom()
    this.#bytes += bytes
    entry.used = false
    this.#entries.set(name, entry)
  }

  delete(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#entries.delete(name)
    this.#bytes -= bytesOf(entry, name)
  }

  clear(): void {
    this.#entries.clear()
    this.#line = null
    this.#bytes = 0
  }

  #makeRoom(): void {
    this.#line ??= this.#entries.entries()
    const next = this.#line.next()
    if (next.done) {
      this.#line = null
      return
    }
    const [name, entry] = next.value
    if (entry.used) {
      entry.used = false
      this.#entries.delete(name)
      this.#entries.set(name, entry)
      return
    }
    this.delete(name)
    this.#evicted(name, entry)
  }
}
