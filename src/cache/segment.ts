// A stretch of memory beside V8's heap with packed entries one after another, the oldest first. What is taken out leaves a
// hole. The garbage collector sees one object, however many entries there are.
import {
  type Bytes,
  bytesFrom,
  type Compressed,
  type Compression,
  Content,
  compressions,
  writeBytes
} from './content.ts'
import { Entry } from './entry.ts'
import type { Phrases } from './phrases.ts'
import type { Stamp } from './slot.ts'

/** A record begins at a multiple of this many bytes: numbers then stand where a typed array finds them. */
export const alignment = 8

// A record: eight words of four bytes, three doubles, for each slot of the stamp its number and its version as doubles, three
// words with the lengths of encodings if there are any, and then the bytes of name, tag, body and encodings.
const word = { bytes: 0, hash: 1, name: 2, tag: 3, body: 4, generation: 5, slots: 6, shape: 7 } as const
const moment = { provenAt: 4, expiresAt: 5, refreshAt: 6 } as const
const headBytes = 56
const slotBytes = 16
const lengthsBytes = 16
const shape = { hole: 1, absent: 2, wideName: 4, wideTag: 8, compressed: 16, lent: 32 } as const
/** From this bit on: whose phrases the body refers to, from 1; 0: it stands as it is. */
const kindBit = 8

/** A body said in phrases of its kind: of the list that the reader has, too. The bytes are good for a moment only. */
export type Packed = { kind: number; bytes: Buffer }

/** An entry on its way into a segment. */
export type Parcel = {
  name: string
  hash: number
  entry: Entry
  /** Characters that one byte does not hold; then all of the text has two each. */
  wideName: boolean
  wideTag: boolean
  packed: Packed | null
  /** What it will take. */
  bytes: number
}

export function parcelOf(name: string, hash: number, entry: Entry, packed: Packed | null): Parcel {
  const { content, slotCount } = entry
  const wideName = isWide(name)
  const wideTag = isWide(content.tag)
  const saved = packed ? content.body('identity').length - packed.bytes.length : 0
  const texts = bytesOf(name, wideName) + bytesOf(content.tag, wideTag) + content.bytes - saved
  const bytes = startOfTexts(slotCount, content.compressed !== null) + texts
  return { name, hash, entry, wideName, wideTag, packed, bytes: Math.ceil(bytes / alignment) * alignment }
}

export class Segment {
  /** Its number among all that there are. */
  readonly id: number
  /** How far it is written. */
  end = 0
  /** Bytes of the records that are no holes. */
  live = 0
  #bytes: Buffer<ArrayBuffer>
  #words: Uint32Array
  #doubles: Float64Array

  constructor(id: number, bytes: number) {
    this.id = id
    this.#bytes = Buffer.allocUnsafeSlow(bytes)
    this.#words = new Uint32Array(this.#bytes.buffer)
    this.#doubles = new Float64Array(this.#bytes.buffer)
  }

  get room(): number {
    return this.#bytes.length - this.end
  }

  /** Its memory is the system's again at once, not when the collector comes by. Nothing can be read from it any more. */
  release(): void {
    this.#bytes.buffer.transfer(0)
  }

  /** @returns where it begins. There must be room for it. */
  add({ name, hash, entry, wideName, wideTag, packed, bytes }: Parcel): number {
    const at = this.end
    const { content, stamp } = entry
    const { compressed, tag } = content
    const slotCount = stamp.slots.length
    const words = this.#words
    const doubles = this.#doubles
    const first = at / 4
    words[first + word.bytes] = bytes
    words[first + word.hash] = hash
    words[first + word.name] = bytesOf(name, wideName)
    words[first + word.tag] = bytesOf(tag, wideTag)
    words[first + word.body] = packed?.bytes.length ?? content.body('identity').length
    words[first + word.generation] = entry.generation
    words[first + word.slots] = slotCount
    words[first + word.shape] =
      (content.absent ? shape.absent : 0) |
      (wideName ? shape.wideName : 0) |
      (wideTag ? shape.wideTag : 0) |
      (compressed ? shape.compressed : 0) |
      (packed ? (packed.kind + 1) << kindBit : 0)
    const firstDouble = at / 8
    doubles[firstDouble + moment.provenAt] = entry.provenAt
    doubles[firstDouble + moment.expiresAt] = entry.expiresAt
    doubles[firstDouble + moment.refreshAt] = entry.refreshAt
    for (let i = 0; i < slotCount; i++) {
      const pair = firstDouble + (headBytes + i * slotBytes) / 8
      doubles[pair] = stamp.slots[i] ?? 0
      doubles[pair + 1] = stamp.versions[i] ?? 0
    }
    const lengths = first + startOfTexts(slotCount, false) / 4
    let to = at + startOfTexts(slotCount, compressed !== null)
    to += this.#bytes.write(name, to, wideName ? 'utf16le' : 'latin1')
    to += this.#bytes.write(tag, to, wideTag ? 'utf16le' : 'latin1')
    to += writeBytes(packed?.bytes ?? content.body('identity'), this.#bytes, to)
    if (compressed) {
      for (const [i, compression] of compressions.entries()) {
        const made = compressed[compression] ?? ''
        words[lengths + i] = made.length
        to += writeBytes(made, this.#bytes, to)
      }
    }
    this.end += bytes
    this.live += bytes
    return at
  }

  /** What stands at `at`, as it was; it stays. @param kinds the list to which packed bodies refer */
  entryAt(at: number, kinds: readonly Phrases[]): Entry {
    const words = this.#words
    const doubles = this.#doubles
    const first = at / 4
    const firstDouble = at / 8
    const kind = words[first + word.shape] ?? 0
    const slotCount = words[first + word.slots] ?? 0
    const hasLengths = (kind & shape.compressed) !== 0
    let from = at + startOfTexts(slotCount, hasLengths) + (words[first + word.name] ?? 0)
    const stretch = (length: number) => {
      const start = from
      from += length
      return this.#bytes.subarray(start, from)
    }
    const tag = stretch(words[first + word.tag] ?? 0).toString(kind & shape.wideTag ? 'utf16le' : 'latin1')
    const phrases = kinds[(kind >>> kindBit) - 1]
    const bodyLength = words[first + word.body] ?? 0
    const packedAt = from
    if (phrases) from += bodyLength
    const body = phrases ? phrases.unpack(this.#bytes, packedAt, from) : bytesFrom(stretch(bodyLength))
    let compressed: Compressed | null = null
    if (hasLengths) {
      const lengths = first + startOfTexts(slotCount, false) / 4
      const made: Partial<Record<Compression, Bytes>> = {}
      for (const [i, compression] of compressions.entries()) {
        const length = words[lengths + i] ?? 0
        if (length > 0) made[compression] = bytesFrom(stretch(length))
      }
      compressed = made
    }
    const content = Content.unpacked((kind & shape.absent) !== 0, body, tag, compressed)
    return new Entry(content, this.#stampAt(at, slotCount), {
      // It is -1 where Redis had no part in it.
      generation: (words[first + word.generation] ?? 0) | 0,
      provenAt: doubles[firstDouble + moment.provenAt] ?? 0,
      expiresAt: doubles[firstDouble + moment.expiresAt] ?? 0,
      refreshAt: doubles[firstDouble + moment.refreshAt] ?? 0
    })
  }

  #stampAt(at: number, slotCount: number): Stamp {
    const slots: number[] = []
    const versions: number[] = []
    for (let i = 0; i < slotCount; i++) {
      const pair = (at + headBytes + i * slotBytes) / 8
      slots.push(this.#doubles[pair] ?? 0)
      versions.push(this.#doubles[pair + 1] ?? 0)
    }
    return { slots, versions }
  }

  isNamed(at: number, name: string): boolean {
    const first = at / 4
    const isWideName = ((this.#words[first + word.shape] ?? 0) & shape.wideName) !== 0
    const width = isWideName ? 2 : 1
    if ((this.#words[first + word.name] ?? 0) !== name.length * width) return false
    const hasLengths = ((this.#words[first + word.shape] ?? 0) & shape.compressed) !== 0
    const start = at + startOfTexts(this.#words[first + word.slots] ?? 0, hasLengths)
    if (isWideName) return this.#bytes.toString('utf16le', start, start + name.length * width) === name
    for (let i = 0; i < name.length; i++) {
      if (this.#bytes[start + i] !== name.charCodeAt(i)) return false
    }
    return true
  }

  bytesAt(at: number): number {
    return this.#words[at / 4 + word.bytes] ?? 0
  }

  hashAt(at: number): number {
    return this.#words[at / 4 + word.hash] ?? 0
  }

  isHole(at: number): boolean {
    return ((this.#words[at / 4 + word.shape] ?? 0) & shape.hole) !== 0
  }

  makeHole(at: number): void {
    const kind = at / 4 + word.shape
    this.#words[kind] = (this.#words[kind] ?? 0) | shape.hole
    this.live -= this.bytesAt(at)
  }

  /** It is hot, and stays here all the same: as long as it has not changed it need not be packed again. */
  lend(at: number, receipt: number): void {
    const kind = at / 4 + word.shape
    this.#words[kind] = (this.#words[kind] ?? 0) | shape.lent
    // It says the moment of its proof itself, now.
    this.#doubles[at / 8 + moment.provenAt] = receipt
  }

  isLent(at: number): boolean {
    return ((this.#words[at / 4 + word.shape] ?? 0) & shape.lent) !== 0
  }

  /** Whether this is what was lent as the entry, and nothing has been made of it since. */
  isOf(at: number, { content, receipt, slotCount }: Entry): boolean {
    if (!this.isLent(at) || this.#doubles[at / 8 + moment.provenAt] !== receipt) return false
    const { compressed } = content
    if (compressed === null) return true
    if (((this.#words[at / 4 + word.shape] ?? 0) & shape.compressed) === 0) return false
    const lengths = at / 4 + startOfTexts(slotCount, false) / 4
    return compressions.every((one, i) => this.#words[lengths + i] === (compressed[one]?.length ?? 0))
  }

  /** What was lent is back, and stands at `at` now. */
  takeBack(at: number, { generation, provenAt }: Entry): void {
    const kind = at / 4 + word.shape
    this.#words[kind] = (this.#words[kind] ?? 0) & ~shape.lent
    this.#words[at / 4 + word.generation] = generation
    this.#doubles[at / 8 + moment.provenAt] = provenAt
  }

  /** Moves a record here from where it stands in `source`, which may be further back in this one. @returns where it begins */
  adopt(source: Segment, at: number): number {
    const bytes = source.bytesAt(at)
    const to = this.end
    this.#bytes.set(source.#bytes.subarray(at, at + bytes), to)
    this.end += bytes
    this.live += bytes
    return to
  }
}

function startOfTexts(slotCount: number, hasLengths: boolean): number {
  return headBytes + slotCount * slotBytes + (hasLengths ? lengthsBytes : 0)
}

function isWide(text: string): boolean {
  return /[\u0100-\uffff]/.test(text)
}

function bytesOf(text: string, wide: boolean): number {
  return wide ? 2 * text.length : text.length
}
