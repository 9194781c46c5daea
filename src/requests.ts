// What is counted of requests: those under way, those given up, and how long they take by route, layer and status. Plain
// numbers and series that whoever answers holds on to; plugins/telemetry.ts hands them to OpenTelemetry.
import type { Layer } from './cache/events.ts'
import type { DurationHistogram, DurationSeries } from './durations.ts'

export class Requests {
  active = 0
  /** Their clients went away before the answer was complete. */
  aborted = 0
  #histogram: DurationHistogram
  #routes = new Map<string | undefined, RouteDurations>()

  constructor(histogram: DurationHistogram) {
    this.#histogram = histogram
  }

  /** @param route its template, never the URL: a series for each URL would grow with the curiosity of strangers */
  durationsOf(route: string | undefined): RouteDurations {
    const known = this.#routes.get(route)
    if (known) return known
    const fresh = new RouteDurations(this.#histogram, route)
    this.#routes.set(route, fresh)
    return fresh
  }
}

/** The durations of a route: a series for each combination that occurred. */
export class RouteDurations {
  #histogram: DurationHistogram
  #route: string | undefined
  #methods = new Map<string, Map<number, Map<Layer | null, DurationSeries>>>()
  #last: { asked: string; status: number; answeredBy: Layer | null; series: DurationSeries } | null = null

  constructor(histogram: DurationHistogram, route: string | undefined) {
    this.#histogram = histogram
    this.#route = route
  }

  of(asked: string, status: number, answeredBy: Layer | null): DurationSeries {
    // Mostly the one before was the same.
    const last = this.#last
    if (last !== null && asked === last.asked && status === last.status && answeredBy === last.answeredBy) {
      return last.series
    }
    const series = this.#find(asked, status, answeredBy)
    this.#last = { asked, status, answeredBy, series }
    return series
  }

  #find(asked: string, status: number, answeredBy: Layer | null): DurationSeries {
    const method = methods.has(asked) ? asked : '_OTHER'
    const layers = inner(inner(this.#methods, method), status)
    const known = layers.get(answeredBy)
    if (known) return known
    const fresh = this.#histogram.series({
      'http.request.method': method,
      'http.response.status_code': status,
      'turno.cache.layer': answeredBy ?? 'none',
      ...(this.#route !== undefined && { 'http.route': this.#route })
    })
    layers.set(answeredBy, fresh)
    return fresh
  }
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function inner<K, I, V>(outer: Map<K, Map<I, V>>, key: K): Map<I, V> {
  const known = outer.get(key)
  if (known) return known
  const fresh = new Map<I, V>()
  outer.set(key, fresh)
  return fresh
}
