// What a driver is told, and what it tells: JSON lines over its standard input and output. It warms up, says that it is
// warm, waits to be told to go, and ends with its outcome.
import type { Step } from '../load/arrivals.ts'
import type { World } from '../load/endpoints.ts'
import type { Counts, Distribution, Layer } from '../result.ts'
import type { Scenario } from '../scenarios/scenario.ts'

export type Plan = {
  mix: Scenario['mix']
  keys: NonNullable<Scenario['keys']>
  encoding: Scenario['encoding']
  world: World
  theta: number
  seed: number
  stretch: string
  serial: number
  urls: readonly string[]
  connections: number
  /** A request that is not answered by then never will be. */
  timeoutMs: number
  warmUp: number
  load: { kind: 'open'; steps: readonly Step[] } | { kind: 'closed'; seconds: number }
}

/** What a driver counts itself; the rest of `Counts` others see. */
export type Seen = Pick<Counts, 'requests' | 'good' | 'failures' | 'reads' | 'writes' | 'bytes' | 'layers'>

export type SecondSeen = {
  at: number
  requests: number
  good: number
  p50: number
  p99: number
  layers: Partial<Record<Layer, number>>
}

export type DriverOutcome = {
  seen: Seen
  seconds: number
  latency: Distribution
  service: Distribution
  slip: Distribution | null
  timeline: readonly SecondSeen[]
  /** Of the driver's process, while it counted. */
  cpuMicroseconds: number
  /** The first number that no write has used. */
  serial: number
}

/** Said on standard output, a line each. */
export type FromDriver = { say: 'warm'; serial: number } | { say: 'done'; outcome: DriverOutcome }
