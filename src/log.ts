// What the process says and what it keeps to itself. A line carries the request's id and its trace; never a body, a
// query, a header, an address, or the values that a database quotes in its errors.
import { trace } from '@opentelemetry/api'
import { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import { type Bindings, type ChildLoggerOptions, destination, type LogFn, type Logger, pino } from 'pino'
import type { Settings } from './config.ts'
import type { Sent } from './http/at-hand.ts'
import { toldPath } from './http/told-path.ts'
import { gathered } from './log-lines.ts'

/** Where lines go: one call for each, a newline at its end. */
export type LogStream = { write(line: string): void }

/** The part of Fastify's options that logging decides. */
export type LogOptions = { loggerInstance: FastifyBaseLogger; logController: LogController }

/**
 * Fastify's options for logging. Lines are JSON, or made for people when a person is watching.
 * @example Fastify({ ...(await loggerOptions(settings)), bodyLimit })
 */
export async function loggerOptions(settings: Settings, stream?: LogStream): Promise<LogOptions> {
  const serializers = { err: describeError, error: describeError, req: describeRequest, res: describeReply }
  const logger = pino(
    {
      level: settings.log.level,
      base: { service: settings.telemetry.serviceName, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      mixin: activeTrace,
      hooks: { logMethod: withOwnMessage },
      serializers,
      redact: { paths: secretPaths, censor: '[redacted]' }
    },
    stream ?? (process.stdout.isTTY ? await prettyStdout() : stdout())
  )
  const loggerInstance = new LazyLogger({ made: logger }, {}, {})
  return {
    // Fastify adds serializers of its own, but for those that it finds here.
    loggerInstance: Object.assign(loggerInstance, { serializers }),
    // What it says of a request is chosen field by field: nothing is to be searched for in it.
    logController: new RequestLog(settings.log.slowRequestMs, logger.child({}, { redact: [] }))
  }
}

// Should someone log such a thing as it is one day.
const secretPaths = [
  'authorization',
  'cookie',
  'password',
  'token',
  'secret',
  'headers',
  'body',
  'query'
].flatMap((name) => [name, `*.${name}`])

/** Bytes of lines that may wait for a standard output that nobody reads; beyond them lines are dropped. */
const waitingBytes = 4 * 1024 * 1024

// Not synchronous: a full pipe would stop the event loop, and with it every request. What waits is written out at exit.
function stdout(): LogStream {
  return gathered(destination({ dest: 1, sync: false, maxLength: waitingBytes }))
}

// A development dependency: an image without it still runs.
async function prettyStdout(): Promise<LogStream> {
  try {
    const { default: pretty } = await import('pino-pretty')
    return pretty({ colorize: true, ignore: 'pid,service', translateTime: 'SYS:HH:MM:ss.l' })
  } catch {
    return stdout()
  }
}

/** Decides which requests are worth a line: writes, failures and slow ones. A fast read is only counted. */
class RequestLog extends LogController {
  #slowMs: number
  #logger: FastifyBaseLogger

  constructor(slowMs: number, logger: FastifyBaseLogger) {
    super({ requestIdLogLabel: idLabel })
    this.#slowMs = slowMs
    this.#logger = logger
  }

  override incomingRequest(): void {}

  // The line that Fastify would write quotes the URL.
  override routeNotFound(): void {}

  // Fastify's own would take the error's message for the line's.
  override defaultErrorLog(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.statusCode >= 500) request.log.error({ err: error }, 'an error reached the default handler')
  }

  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply
  ): void {
    const status = reply.statusCode
    const slow = reply.elapsedTime > this.#slowMs
    const failed = status >= 500 || (error !== null && error !== undefined)
    if (!failed && !slow && isRead(request.method)) return
    const line = {
      [idLabel]: request.id,
      ...describeRequest(request),
      ...traceOf(request),
      status,
      answeredBy: request.answeredBy,
      ms: tenths(reply.elapsedTime),
      ...(error && { err: error })
    }
    if (failed) this.#logger.error(line, 'failed request')
    else if (slow) this.#logger.warn(line, slowMessage)
    else this.#logger.info(line, 'request')
  }
}

/** The line of an answer that Fastify knows nothing of (src/http/at-hand.ts). */
export function slowRequest(
  log: FastifyBaseLogger,
  { description, headers, id, status, answeredBy, ms }: Sent
): void {
  const line = { ...description, ...traceOf({ headers }), status, answeredBy, ms: tenths(ms) }
  log.child({ [idLabel]: id }).warn(line, slowMessage)
}

const idLabel = 'requestId'
const slowMessage = 'slow request'

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

/**
 * A logger that is made when it first has something to say: the application's, and of it each request's. Most requests say
 * nothing, and pino's child costs two microseconds: more than all else that is measured of a cached hit. Not by Fastify's
 * childLoggerFactory, which has what it makes looked through for seven methods at each request.
 */
class LazyLogger implements FastifyBaseLogger {
  #parent: { readonly made: FastifyBaseLogger }
  #bindings: Bindings
  #options: ChildLoggerOptions
  #made: FastifyBaseLogger | undefined

  constructor(parent: { readonly made: FastifyBaseLogger }, bindings: Bindings, options: ChildLoggerOptions) {
    this.#parent = parent
    this.#bindings = bindings
    this.#options = options
  }

  get made(): FastifyBaseLogger {
    this.#made ??= this.#parent.made.child(this.#bindings, this.#options)
    return this.#made
  }

  get level(): string {
    return this.made.level
  }

  child(bindings: Bindings, options: ChildLoggerOptions = {}): FastifyBaseLogger {
    return new LazyLogger(this, bindings, options)
  }

  fatal(...line: unknown[]): void {
    this.#say('fatal', line)
  }

  error(...line: unknown[]): void {
    this.#say('error', line)
  }

  warn(...line: unknown[]): void {
    this.#say('warn', line)
  }

  info(...line: unknown[]): void {
    this.#say('info', line)
  }

  debug(...line: unknown[]): void {
    this.#say('debug', line)
  }

  trace(...line: unknown[]): void {
    this.#say('trace', line)
  }

  silent(): void {}

  #say(level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace', line: unknown[]): void {
    const logger = this.made
    Reflect.apply(logger[level], logger, line)
  }
}

/** What a line may say of a request: for an unknown route not even its path, which could hold anything. */
export type RequestDescription = { method: string; route?: string; path?: string }

export function describeRequest(
  request: Pick<FastifyRequest, 'method' | 'routeOptions' | 'params'>
): RequestDescription {
  const route = request.routeOptions?.url
  const path = toldPath(request)
  if (route === undefined || path === undefined) return { method: request.method }
  return { method: request.method, route, path }
}

function describeReply(reply: Pick<FastifyReply, 'statusCode'>): { status: number } {
  return { status: reply.statusCode }
}

type TraceFields = { traceId?: string; spanId?: string }

function activeTrace(): TraceFields {
  const span = trace.getActiveSpan()?.spanContext()
  return span ? { traceId: span.traceId, spanId: span.spanId } : {}
}

// W3C Trace Context §3.2.2: version, trace id, parent id, flags.
const traceparent = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/

// Without tracing of our own, the caller's trace still joins our line to theirs.
function traceOf({ headers }: Pick<FastifyRequest, 'headers'>): TraceFields {
  const active = activeTrace()
  if (active.traceId !== undefined) return active
  const header = headers.traceparent
  const traceId = typeof header === 'string' ? traceparent.exec(header)?.[1] : undefined
  return traceId === undefined ? {} : { traceId }
}

export type DescribedError = {
  type: string
  message: string
  code?: string | number
  stack: string
  cause?: DescribedError
}

// For a line without a message pino takes that of its error, quotes and all.
function withOwnMessage(
  this: Logger,
  [first, ...rest]: Parameters<LogFn>,
  write: (...line: unknown[]) => void
): void {
  const error = subjectOf(first)
  if (error instanceof Error && rest.length === 0) write.call(this, first, describeError(error).message)
  else write.call(this, first, ...rest)
}

function subjectOf(line: unknown): unknown {
  return typeof line === 'object' && line !== null && 'err' in line ? line.err : line
}

const longestMessage = 300
const deepestCause = 4

/**
 * An error as a line may show it: what kind, where, and why as far as that quotes nobody. A database's message holds
 * the values it refuses, a query builder's the parameters, a JSON parser's the text: their code and frames must do.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error', stack: '' }
  const code = 'code' in error && (typeof error.code === 'string' || typeof error.code === 'number')
  return {
    type: error.name,
    message: quotesData(error) ? '[not shown: may quote data]' : error.message.slice(0, longestMessage),
    ...(code && { code: error.code as string | number }),
    stack: frames(error.stack),
    ...(error.cause !== undefined && depth < deepestCause && { cause: describeError(error.cause, depth + 1) })
  }
}

function quotesData(error: Error): boolean {
  return 'sqlMessage' in error || 'sql' in error || 'params' in error || error instanceof SyntaxError
}

// A stack begins with the message.
function frames(stack: string | undefined): string {
  return (stack ?? '')
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n')
}
