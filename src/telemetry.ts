// OpenTelemetry for one process: metrics always, traces only when there is somewhere to send them. The trace and OTLP
// parts are loaded on demand: they double what the process must read before it can serve.
import type { Meter } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  type IMetricReader,
  MeterProvider,
  type MetricData,
  type MetricProducer,
  PeriodicExportingMetricReader,
  type ResourceMetrics
} from '@opentelemetry/sdk-metrics'
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions'
import type { Settings } from './config.ts'
import { DurationHistogram } from './durations.ts'

export type Metrics = {
  meter: Meter
  provider: MeterProvider
  requestDuration: DurationHistogram
  /** Everything measured, in Prometheus's text format. */
  text(): Promise<string>
  /** Sends what is left, and gives up within `goodbyeMs` if nobody takes it. */
  shutdown(): Promise<void>
}

/**
 * How often the event loop is asked how late it is, ms. Each time wakes a process that had nothing else to do: at the 10
 * that libraries take, two of them were most of what an idle instance spent.
 */
export const probeEveryMs = 100

const otlpIntervalMs = 15_000
const otlpTimeoutMs = 5_000
const goodbyeMs = 500

/** Starts measuring. Each app has its own, so that two in one process do not count into each other. */
export async function startMetrics(settings: Settings): Promise<Metrics> {
  const requestDuration = new DurationHistogram(
    'http.server.request.duration',
    'From the request’s head to the last byte of its answer handed to the kernel.'
  )
  const metricProducers = [requestDuration]
  const prometheus = new PrometheusExporter({ preventServerStart: true, metricProducers })
  const readers: IMetricReader[] = [prometheus]
  if (settings.telemetry.otlpEndpoint !== null) {
    readers.push(await otlpReader(settings.telemetry.otlpEndpoint, metricProducers))
  }
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ [ATTR_SERVICE_NAME]: settings.telemetry.serviceName }),
    readers
  })
  const serializer = new PrometheusSerializer('', false, undefined, false, true)
  return {
    meter: provider.getMeter('turno'),
    provider,
    requestDuration,
    text: async () => {
      const { resourceMetrics } = await prometheus.collect()
      return serializer.serialize(withUnitsInNames(resourceMetrics))
    },
    shutdown: () => within(goodbyeMs, provider.shutdown())
  }
}

async function otlpReader(endpoint: string, metricProducers: MetricProducer[]): Promise<IMetricReader> {
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-http')
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: `${endpoint}/v1/metrics`, timeoutMillis: otlpTimeoutMs }),
    exportIntervalMillis: otlpIntervalMs,
    exportTimeoutMillis: otlpTimeoutMs,
    metricProducers
  })
}

/**
 * Starts tracing when an OTLP endpoint is set, else does nothing. Must run before the modules that it traces are
 * loaded. Resolves with what stops it.
 */
export async function startTracing(settings: Settings): Promise<() => Promise<void>> {
  const { otlpEndpoint, serviceName, traceRatio } = settings.telemetry
  if (otlpEndpoint === null) return async () => {}
  const { trace } = await import('./tracing.ts')
  const shutdown = trace({ endpoint: otlpEndpoint, serviceName, ratio: traceRatio })
  return () => within(goodbyeMs, shutdown())
}

// A collector that hangs must not hold up the end of the process: what it did not take by then is lost.
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs)
  })
  await Promise.race([work.catch(() => {}), limit])
  clearTimeout(timer)
}

const unitSuffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', '1': '_ratio' }

// The exporter leaves the unit out of the name, which the compatibility rules of OpenTelemetry want there (and every
// dashboard made elsewhere expects): http_server_request_duration_seconds.
function withUnitsInNames(metrics: ResourceMetrics): ResourceMetrics {
  return {
    ...metrics,
    scopeMetrics: metrics.scopeMetrics.map((scope) => ({ ...scope, metrics: scope.metrics.map(withUnit) }))
  }
}

function withUnit<Data extends MetricData>(data: Data): Data {
  const suffix = unitSuffixes[data.descriptor.unit]
  if (suffix === undefined || data.descriptor.name.endsWith(suffix)) return data
  return { ...data, descriptor: { ...data.descriptor, name: data.descriptor.name + suffix } }
}
