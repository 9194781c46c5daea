// Reads and completes the schemas of a route as Fastify has them: plain JSON Schema in untyped places.

import type { FastifySchema } from 'fastify'

type JsonSchema = { readonly [keyword: string]: unknown }

/**
 * A route's schema with nothing left open: unknown query parameters and unknown fields of the body are refused
 * whether or not the route's author thought of it. Otherwise every `?utm=…` would be a miss, and a misspelt field
 * would be lost in silence. A schema that says `additionalProperties` itself is left as it is.
 */
export function closed(schema: FastifySchema | undefined): FastifySchema {
  const querystring = schema?.querystring ?? { type: 'object', properties: {} }
  return {
    ...schema,
    querystring: closeObjects(querystring),
    ...(schema?.body !== undefined && { body: closeObjects(schema.body) })
  }
}

/** Objects below a union or an intersection stay as they are: closing one branch would close it to the others. */
function closeObjects(schema: unknown): unknown {
  if (!isSchema(schema)) return schema
  if (schema.type === 'array') return { ...schema, items: closeObjects(schema.items) }
  if (schema.type !== 'object' || !isSchema(schema.properties)) return schema
  const properties = Object.entries(schema.properties).map(([name, property]) => [
    name,
    closeObjects(property)
  ])
  return { additionalProperties: false, ...schema, properties: Object.fromEntries(properties) }
}

const none: ReadonlySet<string> = new Set()
const answeredBySchema = new WeakMap<object, ReadonlySet<string>>()

/** The names of the fields in a route's successful answers: those of its 2xx response schemas. */
export function answeredFields(schema: FastifySchema | undefined): ReadonlySet<string> {
  if (schema === undefined || !isSchema(schema.response)) return none
  const known = answeredBySchema.get(schema)
  if (known !== undefined) return known

  const names = new Set<string>()
  for (const [status, response] of Object.entries(schema.response)) {
    if (!status.startsWith('2') || !isSchema(response)) continue
    for (const answer of [response, ...contents(response)]) {
      if (isSchema(answer.properties)) for (const name of Object.keys(answer.properties)) names.add(name)
    }
  }
  answeredBySchema.set(schema, names)
  return names
}

function contents(response: JsonSchema): JsonSchema[] {
  if (!isSchema(response.content)) return []
  return Object.values(response.content).flatMap((media) =>
    isSchema(media) && isSchema(media.schema) ? [media.schema] : []
  )
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
