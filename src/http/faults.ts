// What the schema validator found, in the words of problem details: each fault at its place, in a sentence that
// names neither the validator nor the schema's inside.

import { type Fault, Problem } from './problem.ts'

/** The part of a validator's finding that is read here; Ajv's own, as Fastify hands it on. */
export type Finding = {
  keyword: string
  instancePath: string
  schemaPath: string
  params: Record<string, unknown>
  message?: string
}

/** More faults than this help nobody, and let a hostile body buy a large reply. */
const mostFaults = 20
/** Findings looked at: sorting them out costs more than finding them. */
const mostFindings = 200

/**
 * The problem with a body. A field that the route answers with but does not take is not unknown but read-only, and
 * is called so: a client that sends back what it read must learn that, not search for a typing error.
 *
 * @param answered names of the fields in the route's own successful answer
 */
export function bodyProblem(all: readonly Finding[], answered: ReadonlySet<string>): Problem {
  const findings = all.slice(0, mostFindings)
  const unions = findings.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')
  // A union that failed reports each of its branches too: one fault at the place says it all.
  const whole = findings.filter(
    (finding) =>
      !unions.some((union) => finding !== union && finding.schemaPath.startsWith(`${union.schemaPath}/`))
  )
  const isReadOnly = (finding: Finding) =>
    finding.keyword === 'additionalProperties' &&
    finding.instancePath === '' &&
    answered.has(String(finding.params.additionalProperty))

  const errors = whole.slice(0, mostFaults).map((finding) => ({
    pointer: pointerTo(finding),
    detail: isReadOnly(finding) ? 'is read-only' : sentence(finding, findings)
  }))
  const kind = whole.some(isReadOnly) ? 'read-only-field' : 'validation'
  return new Problem(kind, summary(errors, 'body'), { errors })
}

/** The problem with query parameters or headers: each fault names its parameter. */
export function parameterProblem(findings: readonly Finding[], where: 'query' | 'header'): Problem {
  const errors = findings.slice(0, mostFaults).map((finding) => ({
    parameter: shown(ownName(finding) ?? finding.instancePath.split('/')[1] ?? where),
    detail:
      finding.keyword === 'additionalProperties'
        ? 'is not a parameter of this resource'
        : sentence(finding, findings)
  }))
  return new Problem('invalid-parameter', summary(errors, where), { errors })
}

function summary(errors: readonly Fault[], where: string): string {
  return errors.length === 1
    ? `One part of the ${where} is not valid.`
    : `${errors.length} parts of the ${where} are not valid.`
}

/** The name that a finding about an object as a whole is really about. */
function ownName(finding: Finding): string | undefined {
  const name = finding.params.missingProperty ?? finding.params.additionalProperty
  return typeof name === 'string' ? name : undefined
}

/** A JSON pointer as a URI fragment, RFC 6901 §6. */
function pointerTo(finding: Finding): string {
  const name = ownName(finding)
  const path = name === undefined ? '' : `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  return `#${encodeURI(shown(finding.instancePath + path)).replaceAll('#', '%23')}`
}

/** What came from outside is repeated in part only. */
function shown(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}

function sentence(finding: Finding, all: readonly Finding[]): string {
  const { params } = finding
  switch (finding.keyword) {
    case 'required':
      return 'is required'
    case 'additionalProperties':
      return 'is not a known field'
    case 'enum':
      return `must be one of ${list(params.allowedValues)}`
    case 'const':
      return `must be ${JSON.stringify(params.allowedValue)}`
    case 'format':
      return `must be a valid ${params.format}`
    case 'pattern':
      return 'has characters or a form that are not allowed here'
    case 'anyOf':
    case 'oneOf': {
      const branches = all.filter(
        ({ schemaPath, instancePath }) =>
          schemaPath.startsWith(`${finding.schemaPath}/`) && instancePath === finding.instancePath
      )
      return (
        [...new Set(branches.map((branch) => sentence(branch, [])))].join(', or ') ||
        'has none of the forms allowed here'
      )
    }
    default:
      return (finding.message ?? 'is not valid').replace('must NOT', 'must not')
  }
}

function list(values: unknown): string {
  return Array.isArray(values) ? values.map((value) => JSON.stringify(value)).join(', ') : 'the values listed'
}
