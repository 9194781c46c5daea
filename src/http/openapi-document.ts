// Completes the OpenAPI document that is generated from the routes' schemas with what follows from a route's shape:
// the problems it may answer with, the headers of a cached answer. Nobody has to remember to write that down, and
// so it is never missing and never different from one route to the next.

import { consistencyHeader } from './consistency.ts'
import { mergePatchType } from './failures.ts'
import { problemContentType } from './problem.ts'
import { ProblemSchema, problemTitles } from './schemas.ts'

type Parameter = { in: string; name: string; [member: string]: unknown }
type Response = {
  headers?: Record<string, unknown>
  content?: Record<string, unknown>
  [member: string]: unknown
}
type Operation = {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, unknown>; [member: string]: unknown }
  security?: unknown[]
  responses: Record<string, Response>
  [member: string]: unknown
}

/** As much of an OpenAPI 3.1 document as is looked at here. */
export type ApiDocument = {
  paths: Record<string, Record<string, Operation>>
  components: {
    headers?: Record<string, unknown>
    responses?: Record<string, unknown>
    [member: string]: unknown
  }
  [member: string]: unknown
}

/** The document with every operation complete. */
export function completed(document: ApiDocument): ApiDocument {
  const statuses = new Set<number>()
  const paths = mapValues(document.paths, (operations, path) =>
    mapValues(operations, (operation, method) => {
      const cached = method === 'get' && path.startsWith('/api/') ? conditional(operation) : operation
      const whole = withPatchTypes(withPreconditions(withConsistency(cached, method, path)), method)
      const problems = problemsOf(whole)
      for (const status of problems) statuses.add(status)
      return withProblems(whole, problems)
    })
  )
  return {
    ...document,
    paths,
    components: {
      ...document.components,
      headers,
      responses: Object.fromEntries(
        [...statuses].map((status) => [`Problem${status}`, problemResponse(status)])
      ),
      schemas: { ...(document.components.schemas ?? {}), Problem: ProblemSchema }
    }
  }
}

/** What any route of this shape may answer with, and what it says itself. */
function problemsOf({ responses, parameters = [], requestBody, security = [] }: Operation): number[] {
  const own = Object.keys(responses)
    .map(Number)
    .filter((status) => status >= 400)
  return [
    ...new Set([
      ...own,
      // Unknown parameters are refused everywhere.
      400,
      500,
      503,
      ...(security.length > 0 ? [401] : []),
      ...(parameters.some((parameter) => parameter.in === 'path') ? [404] : []),
      ...(requestBody === undefined ? [] : [408, 413, 415, 422])
    ])
  ].sort((one, other) => one - other)
}

function withProblems(operation: Operation, problems: readonly number[]): Operation {
  const successes = Object.entries(operation.responses).filter(([status]) => Number(status) < 400)
  const refusals = problems.map((status): [string, Response] => [
    String(status),
    { $ref: `#/components/responses/Problem${status}` }
  ])
  return { ...operation, responses: Object.fromEntries([...successes, ...refusals]) }
}

function problemResponse(status: number) {
  return {
    description: problemTitles(status) || 'Problem',
    headers: refs(
      status === 401 ? ['WWW-Authenticate'] : status === 503 || status === 429 ? ['Retry-After'] : []
    ),
    content: { [problemContentType]: { schema: { $ref: '#/components/schemas/Problem' } } }
  }
}

/** Every GET of JSON below /api is served from a view, and so with a validator. */
function conditional(operation: Operation): Operation {
  const { 200: success, ...others } = operation.responses
  if (success === undefined) return operation
  // What is not JSON comes from no view.
  if (success.content !== undefined && !('application/json' in success.content)) return operation
  const kept = ['ETag', 'Cache-Control', 'Vary', 'Cache-Status']
  return {
    ...operation,
    parameters: [
      ...(operation.parameters ?? []),
      header(
        'If-None-Match',
        'ETags of what you have: when it is still current the answer is 304, without a body.'
      )
    ],
    responses: {
      200: {
        ...success,
        headers: { ...success.headers, ...refs([...kept, 'CDN-Cache-Control', 'Cache-Tag']) }
      },
      304: { description: 'What you have is current.', headers: refs(kept) },
      406: { description: 'Not acceptable' },
      ...others
    }
  }
}

/** An operation that can fail a precondition takes one. */
function withPreconditions(operation: Operation): Operation {
  if (operation.responses[412] === undefined) return operation
  const required = operation.responses[428] !== undefined
  const parameter = {
    ...header('If-Match', 'The ETag of what you have read: if it has changed since, the answer is 412.'),
    required
  }
  // The route may have it in its schema too, to bound its length; here it is described once.
  const others = (operation.parameters ?? []).filter(({ name }) => name.toLowerCase() !== 'if-match')
  return { ...operation, parameters: [...others, parameter] }
}

/** A patch may be sent as what it is, RFC 7396, or as plain JSON. */
function withPatchTypes(operation: Operation, method: string): Operation {
  const media = operation.requestBody?.content['application/json']
  if (method !== 'patch' || media === undefined) return operation
  return {
    ...operation,
    requestBody: { ...operation.requestBody, content: { [mergePatchType]: media, 'application/json': media } }
  }
}

function withConsistency(operation: Operation, method: string, path: string): Operation {
  if (!path.startsWith('/api/')) return operation
  if (method === 'get') {
    const parameter = header(
      consistencyHeader,
      'From the reply to your last write: the answer will be no older than it.'
    )
    return { ...operation, parameters: [...(operation.parameters ?? []), parameter] }
  }
  const responses = mapValues(operation.responses, (response, status) =>
    Number(status) < 300
      ? { ...response, headers: { ...response.headers, ...refs([consistencyHeader]) } }
      : response
  )
  return { ...operation, responses }
}

function header(name: string, description: string): Parameter {
  return { in: 'header', name, required: false, description, schema: { type: 'string' } }
}

const headers = mapValues(
  {
    ETag: [
      'Names this representation. Send it back in If-None-Match, or in If-Match to change it.',
      '"7-9f3ac0de12345678-br"'
    ],
    'Cache-Control': [
      'How long browsers may keep the answer, RFC 9111.',
      'public, max-age=30, stale-while-revalidate=60'
    ],
    'CDN-Cache-Control': ['The same for shared caches, RFC 9213.', 'max-age=300, stale-while-revalidate=60'],
    'Cache-Tag': ['What a shared cache can purge it by.', 'profile:0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'],
    'Cache-Status': ['Which layer answered, nearest to the origin first, RFC 9211.', 'turno-l1; hit'],
    Vary: ['The request headers that the answer depends on.', 'accept-encoding'],
    'Retry-After': ['Seconds until it is worth trying again.', '2'],
    'WWW-Authenticate': [
      'What is wrong with the credentials, RFC 6750.',
      'Bearer realm="turno", error="invalid_token"'
    ],
    [consistencyHeader]: [
      'Send it with later reads, to any instance, and they will see this write.',
      '4711.8-hC1ZkQ2v0aE'
    ]
  },
  ([description, example]) => ({ description, schema: { type: 'string' }, example })
)

function refs(names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

function mapValues<Value, Result>(
  record: Readonly<Record<string, Value>>,
  change: (value: Value, key: string) => Result
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]))
}
