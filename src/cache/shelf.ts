// Entries that are not asked for at the moment, packed beside V8's heap: a hundred thousand objects would be most of what the
// process is made of, and V8 keeps as much room again to collect in. A log of segments: what is put comes last, what is taken
// leaves a hole, and where there is no room the oldest segment is given up. So what has lain longest goes first. Pure.
import type { Entry } from './entry.ts'
import { NameHash } from './name-hash.ts'
import { Phrases } from './phrases.ts'
import { Places } from './places.ts'
import { alignment, type Packed, parcelOf, Segment } from './segment.ts'

/** A larger entry cannot be kept; and of one segment as much may be moved or given up at once as there is time for. */
const largestSegmentBytes = 2 ** 19
const smallestSegmentBytes = 2 ** 12
/** Of the capacity, as far as the bounds above allow: what is given up together must be little of the whole. */
const segmentShare = 1 / 32
/** A place is 32 bits: 32 GiB of the largest segments. */
const mostSegments = 2 ** 32 / (largestSegmentBytes / alignment) - 1

/** Phrases may take this share; and no more views have some. A small shelf has none, and bodies lie there as they are. */
const phrasesShare = 1 / 32
const mostKinds = 64

/** What is hot may lie here all the same, up to this share: it then need not be packed again when it comes back. */
const lentShare = 1 / 8

/** Holes may be this share of the segments; from there on they are closed. */
const holesShare = 1 / 8
/** While holes are being closed, one segment for each such share of a segment that is put. */
const pace = 1 / 4
/** What is full but for so little is not worth moving. */
const worthClosing = 1 / 16

export class Shelf {
  #capacityBytes: number
  #segmentBytes: number
  #placesPerSegment: number
  #droppedOne: () => void
  #mostKinds: number
  /** By what stands before the colon in a name, the view's name: phrases of which one. */
  #kindOf = new Map<string, number>()
  #kinds: Phrases[] = []
  #hash = new NameHash()
  #places = new Places()
  /** The oldest first; to the last one is written. */
  #log: Segment[] = []
  /** By their numbers, from 1. */
  #segments: (Segment | undefined)[] = [undefined]
  #freeIds: number[] = []
  /** An empty one, for whoever needs one next. */
  #spare: Segment | null = null
  /** Of all records that are no holes. */
  #liveBytes = 0
  #lent = 0
  #lentBytes = 0
  #receipts = 0
  #putBytes = 0
  /** Where in the log holes are closed next. */
  #closeAt = 0

  /** @param droppedOne called for each entry that is given up for want of room */
  constructor(capacityBytes: number, droppedOne: () => void) {
    this.#capacityBytes = capacityBytes
    this.#droppedOne = droppedOne
    const share = 2 ** Math.floor(Math.log2(Math.max(1, capacityBytes * segmentShare)))
    this.#segmentBytes = Math.min(largestSegmentBytes, Math.max(smallestSegmentBytes, share))
    this.#placesPerSegment = this.#segmentBytes / alignment
    this.#mostKinds = Math.min(mostKinds, Math.floor((capacityBytes * phrasesShare) / Phrases.bytes))
  }

  get entries(): number {
    return this.#places.count - this.#lent
  }

  /** All that it takes, holes included; what is written in the last segment or not. */
  get bytes(): number {
    return this.#bytesOf(this.#log.length + (this.#spare ? 1 : 0))
  }

  /** Puts an entry behind all others. One of the same name that is there already is replaced. */
  put(name: string, entry: Entry): void {
    const hash = this.#hash.of(name)
    const slot = this.#slotOf(name, hash)
    if (slot !== -1) {
      const bytes = this.#takenBack(this.#places.at(slot), hash, entry)
      if (bytes > 0) {
        this.#closeHoles(bytes)
        return
      }
      this.#removeAt(slot)
    }
    const parcel = parcelOf(name, hash, entry, this.#packed(name, entry))
    const segment = parcel.bytes <= this.#segmentBytes ? this.#segmentFor(parcel.bytes) : null
    if (segment === null) {
      this.#droppedOne()
      return
    }
    this.#places.add(hash, this.#placeOf(segment, segment.add(parcel)))
    this.#liveBytes += parcel.bytes
    if (this.bytes > this.#capacityBytes) this.#shrink()
    this.#closeHoles(parcel.bytes)
  }

  /** The entry, as it was put; it is not here any more. */
  take(name: string): Entry | undefined {
    const slot = this.#slotOfWhole(name)
    if (slot === -1) return undefined
    const place = this.#places.at(slot)
    const entry = this.#entryAt(place)
    if (this.#lentBytes < this.#liveBytes * lentShare) this.#lend(place, entry)
    else this.#removeAt(slot)
    return entry
  }

  /** The same; it stays. */
  peek(name: string): Entry | undefined {
    const slot = this.#slotOfWhole(name)
    return slot === -1 ? undefined : this.#entryAt(this.#places.at(slot))
  }

  delete(name: string): void {
    if (this.#places.count > 0) this.#removeAt(this.#slotOf(name, this.#hash.of(name)))
  }

  clear(): void {
    for (const segment of this.#log) segment.release()
    this.#spare?.release()
    this.#spare = null
    this.#log = []
    this.#segments = [undefined]
    this.#freeIds = []
    this.#places.clear()
    this.#kindOf.clear()
    this.#kinds = []
    this.#liveBytes = 0
    this.#lent = 0
    this.#lentBytes = 0
    this.#closeAt = 0
  }

  #packed(name: string, { content }: Entry): Packed | null {
    const view = name.slice(0, name.indexOf(':'))
    const kind = this.#kindOf.get(view) ?? this.#newKind(view)
    const phrases = this.#kinds[kind]
    if (!phrases) return null
    const body = content.body('identity')
    phrases.learn(body)
    const bytes = phrases.pack(body)
    return bytes && { kind, bytes }
  }

  #newKind(view: string): number {
    if (this.#kinds.length === this.#mostKinds) return -1
    this.#kindOf.set(view, this.#kinds.length)
    return this.#kinds.push(new Phrases()) - 1
  }

  #slotOf(name: string, hash: number): number {
    let slot = this.#places.first(hash)
    while (slot !== -1) {
      const place = this.#places.at(slot)
      if (this.#segmentAt(place).isNamed(this.#offsetOf(place), name)) return slot
      slot = this.#places.after(slot, hash)
    }
    return -1
  }

  // What is lent is not here for anybody but who brings it back.
  #slotOfWhole(name: string): number {
    if (this.#places.count === 0) return -1
    const slot = this.#slotOf(name, this.#hash.of(name))
    if (slot === -1) return -1
    const place = this.#places.at(slot)
    return this.#segmentAt(place).isLent(this.#offsetOf(place)) ? -1 : slot
  }

  #lend(place: number, entry: Entry): void {
    const segment = this.#segmentAt(place)
    const offset = this.#offsetOf(place)
    entry.receipt = ++this.#receipts
    segment.lend(offset, entry.receipt)
    this.#lent++
    this.#lentBytes += segment.bytesAt(offset)
  }

  /** Puts what was lent behind all others, as it is. @returns its bytes; 0: it is another by now, or there is no room */
  #takenBack(place: number, hash: number, entry: Entry): number {
    const segment = this.#segmentAt(place)
    const offset = this.#offsetOf(place)
    const bytes = segment.bytesAt(offset)
    const newest = this.#log.at(-1)
    if (!newest || newest.room < bytes || !segment.isOf(offset, entry)) return 0
    this.#lent--
    this.#lentBytes -= bytes
    const to = newest.adopt(segment, offset)
    newest.takeBack(to, entry)
    this.#places.move(hash, place, this.#placeOf(newest, to))
    segment.makeHole(offset)
    if (segment.live === 0) this.#retire(this.#log.indexOf(segment))
    return bytes
  }

  #entryAt(place: number): Entry {
    return this.#segmentAt(place).entryAt(this.#offsetOf(place), this.#kinds)
  }

  #removeAt(slot: number): void {
    if (slot === -1) return
    const place = this.#places.at(slot)
    const segment = this.#segmentAt(place)
    const offset = this.#offsetOf(place)
    this.#places.removeAt(slot)
    this.#returned(segment, offset)
    segment.makeHole(offset)
    this.#liveBytes -= segment.bytesAt(offset)
    if (segment.live > 0) return
    if (segment === this.#log.at(-1)) segment.end = 0
    else this.#retire(this.#log.indexOf(segment))
  }

  /** What is given up here while it is hot is not lost. */
  #returned(segment: Segment, offset: number): boolean {
    if (!segment.isLent(offset)) return false
    this.#lent--
    this.#lentBytes -= segment.bytesAt(offset)
    return true
  }

  /** Where a record of so many bytes is to be written; null: there is no room and none can be made. */
  #segmentFor(bytes: number): Segment | null {
    const newest = this.#log.at(-1)
    if (newest && newest.room >= bytes) return newest
    while (this.#spare === null && !this.#mayGrow()) {
      if (this.#log.length === 0) return null
      this.#giveUpOldest()
    }
    const segment = this.#spare ?? this.#made()
    this.#spare = null
    this.#log.push(segment)
    return segment
  }

  #mayGrow(): boolean {
    return this.#log.length < mostSegments && this.#bytesOf(this.#log.length + 1) <= this.#capacityBytes
  }

  #bytesOf(segments: number): number {
    return segments * this.#segmentBytes + this.#places.bytes + this.#kinds.length * Phrases.bytes
  }

  #made(): Segment {
    const id = this.#freeIds.pop() ?? this.#segments.length
    const segment = new Segment(id, this.#segmentBytes)
    this.#segments[id] = segment
    return segment
  }

  #giveUpOldest(): void {
    const oldest = this.#log[0]
    if (!oldest) return
    for (let at = 0; at < oldest.end; at += oldest.bytesAt(at)) {
      if (oldest.isHole(at)) continue
      this.#places.remove(oldest.hashAt(at), this.#placeOf(oldest, at))
      if (!this.#returned(oldest, at)) this.#droppedOne()
    }
    this.#liveBytes -= oldest.live
    this.#retire(0)
  }

  /** Takes a segment out of the log in which nothing is left. */
  #retire(index: number): void {
    const [segment] = this.#log.splice(index, 1)
    if (!segment) return
    if (index < this.#closeAt) this.#closeAt--
    segment.end = 0
    segment.live = 0
    if (this.#spare === null) this.#spare = segment
    else this.#release(segment)
  }

  #release(segment: Segment): void {
    segment.release()
    this.#segments[segment.id] = undefined
    this.#freeIds.push(segment.id)
  }

  // The index or the phrases have grown, and there is less room for segments.
  #shrink(): void {
    while (this.bytes > this.#capacityBytes && (this.#spare !== null || this.#log.length > 0)) {
      if (this.#spare === null) this.#giveUpOldest()
      if (this.#spare !== null) this.#release(this.#spare)
      this.#spare = null
    }
  }

  // A little with each put: nobody waits for all of it, and no more is moved than was put a few times over.
  #closeHoles(putBytes: number): void {
    this.#putBytes += putBytes
    if (this.#putBytes < this.#segmentBytes * pace) return
    this.#putBytes = 0
    const newest = this.#log.at(-1)
    if (!newest) return
    const written = (this.#log.length - 1) * this.#segmentBytes
    const holes = written - (this.#liveBytes - newest.live)
    if (holes <= written * holesShare) return
    for (let looked = 1; looked < this.#log.length; looked++) {
      if (this.#closeAt >= this.#log.length - 1) this.#closeAt = 0
      const index = this.#closeAt++
      if (this.#isWorthClosing(index)) {
        this.#close(index)
        return
      }
    }
  }

  #isWorthClosing(index: number): boolean {
    const segment = this.#log[index]
    if (!segment) return false
    const little = this.#segmentBytes * worthClosing
    return segment.end - segment.live >= little || (this.#log[index - 1]?.room ?? 0) >= little
  }

  // What is left in it moves to the end of the segment before, as far as there is room, and the rest up to its own
  // beginning: the order stays, and the holes of several make an empty one.
  #close(index: number): void {
    const segment = this.#log[index]
    if (!segment) return
    const { end } = segment
    let target = this.#log[index - 1] ?? segment
    segment.end = 0
    segment.live = 0
    for (let at = 0; at < end; ) {
      const from = at
      at += segment.bytesAt(from)
      if (segment.isHole(from)) continue
      if (target.room < at - from) target = segment
      const hash = segment.hashAt(from)
      const to = target.adopt(segment, from)
      this.#places.move(hash, this.#placeOf(segment, from), this.#placeOf(target, to))
    }
    if (segment.live === 0) this.#retire(index)
  }

  #placeOf(segment: Segment, offset: number): number {
    return segment.id * this.#placesPerSegment + offset / alignment
  }

  #segmentAt(place: number): Segment {
    const segment = this.#segments[Math.floor(place / this.#placesPerSegment)]
    if (!segment) throw new Error('a record lies in a segment')
    return segment
  }

  #offsetOf(place: number): number {
    return (place % this.#placesPerSegment) * alignment
  }
}
