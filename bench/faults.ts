// A fault in the middle of a block, and what became of the answers.
import { setTimeout as pause } from 'node:timers/promises'
import type { Engine } from '../db/stack/stack.ts'
import type { Block, FaultCard } from './result.ts'

/** As before: nearly all answers are good again, and none waits much longer. */
const recovered = { goodShare: 0.99, slower: 3, leastMs: 20 } as const

/** Hangs the engine from one second of the load to another; it goes on again however this ends. */
export async function hang(engine: Engine, from: number, until: number, abort: AbortSignal): Promise<void> {
  await pause(from * 1000, undefined, { signal: abort })
  engine.hang()
  try {
    await pause((until - from) * 1000, undefined, { signal: abort })
  } finally {
    engine.resume()
  }
}

export function faultCardOf(block: Block, fault: string, from: number, until: number): FaultCard {
  const { timeline } = block
  const during = timeline.filter(({ at }) => at >= from && at < until)
  const total = (of: 'requests' | 'good') => during.reduce((sum, second) => sum + second[of], 0)
  const before = timeline.filter(({ at }) => at < from).map(({ p99 }) => p99)
  const usual = before.toSorted((a, b) => a - b)[Math.floor(before.length / 2)] ?? 0
  const bound = Math.max(usual * recovered.slower, recovered.leastMs * 1000)
  const well = timeline.findIndex(
    ({ at, requests, good, p99 }) =>
      at >= until && requests > 0 && good >= requests * recovered.goodShare && p99 <= bound
  )
  return {
    scenario: block.scenario,
    subject: block.subject,
    fault,
    from,
    until,
    timeline,
    goodShare: total('requests') === 0 ? 0 : total('good') / total('requests'),
    worstMs: block.latency.max / 1000,
    recoveredAfterMs: well === -1 ? null : ((timeline[well]?.at ?? until) - until) * 1000
  }
}
