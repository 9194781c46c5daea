// Sampled traces to an OTLP collector. Loaded only when there is one (src/telemetry.ts).
import { FastifyOtelInstrumentation } from '@fastify/otel'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis'
import { MySQL2Instrumentation } from '@opentelemetry/instrumentation-mysql2'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { NodeSDK } from '@opentelemetry/sdk-node'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanProcessor,
  TraceIdRatioBasedSampler
} from '@opentelemetry/sdk-trace'
import { ATTR_SERVICE_NAME, ATTR_URL_PATH } from '@opentelemetry/semantic-conventions'
import { register } from 'import-in-the-middle/register-hooks.mjs'
import { toldPath } from './http/told-path.ts'

const exportTimeoutMs = 5_000
// A collector that is away costs this many spans of memory, then spans are dropped.
const queuedSpans = 2_048

/**
 * Starts tracing and resolves with what flushes and stops it.
 * @param options.endpoint the collector's base URL; `/v1/traces` is added
 * @param options.ratio share of requests traced, 0 … 1; a caller that already traces decides for its own
 */
export function trace(options: {
  endpoint: string
  serviceName: string
  ratio: number
}): () => Promise<void> {
  // Without this hook ES modules would load ioredis past its instrumentation.
  register({ include: ['ioredis', 'mysql2'] })
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint}/v1/traces`,
    timeoutMillis: exportTimeoutMs
  })
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ [ATTR_SERVICE_NAME]: options.serviceName }),
    autoDetectResources: false,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.ratio) }),
    spanProcessors: [withoutQuotes, new BatchSpanProcessor({ exporter, maxQueueSize: queuedSpans })],
    // Empty, not absent: absent means "whatever the environment says", which by default is an exporter.
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [
      // Alone, without instrumentation-http: that one costs every request 20 µs, sampled or not.
      new FastifyOtelInstrumentation({
        registerOnInitialization: true,
        instrumentHooks: false,
        instrumentHandler: false,
        recordExceptions: false,
        ignorePaths: ({ url }) => url.startsWith('/health'),
        requestHook: (span, request) => {
          const route = request.routeOptions.url
          span.updateName(route === undefined ? request.method : `${request.method} ${route}`)
          // It comes as it was sent, and what people search for, or a secret address, is nobody else's business.
          span.setAttribute(ATTR_URL_PATH, toldPath(request) ?? '')
        }
      }),
      new MySQL2Instrumentation({ maskStatement: true }),
      new IORedisInstrumentation({ dbStatementSerializer: (command) => command }),
      new UndiciInstrumentation()
    ]
  })
  sdk.start()
  return () => sdk.shutdown()
}

/** Removes the messages of errors: a database quotes the values of the row that it refuses. */
const withoutQuotes: SpanProcessor = {
  onStart() {},
  onEnd(span: ReadableSpan) {
    delete span.status.message
    span.events.length = 0
  },
  forceFlush: async () => {},
  shutdown: async () => {}
}
