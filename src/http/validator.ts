// The validator of everything that comes in, compiled from route schemas.

import { Ajv, type Options } from 'ajv'
import formats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'
import { isUuid } from './id.ts'

const common: Options = {
  // Never silently drop what a client has sent: refuse it.
  removeAdditional: false,
  useDefaults: true,
  // All faults at once. What there is to check is bounded: bodies by src/http/json.ts, heads by node:http.
  allErrors: true,
  allowUnionTypes: true
}

/** For `app.setValidatorCompiler`. */
export function validatorCompiler(): FastifySchemaCompiler<Record<string, unknown>> {
  // A body says what it means: there `"5"` is text.
  const ofBodies = new Ajv(common)
  // Text is all that a path, a query or a header can hold: `5` is a number where one is wanted, and a single value
  // a list where a list is. A scalar given twice stays a list, and is refused.
  const ofText = new Ajv({ ...common, coerceTypes: 'array' })
  for (const ajv of [ofBodies, ofText]) {
    formats.default(ajv)
    // The library's own takes `urn:uuid:…` for one as well, which is no id here.
    ajv.addFormat('uuid', isUuid)
  }
  return ({ schema, httpPart }) => (httpPart === 'body' ? ofBodies : ofText).compile(schema)
}
