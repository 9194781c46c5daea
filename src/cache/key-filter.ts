// A set of keys that may say yes by mistake, and never no: a Bloom filter. Pure.
import { randomInt } from 'node:crypto'

/** 2 MiB. Of a million keys it takes one stranger in two thousand for its own; of a hundred thousand, none. */
const bits = 2 ** 24
const probes = 7

export class KeyFilter {
  #words = new Uint32Array(bits / 32)
  // Drawn anew for each: who knows which keys exist must not be able to tell which guesses will pass for them.
  #seeds = [randomInt(2 ** 32), randomInt(2 ** 32)] as const

  add(key: string): void {
    this.#probe(key, (word, bit) => {
      this.#words[word] = (this.#words[word] ?? 0) | bit
      return true
    })
  }

  /** False: it was not added. */
  mayHave(key: string): boolean {
    return this.#probe(key, (word, bit) => ((this.#words[word] ?? 0) & bit) !== 0)
  }

  // Two hashes make all places (Kirsch, Mitzenmacher: Less Hashing, Same Performance, 2006). Ends with the first `false`.
  #probe(key: string, at: (word: number, bit: number) => boolean): boolean {
    let [a, b] = this.#seeds
    for (let i = 0; i < key.length; i++) {
      const code = key.charCodeAt(i)
      a = Math.imul(a ^ code, 0x85ebca6b)
      b = Math.imul(b ^ code, 0xc2b2ae35)
      a ^= b >>> 15
    }
    const step = mixed(b) | 1
    for (let i = 0, place = mixed(a); i < probes; i++, place += step) {
      if (!at((place & (bits - 1)) >>> 5, 1 << (place & 31))) return false
    }
    return true
  }
}

// The end of MurmurHash3: each bit of the result depends on all of them.
function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}
