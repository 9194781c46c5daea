// Interleaved rounds over the participants: CPU time, bytes allocated and proof of every slice.
import { setImmediate as turn } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { type Draws, drawCount, randomOf, shuffled } from './entries.ts'
import { type Participant, proofOf } from './participant.ts'

/** One participant, once in one round. */
export type Slice = {
  readonly hits: number
  /** CPU time of this thread, ns: what other processes took from the machine meanwhile is not in it. */
  readonly cpuNs: number
  readonly wallNs: number
  /** Growth of the used heap; wrong, and mostly negative, where a collection ran meanwhile. */
  readonly heapBytes: number
}

/** Slices by participant, in their order; null where an answer was missing. */
export type Round = readonly (Slice | null)[]

export type Plan = {
  participants: readonly Participant[]
  draws: Draws
  /** How long to measure, ms; `rounds` decides instead where it is given. */
  forMs: number
  rounds: number | null
  progress(round: number): void
  signal: AbortSignal
}

/**
 * The same for whoever is compared closely: the first hits of a slice find the processor's caches full of another's
 * data, so a longer slice looks faster. Short enough to end well within a proof of freshness (50 ms).
 */
const sliceHits = 4_096
/** Not counted, at the begin of each slice. */
const leadIn = 1 / 4
/** A slower participant has its slice halved until it takes no longer, ms of CPU time. */
const longestSliceMs = 6
const warmUpMs = 250
const warmUpHits = 128
const leastRounds = 8

/** The order is drawn anew for two rounds, the second in reverse: nobody gains from whom he follows. */
export async function measure({
  participants,
  draws,
  forMs,
  rounds,
  progress,
  signal
}: Plan): Promise<Round[]> {
  const counts: number[] = []
  for (const participant of participants) {
    signal.throwIfAborted()
    counts.push(await warmUp(participant, draws))
  }
  const end = performance.now() + forMs
  const done: Round[] = []
  const random = randomOf(4)
  let order: number[] = []
  const more = () =>
    rounds === null ? done.length < leastRounds || performance.now() < end : done.length < rounds
  while (more()) {
    const slices: (Slice | null)[] = participants.map(() => null)
    order = done.length % 2 === 0 ? shuffled(participants.length, random) : order.reverse()
    for (const at of order) {
      const participant = participants[at]
      if (!participant) continue
      // Replies and announcements of the engines come in here, between slices.
      await turn()
      signal.throwIfAborted()
      const slice = await measureSlice(participant, draws, done.length * sliceHits, counts[at] ?? 1)
      slices[at] = slice
      if (!slice) await participant.restore?.()
    }
    done.push(slices)
    progress(done.length)
  }
  return done
}

// Until the compiler has had its time; returns how many hits make a slice.
async function warmUp(participant: Participant, draws: Draws): Promise<number> {
  let spentNs = 0
  let nsPerHit = Number.POSITIVE_INFINITY
  for (let at = 0; spentNs < warmUpMs * 1e6; at += warmUpHits) {
    await turn()
    const slice = await measureSlice(participant, draws, at, warmUpHits)
    if (!slice) {
      await participant.restore?.()
      continue
    }
    spentNs += slice.cpuNs
    nsPerHit = Math.min(nsPerHit, slice.cpuNs / slice.hits)
  }
  let count = sliceHits
  while (!participant.role && count * nsPerHit > longestSliceMs * 1e6) count /= 2
  return count
}

async function measureSlice(
  participant: Participant,
  draws: Draws,
  from: number,
  count: number
): Promise<Slice | null> {
  const before = draws.keys(from + drawCount - count * leadIn, count * leadIn)
  const keys = draws.keys(from, count)
  await participant.ready?.()
  await participant.hits(before)
  const heapBefore = getHeapStatistics().used_heap_size
  const wallBefore = performance.now()
  const cpuBefore = cpuMicros()
  const summing = participant.hits(keys)
  const seen = typeof summing === 'number' ? summing : await summing
  const cpuNs = (cpuMicros() - cpuBefore) * 1e3
  const wallNs = (performance.now() - wallBefore) * 1e6
  const heapBytes = getHeapStatistics().used_heap_size - heapBefore
  if (seen !== proofOf(participant, draws.entries(from, count))) return null
  return { hits: count, cpuNs, wallNs, heapBytes }
}

// Linux brings a thread's figure up to date only when that of its process is asked for; else it is that of the last
// clock tick.
function cpuMicros(): number {
  process.cpuUsage()
  const { user, system } = process.threadCpuUsage()
  return user + system
}
