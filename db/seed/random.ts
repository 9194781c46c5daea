// Numbers that look random and are the same on every machine: one stream for each kind of entity, so that a new field
// of a payment leaves every booking as it was.

import { createHash } from 'node:crypto'

/** A stream of pseudo-random numbers (sfc32, by Chris Doty-Humphrey; public domain algorithm). */
export type Stream = {
  /** At least 0, below 1. */
  next(): number
  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number
  /** True once in 1/p. */
  chance(p: number): boolean
  pick<T>(from: readonly T[]): T
  /** One of `from`, each as often as its weight says. */
  weighted<T>(from: readonly (readonly [value: T, weight: number])[]): T
  /** `count` different ones of `from`, or all of them where there are fewer. */
  sample<T>(from: readonly T[], count: number): T[]
  /** Above 0, `mean` on average, most of them below it: waiting times. */
  exponential(mean: number): number
  /** A UUIDv7 (RFC 9562 §5.7) made at `atMs`, ms since the epoch. */
  uuidv7(atMs: number): string
  /** `length` characters of a-z and 0-9. */
  letters(length: number): string
  bytes(length: number): Buffer
}

/** The stream of one kind of entity. */
export function stream(seed: string, kind: string): Stream {
  const key = createHash('sha256').update(`${seed}:${kind}`).digest()
  let a = key.readInt32LE(0)
  let b = key.readInt32LE(4)
  let c = key.readInt32LE(8)
  let counter = key.readInt32LE(12)

  function bits(): number {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  const next = () => bits() / 2 ** 32
  const integer = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))

  function pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(next() * from.length)]
    if (picked === undefined) throw new RangeError('nothing to pick from')
    return picked
  }

  function weighted<T>(from: readonly (readonly [T, number])[]): T {
    let left = next() * from.reduce((total, [, weight]) => total + weight, 0)
    const found = from.find(([, weight]) => {
      left -= weight
      return left < 0
    })
    // Rounding may leave a trace of weight after the last one.
    return (found ?? pick(from.slice(-1)))[0]
  }

  function sample<T>(from: readonly T[], count: number): T[] {
    const rest = [...from]
    const taken: T[] = []
    while (taken.length < count && rest.length > 0) taken.push(...rest.splice(integer(0, rest.length - 1), 1))
    return taken
  }

  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')

  function uuidv7(atMs: number): string {
    const time = hex(Math.floor(atMs), 12)
    const [first, second, third] = [bits(), bits(), bits()]
    const version = 0x7000 | (first & 0x0fff)
    const variant = 0x8000 | ((first >>> 12) & 0x3fff)
    return `${time.slice(0, 8)}-${time.slice(8)}-${hex(version, 4)}-${hex(variant, 4)}-${hex(second & 0xffff, 4)}${hex(third, 8)}`
  }

  function letters(length: number): string {
    let text = ''
    while (text.length < length) text += bits().toString(36).slice(0, 5)
    return text.slice(0, length)
  }

  return {
    next,
    integer,
    chance: (p) => next() < p,
    pick,
    weighted,
    sample,
    exponential: (mean) => -Math.log(1 - next()) * mean,
    uuidv7,
    letters,
    bytes: (length) => Buffer.from(Array.from({ length }, () => bits() & 0xff))
  }
}
