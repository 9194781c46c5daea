// What the service says of itself at /metrics, as far as the benchmark asks.
import { request } from 'undici'
import { probeEveryMs } from '../../src/telemetry.ts'

export type OwnCounts = {
  loads: number
  evictions: number
  entries: number
  entryBytes: number
  answers: Readonly<Record<string, number>>
  /** Worst of the instances. */
  eventLoopDelayMs: number | null
  gcMs: number
}

const scrapeMs = 5_000

/** Of all instances together; null where there is nobody to ask, or no answer. */
export async function ownCounts(operatorsUrls: readonly string[]): Promise<OwnCounts | null> {
  if (operatorsUrls.length === 0) return null
  try {
    const texts = await Promise.all(
      operatorsUrls.map(async (url) => {
        const { body } = await request(`${url}/metrics`, { headersTimeout: scrapeMs, bodyTimeout: scrapeMs })
        return body.text()
      })
    )
    const samples = texts.flatMap(samplesOf)
    const sum = (name: string) =>
      samples.filter((one) => one.name === name).reduce((total, { value }) => total + value, 0)
    const answers: Record<string, number> = {}
    for (const { name, labels, value } of samples) {
      const layer = /turno_cache_layer="(\w+)"/.exec(labels)?.[1]
      if (name === 'turno_cache_answers_total' && layer) answers[layer] = (answers[layer] ?? 0) + value
    }
    const delays = samples.filter(({ name }) => name === 'nodejs_eventloop_delay_p99_seconds')
    return {
      loads: sum('turno_cache_loads_total'),
      evictions: sum('turno_cache_evictions_total'),
      entries: sum('turno_cache_entries'),
      entryBytes: sum('turno_cache_size_bytes'),
      answers,
      // The library tells the whole time between two probes.
      eventLoopDelayMs:
        delays.length === 0 ? null : Math.max(0, ...delays.map(({ value }) => value * 1000 - probeEveryMs)),
      gcMs: sum('v8js_gc_duration_seconds_sum') * 1000
    }
  } catch {
    return null
  }
}

type Sample = { name: string; labels: string; value: number }

/** The text format of Prometheus. */
function samplesOf(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^(\w+)(\{.*\})? (\S+)/.exec(line) ?? []
    return name && value ? [{ name, labels, value: Number(value) }] : []
  })
}
