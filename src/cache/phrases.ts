// Packs texts of one kind. Two answers of one view have much in common: names of fields, and values of which there are few.
// What samples had in common stands before each text, and whatever occurs a second time is said as a place and a length:
// LZ77 (Ziv, Lempel, 1977), written down as LZ4 does. zlib's and zstd's own ways to do it from JavaScript take five times
// as long for a text of a kilobyte. Pure.
import { type Bytes, bytesFrom, writeBytes } from './content.ts'

/** Places are 16 bits. */
const windowBytes = 2 ** 16
/** What is learnt, and from how many samples. */
const mostPhrasesBytes = 14 * 2 ** 10
const mostSamples = 48
const shortestPhrase = 6
/** A repetition takes three bytes to say. */
const shortestMatch = 4
const tableBits = 12
const tableSize = 2 ** tableBits

// Of the text at hand; nobody else is at it at the time.
const scratch = Buffer.allocUnsafeSlow(windowBytes)
const seenNow = new Uint32Array(tableSize)
let now = 0

export class Phrases {
  /** What one takes. */
  static readonly bytes = windowBytes + 2 * tableSize
  // Phrases, and behind them the text at hand.
  #window = Buffer.allocUnsafeSlow(windowBytes)
  #view = new DataView(this.#window.buffer)
  #length = 0
  /** Where four bytes of this hash stand among the phrases; 0: nowhere. */
  #table = new Uint16Array(tableSize)
  #samples = 0
  #lastSample: Bytes = ''
  #matchAt = 0

  /** It has learnt, and packs from here on. */
  get isReady(): boolean {
    return this.#samples === mostSamples
  }

  /** What this text has in common with the one before is a phrase. */
  learn(sample: Bytes): void {
    if (this.isReady || sample.length > windowBytes / 4) return
    const former = this.#length
    this.#know(writeBytes(this.#lastSample, this.#window, former))
    const knownUntil = this.#length
    const end = knownUntil + writeBytes(sample, this.#window, knownUntil)
    const found: Buffer[] = []
    for (let at = knownUntil; at + shortestMatch <= end; ) {
      const length = this.#knownAt(at, end, this.#hashAt(at))
      if (length >= shortestPhrase && this.#matchAt >= former) {
        found.push(Buffer.from(this.#window.subarray(at, at + length)))
      }
      at += Math.max(1, length)
    }
    this.#lastSample = sample
    this.#samples++
    if (this.isReady) this.#lastSample = ''
    this.#length = former
    const phrases = Buffer.concat(found).subarray(0, mostPhrasesBytes - former)
    this.#window.set(phrases, former)
    this.#length = 0
    this.#table.fill(0)
    this.#know(former + phrases.length)
  }

  /** @returns the packed bytes, good until the next call of any; null where it does not pay */
  pack(text: Bytes): Buffer | null {
    const window = this.#window
    const begin = this.#length
    if (!this.isReady || text.length > windowBytes - begin) return null
    const end = begin + writeBytes(text, window, begin)
    // What it may become at most, for it to pay.
    const most = text.length - (text.length >>> 3)
    if (++now === 2 ** 16) {
      seenNow.fill(0)
      now = 1
    }
    let to = 0
    let literals = begin
    let at = begin
    while (at < end - shortestMatch) {
      const hash = this.#hashAt(at)
      let length = this.#knownAt(at, end, hash)
      const seen = seenNow[hash] ?? 0
      if (seen >>> 16 === now) {
        const own = seen & 0xffff
        const ownLength = this.#alike(own, at, end)
        if (ownLength > length) {
          length = ownLength
          this.#matchAt = own
        }
      }
      seenNow[hash] = (now << 16) | at
      if (length < shortestMatch) {
        at++
        continue
      }
      // The numbers beside the literals are few, and scratch has room for the whole text: but not for more than it.
      if (to + (at - literals) + 16 > most) return null
      to = this.#say(to, literals, at, length - shortestMatch)
      scratch[to++] = this.#matchAt & 0xff
      scratch[to++] = this.#matchAt >>> 8
      at += length
      literals = at
    }
    if (to + (end - literals) + 16 > most) return null
    return scratch.subarray(0, this.#say(to, literals, end, 0))
  }

  /** The text whose packed bytes stand in `source` from `from` to `until`. */
  unpack(source: Uint8Array, from: number, until: number): Bytes {
    const window = this.#window
    let to = this.#length
    let at = from
    const longer = () => {
      let sum = 0
      for (;;) {
        const byte = source[at++] ?? 0
        sum += byte
        if (byte < 255) return sum
      }
    }
    while (at < until) {
      const lengths = source[at++] ?? 0
      let literals = lengths >>> 4
      if (literals === 15) literals += longer()
      for (; literals > 0; literals--) window[to++] = source[at++] ?? 0
      if (at >= until) break
      let repeated = (lengths & 15) + shortestMatch
      if ((lengths & 15) === 15) repeated += longer()
      let match = (source[at] ?? 0) | ((source[at + 1] ?? 0) << 8)
      at += 2
      for (; repeated > 0; repeated--) window[to++] = window[match++] ?? 0
    }
    return bytesFrom(window.subarray(this.#length, to))
  }

  // Literals, and how long a repetition follows: both lengths in one byte, and as many more as they need.
  #say(to: number, literals: number, until: number, repeated: number): number {
    const count = until - literals
    let next = to + 1
    scratch[to] = (Math.min(count, 15) << 4) | Math.min(repeated, 15)
    if (count >= 15) next = sayLonger(next, count - 15)
    for (let at = literals; at < until; at++) scratch[next++] = this.#window[at] ?? 0
    return repeated >= 15 ? sayLonger(next, repeated - 15) : next
  }

  // The next so many bytes of the window are phrases.
  #know(bytes: number): void {
    const end = this.#length + bytes
    for (let at = Math.max(1, this.#length); at + shortestMatch <= end; at++) {
      this.#table[this.#hashAt(at)] = at
    }
    this.#length = end
  }

  /** How much of what stands at `at` is known; where, says #matchAt. */
  #knownAt(at: number, end: number, hash: number): number {
    const match = this.#table[hash] ?? 0
    if (match === 0) return 0
    this.#matchAt = match
    return this.#alike(match, at, end)
  }

  #alike(match: number, at: number, end: number): number {
    const window = this.#window
    const view = this.#view
    if (view.getInt32(match, true) !== view.getInt32(at, true)) return 0
    let length = shortestMatch
    while (at + length < end && window[match + length] === window[at + length]) length++
    return length
  }

  #hashAt(at: number): number {
    return Math.imul(this.#view.getInt32(at, true), 0x9e3779b1) >>> (32 - tableBits)
  }
}

function sayLonger(to: number, length: number): number {
  let next = to
  let rest = length
  for (; rest >= 255; rest -= 255) scratch[next++] = 255
  scratch[next++] = rest
  return next
}
