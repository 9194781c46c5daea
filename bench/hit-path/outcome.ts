// From rounds to figures, and whether they may be believed. Pure.
import type { Round, Slice } from './measure.ts'
import type { Participant } from './participant.ts'
import { type Estimate, estimate, median } from './statistics.ts'

export type Row = {
  readonly name: string
  readonly hands: Participant['hands']
  /** Median over the rounds. Holds for this machine at this moment only. */
  readonly nsPerHit: number
  /** CPU time beside lru-cache alone in the same round. */
  readonly ratio: Estimate
  /** Bytes of JavaScript heap that one hit allocates; median over the slices. */
  readonly bytesPerHit: number
  /** Slices in which an answer was missing: they count nowhere. */
  readonly voidSlices: number
}

export type Outcome = {
  readonly payload: string
  readonly rounds: number
  readonly rows: readonly Row[]
  /** Share of the time of the slices in which this process had a processor. */
  readonly cpuShare: number
  /** Why the figures may not be believed; empty when they may. */
  readonly invalid: readonly string[]
}

/** What is compared with itself may come out so far from 1, and any ratio that counts be known to so much. */
const controlWithin = 0.05
const widestInterval = 0.1
const leastRounds = 20
const mostVoid = 0.1

export function outcomeOf(
  payload: string,
  participants: readonly Participant[],
  rounds: readonly Round[]
): Outcome {
  const yardstick = participants.findIndex(({ role }) => role === 'yardstick')
  const rows = participants.map(({ name, hands }, own) => rowOf(name, hands, rounds, own, yardstick))
  const ratioOf = (role: Participant['role']) => {
    const row = rows[participants.findIndex((participant) => participant.role === role)]
    if (!row) throw new Error(`nobody takes part as the ${role}`)
    return row.ratio
  }
  const slices = rounds.flat().filter((slice) => slice !== null)
  const total = (of: (slice: Slice) => number) => slices.reduce((sum, slice) => sum + of(slice), 0)
  return {
    payload,
    rounds: rounds.length,
    rows,
    cpuShare: total(({ cpuNs }) => cpuNs) / total(({ wallNs }) => wallNs),
    invalid: doubtsOf(rows, ratioOf('control'), ratioOf('subject'), rounds.length)
  }
}

function rowOf(
  name: string,
  hands: Row['hands'],
  rounds: readonly Round[],
  at: number,
  yardstick: number
): Row {
  const slices = rounds.flatMap((round) => round[at] ?? [])
  const ratios = rounds.flatMap((round) => {
    const [own, base] = [round[at], round[yardstick]]
    return own && base ? nsPerHit(own) / nsPerHit(base) : []
  })
  return {
    name,
    hands,
    nsPerHit: median(slices.map(nsPerHit)),
    ratio: estimate(ratios),
    bytesPerHit: median(slices.map(({ heapBytes, hits }) => heapBytes / hits)),
    voidSlices: rounds.length - slices.length
  }
}

const nsPerHit = ({ cpuNs, hits }: Slice) => cpuNs / hits

// A run that cannot tell a thing from itself, or does not know its own subject well, says nothing about others.
function doubtsOf(rows: readonly Row[], again: Estimate, own: Estimate, rounds: number): string[] {
  const doubts: string[] = []
  if (rounds < leastRounds) doubts.push(`${rounds} rounds are fewer than ${leastRounds}`)
  if (!(Math.abs(again.median - 1) <= controlWithin) || !(uncertainty(again) <= widestInterval)) {
    const [median, low, high] = [again.median, again.low, again.high].map((figure) => figure.toFixed(2))
    doubts.push(`lru-cache beside itself came out as ${median} [${low}; ${high}]`)
  }
  if (!(uncertainty(own) <= widestInterval)) {
    doubts.push(`Turno's ratio is known to ±${(100 * uncertainty(own)).toFixed(0)} % only`)
  }
  for (const { name, voidSlices } of rows) {
    if (voidSlices > mostVoid * rounds) doubts.push(`${name} left answers out in ${voidSlices} slices`)
  }
  return doubts
}

const uncertainty = ({ low, median, high }: Estimate) => (high - low) / 2 / median
