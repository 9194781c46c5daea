// What a driver has seen so far: counts, distributions, and each second by itself.
import type { Histogram } from 'hdr-histogram-js'
import { isWrite, type Wanted } from '../load/endpoints.ts'
import type { Layer } from '../result.ts'
import { distributionOf, histogram, record } from './distribution.ts'
import type { DriverOutcome, SecondSeen, Seen } from './plan.ts'

type Accumulated = { requests: number; good: number; ms: number[]; layers: Partial<Record<Layer, number>> }

export class Tally {
  readonly seen: Seen = { requests: 0, good: 0, failures: {}, reads: 0, writes: 0, bytes: 0, layers: {} }
  readonly latency: Histogram = histogram()
  readonly service: Histogram = histogram()
  readonly slip: Histogram = histogram()
  readonly #seconds: Accumulated[] = []
  readonly #cpu = process.cpuUsage()

  /**
   * One request has come to its end.
   * @param at when it was to be sent, ms from the begin; it counts in that second
   * @param latencyMs from then; `serviceMs` from when it was sent
   * @param failure null for a good answer
   */
  add(of: {
    wanted: Wanted
    at: number
    latencyMs: number
    serviceMs: number
    bytes: number
    layer: Layer | null
    failure: string | null
  }): void {
    const { seen } = this
    const second = this.#second(of.at)
    seen.requests++
    second.requests++
    if (isWrite(of.wanted)) seen.writes++
    else seen.reads++
    seen.bytes += of.bytes
    if (of.layer !== null) {
      seen.layers[of.layer] = (seen.layers[of.layer] ?? 0) + 1
      second.layers[of.layer] = (second.layers[of.layer] ?? 0) + 1
    }
    if (of.failure === null) {
      seen.good++
      second.good++
    } else seen.failures[of.failure] = (seen.failures[of.failure] ?? 0) + 1
    record(this.latency, of.latencyMs)
    record(this.service, of.serviceMs)
    second.ms.push(of.latencyMs)
  }

  outcome(seconds: number, serial: number, withSlip: boolean): DriverOutcome {
    const { user, system } = process.cpuUsage(this.#cpu)
    return {
      seen: this.seen,
      seconds,
      latency: distributionOf(this.latency),
      service: distributionOf(this.service),
      slip: withSlip ? distributionOf(this.slip) : null,
      timeline: Array.from(this.#seconds, (second, at) => toldOf(second, at)),
      cpuMicroseconds: user + system,
      serial
    }
  }

  #second(at: number): Accumulated {
    const index = Math.max(0, Math.floor(at / 1000))
    const known = this.#seconds[index]
    if (known) return known
    const fresh = { requests: 0, good: 0, ms: [], layers: {} }
    this.#seconds[index] = fresh
    return fresh
  }
}

function toldOf(second: Accumulated | undefined, at: number): SecondSeen {
  if (!second) return { at, requests: 0, good: 0, p50: 0, p99: 0, layers: {} }
  const { requests, good, layers } = second
  const sorted = Float64Array.from(second.ms).sort()
  const value = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) * 1000)
  return { at, requests, good, p50: value(0.5), p99: value(0.99), layers }
}
