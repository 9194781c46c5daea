// What this process holds of a value, and what that weighs.
import type { Content } from './content.ts'
import type { Layer } from './events.ts'
import type { Stamp } from './slot.ts'

export type Answer = {
  readonly content: Content
  readonly layer: Layer
  /** Redis took part: it had the value, or has it now. */
  readonly shared: boolean
  /** Since when it has not been confirmed, ms; 0 unless `layer` is `stale`. */
  readonly ageMs: number
}

/**
 * What one entry takes beside its bytes and its name: Entry, Content, tag, and its place in the map. Measured (test/cache/entry.test.ts), and a little high on purpose: the map doubles when it is full.
 */
const overheadBytes = 400

/** What an entry in the heap is counted with. Bytes and names are Latin-1: one byte a character. */
export function bytesOf({ countedBytes }: Entry, name: string): number {
  return countedBytes + name.length + overheadBytes
}

// One object and as few beside it as can be: the heap's share of L1 is made of them. It is its own
// answer to a hit, which then allocates nothing; a stamp of one slot, as nearly all are, is kept as two numbers, and
// whole milliseconds are numbers in place, where fractions would be objects.
export class Entry implements Answer {
  readonly content: Content
  readonly layer = 'l1'
  readonly shared = false
  readonly ageMs = 0
  readonly #stamp: Stamp | null
  /** The stamp's slot and version where it has but one: a hit then reads no array. Slot -1: it has several. */
  readonly slot: number
  readonly version: number
  /** Of the link when it was last proved; -1 when Redis had no part in it. */
  generation: number
  /** The last moment at which nothing newer was known, with proof; local monotonic ms. */
  provenAt: number
  readonly expiresAt: number
  /** From here on a hit also fetches anew, so that nobody waits at the end. */
  readonly refreshAt: number
  /** Of its content when it was weighed. It grows: encodings are made at first need. */
  countedBytes: number
  /** Looked up since its turn to go came last. */
  used = false
  /** Of the shelf, by which it knows what it gave out; 0: it never lay there. */
  receipt = 0

  constructor(
    content: Content,
    stamp: Stamp,
    moments: Pick<Entry, 'generation' | 'provenAt' | 'expiresAt' | 'refreshAt'>
  ) {
    const isOne = stamp.slots.length === 1
    this.content = content
    this.#stamp = isOne ? null : stamp
    this.slot = isOne ? (stamp.slots[0] ?? -1) : -1
    this.version = isOne ? (stamp.versions[0] ?? 0) : 0
    this.generation = moments.generation
    this.provenAt = moments.provenAt
    this.expiresAt = Math.floor(moments.expiresAt)
    this.refreshAt = Math.floor(moments.refreshAt)
    this.countedBytes = content.bytes
  }

  get stamp(): Stamp {
    return this.#stamp ?? { slots: [this.slot], versions: [this.version] }
  }

  /** Slots of its stamp. */
  get slotCount(): number {
    return this.#stamp?.slots.length ?? 1
  }

  get hit(): Answer {
    return this
  }
}
