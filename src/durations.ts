// Durations by series, counted in plain arrays and handed to OpenTelemetry when somebody collects. The SDK's own
// histogram finds a series by hashing its attributes at every record: three to four microseconds of a request that
// takes twenty (bench/telemetry-cost.ts). Whoever records here holds the series, so a record is an addition.
import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api'
import { emptyResource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  InstrumentType,
  type MetricProducer
} from '@opentelemetry/sdk-metrics'

/**
 * Upper bounds of the buckets, seconds. OpenTelemetry's own start at 5 ms: a cache that answers in a tenth of a
 * millisecond would put everything into the first.
 */
const boundaries: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
]

/** The durations that share one set of attributes. */
export class DurationSeries {
  readonly attributes: Attributes
  readonly startTime: HrTime = now()
  readonly counts: number[] = new Array(boundaries.length + 1).fill(0)
  count = 0
  sum = 0
  min = Number.POSITIVE_INFINITY
  max = 0

  constructor(attributes: Attributes) {
    this.attributes = attributes
  }

  /** @param ms duration in milliseconds */
  record(ms: number): void {
    const seconds = ms / 1000
    let bucket = 0
    // From below: nearly all answers are among the first buckets.
    while (bucket < boundaries.length && seconds > (boundaries[bucket] ?? 0)) bucket++
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    this.count++
    this.sum += seconds
    if (seconds < this.min) this.min = seconds
    if (seconds > this.max) this.max = seconds
  }
}

/** One histogram of durations. Give it to a reader of metrics as a producer. */
export class DurationHistogram implements MetricProducer {
  #name: string
  #description: string
  #series: DurationSeries[] = []

  constructor(name: string, description: string) {
    this.#name = name
    this.#description = description
  }

  /** A new series. The caller keeps it and makes one for each set of attributes. */
  series(attributes: Attributes): DurationSeries {
    const series = new DurationSeries(attributes)
    this.#series.push(series)
    return series
  }

  async collect(): Promise<CollectionResult> {
    const endTime = now()
    const dataPoints = this.#series.map(({ attributes, startTime, counts, count, sum, min, max }) => ({
      attributes,
      startTime,
      endTime,
      value: { buckets: { boundaries: [...boundaries], counts: [...counts] }, count, sum, min, max }
    }))
    const descriptor = {
      name: this.#name,
      description: this.#description,
      unit: 's',
      type: InstrumentType.HISTOGRAM,
      valueType: ValueType.DOUBLE,
      advice: {}
    }
    const metric = {
      descriptor,
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM as const,
      dataPoints
    }
    return {
      resourceMetrics: {
        resource: emptyResource(),
        scopeMetrics: [{ scope: { name: 'turno' }, metrics: [metric] }]
      },
      errors: []
    }
  }
}

function now(): HrTime {
  const ms = Date.now()
  return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000]
}
