// What a value depends on, as numbers: a tag names it, its slot counts its changes. Pure.
import { crc32 } from 'node:zlib'

/**
 * All state of the protocol is bounded by this number; `cache_slots` holds one row for each. Two tags in one slot make
 * each other's entries old: how many, docs/decisions/0011-slots-and-writes.md. Never two numbers in one fleet.
 */
export const slotCount = 262_144

/** The slots of these tags, ascending and without repetition: every writer then locks them in one order. */
export function slotsOf(tags: readonly string[]): number[] {
  return [...new Set(tags.map((tag) => crc32(tag) % slotCount))].sort((a, b) => a - b)
}

/** The versions of some slots at one moment, both arrays in the same order. */
export type Stamp = { readonly slots: readonly number[]; readonly versions: readonly number[] }

/** True when no version of `a` is below that of `b`. Both speak of the same slots. */
export function atLeast(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if ((a[i] ?? 0) < (b[i] ?? 0)) return false
  return true
}

/** Per slot the larger of the two. Both speak of the same slots. */
export function larger(a: readonly number[], b: readonly number[]): number[] {
  return a.map((version, i) => Math.max(version, b[i] ?? 0))
}

/** The versions that a stamp has of these slots. @throws Error where it does not speak of one of them */
export function versionsIn(stamp: Stamp, slots: readonly number[]): number[] {
  return slots.map((slot) => {
    const version = stamp.versions[stamp.slots.indexOf(slot)]
    if (version === undefined) throw new Error(`nothing has touched slot ${slot}`)
    return version
  })
}
