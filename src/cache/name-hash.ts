// HalfSipHash-1-3 (Aumasson, Bernstein: SipHash, 2012; Linux's hsiphash): 32 bits of a name that nobody can foretell who
// does not know the key. Names hold what people ask for: with a hash of a known outcome they could all be given one place.
import { randomInt } from 'node:crypto'

const finalRounds = 3

export class NameHash {
  #key = [randomInt(2 ** 32), randomInt(2 ** 32)] as const

  /** A whole number below 2³². Two names that are alike have the same. */
  of(name: string): number {
    const [key0, key1] = this.#key
    let v0 = key0
    let v1 = key1
    let v2 = key0 ^ 0x6c796765
    let v3 = key1 ^ 0x74656462
    const wholeWords = name.length >>> 2
    const steps = wholeWords + 1 + finalRounds
    for (let step = 0; step < steps; step++) {
      let word = 0
      if (step < wholeWords) {
        const at = 4 * step
        word =
          name.charCodeAt(at) |
          (name.charCodeAt(at + 1) << 8) |
          (name.charCodeAt(at + 2) << 16) |
          (name.charCodeAt(at + 3) << 24)
      } else if (step === wholeWords) {
        word = name.length << 24
        for (let at = 4 * step; at < name.length; at++) word ^= name.charCodeAt(at) << (8 * (at & 3))
      } else if (step === wholeWords + 1) {
        v2 ^= 0xff
      }
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    return (v1 ^ v3) >>> 0
  }
}
