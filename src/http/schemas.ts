// Pieces of schema that every resource shares. Schemas are the single source: types, validation, serialisation and
// the OpenAPI document all come from them.

import { type TSchema, Type } from 'typebox'
import { problemContentType, problemKinds } from './problem.ts'

const exampleId = '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'

/** A UUID in either case; ours are version 7 (RFC 9562 §5.7). */
export const Uuid = Type.String({ format: 'uuid', examples: [exampleId] })

/** An instant, RFC 3339 in UTC. */
export const Instant = Type.String({ format: 'date-time', examples: ['2026-11-23T16:00:00Z'] })

/** Path parameters of a route to one thing. An id that is not a UUID is answered as an absent one: 404. */
export const IdParameters = Type.Object({ id: Uuid })

/** An error's body, RFC 9457. Open to extension members, as §3.2 has it. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ format: 'uri', description: 'What kind of problem this is: compare this.' }),
    title: Type.String({ description: 'The kind in words; the same for each occurrence.' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.Optional(Type.String({ description: 'What happened this time.' })),
    instance: Type.Optional(
      Type.String({ format: 'uri-reference', description: 'This occurrence: quote it to ask about it.' })
    ),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.Optional(Type.String({ description: 'The place in the body, RFC 6901.' })),
          parameter: Type.Optional(Type.String({ description: 'The parameter or header.' })),
          detail: Type.String()
        })
      )
    )
  },
  {
    description: 'Problem details, RFC 9457.',
    additionalProperties: true,
    examples: [
      {
        type: 'https://turno.example/problems/not-found',
        title: 'Not found',
        status: 404,
        detail: 'There is no such profile.',
        instance: '/api/requests/5e0c9f1a2b3d-1k'
      }
    ]
  }
)

/** `limit` and `cursor` of a list, to be spread into its query schema. */
export const pageParameters = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'How many at most.', examples: [20] })
  ),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'Where to go on: `page.next` of the page before.'
    })
  ),
  page: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 50,
      description: 'The page by number, instead of a cursor.',
      examples: [1]
    })
  )
}

/** `fields` of a resource or list, to be spread into its query schema. */
export const fieldsParameter = {
  fields: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 400,
      description: 'Names of the fields wanted, separated by commas.'
    })
  )
}

/** The body of a list: its rows, and where the next page is. */
export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    data: Type.Array(item),
    page: Type.Object({
      next: Type.Union([Type.String(), Type.Null()], {
        description: 'Cursor of the next page, null on the last.'
      })
    })
  })
}

type ProblemStatus = (typeof problemKinds)[keyof typeof problemKinds]['status']

/**
 * The problems that a route may answer with, for its `response` schema. Those that follow from a route's shape
 * (a parameter that may be wrong, a body, a token) the OpenAPI document adds by itself: name the route's own.
 *
 * @example response: { 200: Profile, ...problemResponses(404, 412) }
 */
export function problemResponses<Status extends ProblemStatus>(...statuses: readonly Status[]) {
  const response = (status: Status) => ({
    description: problemTitles(status),
    content: { [problemContentType]: { schema: ProblemSchema } }
  })
  return Object.fromEntries(statuses.map((status) => [status, response(status)]))
}

/** What a status may mean here, in words. */
export function problemTitles(status: number): string {
  const titles = Object.values(problemKinds).flatMap((kind) => (kind.status === status ? [kind.title] : []))
  return titles.join(', or ')
}
