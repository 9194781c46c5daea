// Problem details (RFC 9457): the one error shape of the API. Any code below a route throws a Problem and
// plugins/errors.ts turns it into a reply; this file knows neither Fastify nor a resource.

const typeRoot = 'https://turno.example/problems/'

/** Media type of every error body, RFC 9457 §3. */
export const problemContentType = 'application/problem+json'

/**
 * What can go wrong. A kind's status and title never change: a client may compare `type`, and a title that varied
 * with the occurrence would break RFC 9457 §3.1.3. What is particular to one occurrence belongs in `detail`.
 */
export const problemKinds = {
  'malformed-request': { status: 400, title: 'Malformed request' },
  'invalid-parameter': { status: 400, title: 'Invalid parameter' },
  unauthorized: { status: 401, title: 'Authentication required' },
  'invalid-credentials': { status: 401, title: 'Wrong e-mail address or password' },
  'session-ended': { status: 401, title: 'Session ended' },
  forbidden: { status: 403, title: 'Not allowed' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'not-acceptable': { status: 406, title: 'Not acceptable' },
  'request-timeout': { status: 408, title: 'Request took too long to arrive' },
  conflict: { status: 409, title: 'Conflict' },
  duplicate: { status: 409, title: 'Already exists' },
  'request-in-progress': { status: 409, title: 'Request in progress' },
  'slot-taken': { status: 409, title: 'Slot taken' },
  'invalid-transition': { status: 409, title: 'Not possible in this state' },
  'outside-policy-window': { status: 409, title: 'Outside the time for it' },
  'limit-reached': { status: 409, title: 'Limit reached' },
  'precondition-failed': { status: 412, title: 'Precondition failed' },
  'payload-too-large': { status: 413, title: 'Payload too large' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  validation: { status: 422, title: 'Validation failed' },
  'read-only-field': { status: 422, title: 'Read-only field' },
  'idempotency-key-reused': { status: 422, title: 'Idempotency key used for another request' },
  'invalid-time-zone': { status: 422, title: 'Not a time zone' },
  'nonexistent-local-time': { status: 422, title: 'Local time does not exist' },
  'ambiguous-local-time': { status: 422, title: 'Local time happens twice' },
  'invalid-interval': { status: 422, title: 'Not a valid interval' },
  'range-too-long': { status: 422, title: 'Range too long' },
  'slot-unavailable': { status: 422, title: 'Slot not available' },
  'precondition-required': { status: 428, title: 'Precondition required' },
  // draft-ietf-httpapi-ratelimit-headers-11 §5 has a type and a title of its own for it.
  'quota-exceeded': {
    status: 429,
    title: 'Request cannot be satisfied as assigned quota has been exceeded',
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded'
  },
  'headers-too-large': { status: 431, title: 'Request headers too large' },
  'internal-error': { status: 500, title: 'Internal error' },
  unavailable: { status: 503, title: 'Temporarily unavailable' }
} as const satisfies Record<string, { status: number; title: string; type?: string }>

export type ProblemKind = keyof typeof problemKinds

/** One fault among several: `pointer` into the body (RFC 6901 as a URI fragment), or the `parameter` at fault. */
export type Fault = { pointer?: string; parameter?: string; detail: string }

/** The body of an error, RFC 9457 §3, with the members that this API adds. */
export type ProblemDocument = {
  type: string
  title: string
  status: number
  detail?: string
  instance?: string
  errors?: readonly Fault[]
  [extension: string]: unknown
}

export type ProblemOptions = {
  errors?: readonly Fault[]
  /** Headers the reply must carry, such as `Allow` or `Retry-After`. */
  headers?: Readonly<Record<string, string>>
  /** Members added to the body for this kind of problem; they cannot replace a standard one. */
  extension?: Readonly<Record<string, unknown>>
  /** Logged, never sent. */
  cause?: unknown
}

/** Seconds a client is asked to wait when nobody knows better; long enough for a failover, short for a person. */
const retryAfterSeconds = '2'

/**
 * An error that its caller may see. `detail` is sent as it is: no personal data, no SQL, nothing of the inside.
 *
 * @example throw new Problem('not-found', 'There is no such profile.')
 */
export class Problem extends Error {
  readonly kind: ProblemKind
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly detail: string | undefined
  readonly errors: readonly Fault[] | undefined
  readonly extension: Readonly<Record<string, unknown>>

  constructor(kind: ProblemKind, detail?: string, options: ProblemOptions = {}) {
    super(detail ?? problemKinds[kind].title, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'Problem'
    this.kind = kind
    this.status = problemKinds[kind].status
    this.headers =
      kind === 'unavailable'
        ? { 'retry-after': retryAfterSeconds, ...options.headers }
        : (options.headers ?? {})
    this.detail = detail
    this.errors = options.errors
    this.extension = options.extension ?? {}
  }

  /** The body to send; `instance` names this occurrence, so that a user can quote it and an operator find it. */
  document(instance?: string): ProblemDocument {
    return {
      ...this.extension,
      type: problemType(this.kind),
      title: problemKinds[this.kind].title,
      status: this.status,
      ...(this.detail !== undefined && { detail: this.detail }),
      ...(instance !== undefined && { instance }),
      ...(this.errors !== undefined && { errors: this.errors })
    }
  }
}

/** The stable URI of a kind: what clients compare. */
export function problemType(kind: ProblemKind): string {
  const known = problemKinds[kind]
  return 'type' in known ? known.type : typeRoot + kind
}
