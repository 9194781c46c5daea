// From anything that can be thrown to the Problem its caller may see. What is not understood is an internal error,
// and says nothing about itself.

import { DatabaseUnavailable } from '../../db/pool.ts'
import { Overloaded } from '../overload/admission.ts'
import { bodyProblem, type Finding, parameterProblem } from './faults.ts'
import { Problem, type ProblemKind, problemKinds } from './problem.ts'

/** The members that Fastify and its plugins put on their errors, and that the mapping reads. */
type FrameworkError = Error & {
  code?: string
  statusCode?: number
  validation?: readonly Finding[]
  validationContext?: string
}

/** Media types that a body may have, by method; sent with a 415 so that the caller need not guess. */
export const mergePatchType = 'application/merge-patch+json'
export const patchTypes = `${mergePatchType}, application/json`

/** What the failed request was, as far as it decides on the answer. */
export type Circumstances = {
  method: string
  /** The parsed body, undefined where none was sent. */
  body: unknown
  /** Names of the fields in the route's own successful answer. */
  answered: ReadonlySet<string>
}

/** Where the framework's wording would confuse, ours. Other codes are told by their status alone. */
const byCode: Record<string, { kind: ProblemKind; detail: string }> = {
  FST_ERR_BAD_URL: { kind: 'malformed-request', detail: 'The path is not a valid one.' },
  // A path part longer than any id of ours is as absent as any other that there is not.
  FST_ERR_MAX_PARAM_LENGTH: { kind: 'not-found', detail: 'There is nothing here.' },
  FST_ERR_CTP_BODY_TOO_LARGE: {
    kind: 'payload-too-large',
    detail: 'The body is larger than is accepted here.'
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    kind: 'malformed-request',
    detail: 'The body is not as long as Content-Length says.'
  },
  FST_ERR_HANDLER_TIMEOUT: { kind: 'unavailable', detail: 'It took too long.' }
}

/** Made once, and told apart by chance: those refused together should not all come back together. */
const refusals = ['1', '2', '3'].map(
  (seconds) =>
    new Problem('unavailable', 'Too much to do at the moment. Try again shortly.', {
      headers: { 'retry-after': seconds }
    })
)

function tooMuch(): Problem {
  return refusals[Math.floor(Math.random() * refusals.length)] ?? new Problem('unavailable')
}

/**
 * What to answer to a failure.
 *
 * @param failure anything thrown below a route, by a hook, or by the framework
 */
export function problemOf(failure: unknown, circumstances: Circumstances): Problem {
  if (failure instanceof Problem) return failure
  if (failure instanceof Overloaded) return tooMuch()
  if (failure instanceof DatabaseUnavailable) {
    return new Problem('unavailable', 'The database does not answer now.', { cause: failure })
  }
  if (!(failure instanceof Error)) return new Problem('internal-error', undefined, { cause: failure })

  const error: FrameworkError = failure
  if (error.validation !== undefined) return invalid(error.validation, error.validationContext, circumstances)

  const known = byCode[error.code ?? '']
  if (known !== undefined) return new Problem(known.kind, known.detail, { cause: error })

  if (error.statusCode === 415) return unsupportedMediaType(circumstances.method)
  const kind = kindOf(error.statusCode)
  return new Problem(kind, undefined, { cause: error })
}

/** The 415 of a method, with the types that it takes: RFC 5789 §2.2 for PATCH, RFC 9110 §15.5.16 for others. */
export function unsupportedMediaType(method: string): Problem {
  return method === 'PATCH'
    ? new Problem('unsupported-media-type', `Send ${patchTypes}.`, {
        headers: { 'accept-patch': patchTypes }
      })
    : new Problem('unsupported-media-type', 'Send application/json.', {
        headers: { accept: 'application/json' }
      })
}

function invalid(
  findings: readonly Finding[],
  part: string | undefined,
  { body, answered }: Circumstances
): Problem {
  switch (part) {
    case 'params':
      // Nothing has an id that is not one: the same answer as for an absent id tells nobody which it was.
      return new Problem('not-found', 'There is nothing here.')
    case 'body':
      return body === undefined
        ? new Problem('malformed-request', 'A body is needed.')
        : bodyProblem(findings, answered)
    case 'headers':
      return parameterProblem(findings, 'header')
    default:
      return parameterProblem(findings, 'query')
  }
}

/** The first kind listed with a status is the general one. A 5xx of the framework's is ours to explain, not theirs. */
function kindOf(status: number | undefined): ProblemKind {
  if (status === undefined || status < 400 || status > 599) return 'internal-error'
  if (status === 502 || status === 503 || status === 504) return 'unavailable'
  if (status >= 500) return 'internal-error'
  const kinds = Object.keys(problemKinds) as ProblemKind[]
  return kinds.find((kind) => problemKinds[kind].status === status) ?? 'malformed-request'
}
