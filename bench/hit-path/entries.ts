// What is cached and who is asked for: profile-like JSON of a given size, and a stream of keys drawn by Zipf's law.
// All of it follows from fixed seeds. Pure.

export type Value = {
  id: string
  version: number
  profiles: {
    id: string
    name: string
    city: string
    languages: string[]
    priceMinor: number
    about: string
  }[]
}

export type Entry = { readonly id: string; readonly value: Value; readonly body: Buffer }

export const keyCount = 10_000
/** The exponent of YCSB's Zipfian workloads. */
export const zipfExponent = 0.99
const uuidLength = 36
/** The draws begin anew after so many. */
export const drawCount = 2 ** 18
const aboutOne = 280

/** Entries whose JSON is `bytes` long, give or take three: sums over different keys then differ. */
export function entriesOf(bytes: number): Entry[] {
  const random = randomOf(1)
  return Array.from({ length: keyCount }, (_, index) => {
    const id = uuid(random)
    const value = profilesOf(id, index + 1, bytes - 3 + (index % 7), random)
    return { id, value, body: Buffer.from(JSON.stringify(value)) }
  })
}

function profilesOf(id: string, version: number, bytes: number, random: () => number): Value {
  const value: Value = { id, version, profiles: [] }
  let missing = bytes - JSON.stringify(value).length
  while (missing > 0) {
    const profile = {
      id: uuid(random),
      name: `Name ${word(random)}`,
      city: word(random),
      languages: ['en', 'es'],
      priceMinor: 4_000 + Math.floor(random() * 6_000),
      about: ''
    }
    const frame = JSON.stringify(profile).length + (value.profiles.length > 0 ? 1 : 0)
    const last = missing < 2 * (frame + aboutOne)
    profile.about = text(last ? missing - frame : aboutOne, random)
    value.profiles.push(profile)
    missing -= frame + profile.about.length
  }
  return value
}

/** The order in which entries are asked for: the popular ones are scattered among the others. */
export class Draws {
  readonly #entries: readonly Entry[]
  /** All ids one after another: a key cut out of it is a new string, as one cut out of a URL is. */
  readonly #ids: string
  readonly #order: Uint16Array

  constructor(entries: readonly Entry[]) {
    this.#entries = entries
    this.#ids = Buffer.from(entries.map(({ id }) => id).join(''), 'latin1').toString('latin1')
    this.#order = zipfOrder(entries.length)
  }

  /** New strings each time: no participant finds a hash that another has computed. */
  keys(from: number, count: number): string[] {
    return this.#indices(from, count).map((index) =>
      this.#ids.slice(index * uuidLength, (index + 1) * uuidLength)
    )
  }

  entries(from: number, count: number): Entry[] {
    return this.#indices(from, count).flatMap((index) => this.#entries[index] ?? [])
  }

  #indices(from: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.#order[(from + i) % drawCount] ?? 0)
  }
}

function zipfOrder(count: number): Uint16Array {
  const random = randomOf(2)
  const cumulated = new Float64Array(count)
  let total = 0
  for (let rank = 0; rank < count; rank++) {
    total += 1 / (rank + 1) ** zipfExponent
    cumulated[rank] = total
  }
  const entryOfRank = shuffled(count, random)
  return Uint16Array.from(
    { length: drawCount },
    () => entryOfRank[firstAbove(cumulated, random() * total)] ?? 0
  )
}

function firstAbove(ascending: Float64Array, wanted: number): number {
  let low = 0
  let high = ascending.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? 0) > wanted) high = middle
    else low = middle + 1
  }
  return low
}

/** The numbers below `count` in an order that `random` draws (Fisher and Yates). */
export function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const held = order[i] ?? 0
    order[i] = order[j] ?? 0
    order[j] = held
  }
  return order
}

function uuid(random: () => number): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function word(random: () => number): string {
  return Array.from({ length: 8 }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join('')
}

function text(length: number, random: () => number): string {
  let made = ''
  while (made.length < length) made += `${word(random)} `
  return made.slice(0, length)
}

/** Numbers in [0, 1) that follow from the seed (a linear congruential generator, Numerical Recipes' constants). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
