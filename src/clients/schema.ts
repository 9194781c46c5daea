// What a therapist's own record of a client is on the wire. Types, validation, serialisation and the OpenAPI document
// all come from here.
import { type Static, type TSchema, Type } from 'typebox'
import { fieldsParameter, Instant, pageParameters, Uuid } from '../http/schemas.ts'

const optional = Type.Optional
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

export const statuses = ['active', 'inactive', 'archived'] as const
export type Status = (typeof statuses)[number]

const Status = Type.Enum([...statuses], {
  description: 'Archived ones are kept, and out of the way: lists have them only when asked for.',
  examples: ['active']
})

const said = {
  name: Type.String({
    minLength: 1,
    maxLength: 160,
    pattern: '^\\P{Cc}*[^\\p{Cc}\\s]\\P{Cc}*$',
    description: 'Their name.',
    examples: ['Marta Ribas Solé']
  }),
  email: nullable(
    Type.String({
      format: 'email',
      maxLength: 254,
      description: 'One record of a practice at most has an address.',
      examples: ['marta.ribas@example.com']
    })
  ),
  phone: nullable(
    Type.String({ pattern: '^\\+[1-9]\\d{6,14}$', description: 'E.164.', examples: ['+34600000000'] })
  ),
  status: Status
}

const saidAtLength = {
  notes: nullable(
    Type.String({
      maxLength: 5000,
      description: 'For the therapist alone; lists leave it out.',
      examples: ['Prefiere por la tarde.']
    })
  )
}

const known = {
  id: Uuid,
  userId: nullable({ ...Uuid, description: 'Their account, once they have booked by themselves.' }),
  version: Type.Integer({ minimum: 1, description: 'Rises with each change.', examples: [3] }),
  createdAt: Instant,
  updatedAt: Instant
}

/** A client in a list. */
export const ClientSummary = Type.Object({ ...known, ...said }, { additionalProperties: false })
export type ClientSummary = Static<typeof ClientSummary>

/** One client. */
export const Client = Type.Object(
  { ...known, ...said, ...saidAtLength },
  { additionalProperties: false, description: 'A therapist’s own record of a client.' }
)
export type Client = Static<typeof Client>

const writable = { ...said, ...saidAtLength }

/** A merge patch (RFC 7396): what is not named stays, null empties what may be empty. */
export const ClientPatch = Type.Partial(Type.Object(writable), {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ status: 'archived', notes: null }]
})
export type ClientPatch = Static<typeof ClientPatch>

const { name, ...unneeded } = writable

/** What creates a client. */
export const NewClient = Type.Object(
  { name, ...Type.Partial(Type.Object(unneeded)).properties },
  {
    additionalProperties: false,
    description: 'Active unless it says otherwise.',
    examples: [{ name: 'Marta Ribas Solé', email: 'marta.ribas@example.com' }]
  }
)
export type NewClient = Static<typeof NewClient>

/** What a list of clients may be asked for. Anything else is refused. */
export const ClientQuery = Type.Object(
  {
    q: optional(
      Type.String({
        minLength: 1,
        maxLength: 80,
        pattern: '\\S',
        description:
          'What a word of the name, or the e-mail address, begins with. Case and accents do not matter.',
        examples: ['rib']
      })
    ),
    status: optional(
      Type.Enum([...statuses, 'all'], {
        description: 'Left out: the active ones, then the inactive ones. `all`: then the archived ones too.'
      })
    ),
    ...pageParameters,
    ...fieldsParameter
  },
  { additionalProperties: false }
)
export type ClientQuery = Static<typeof ClientQuery>

/** A page of clients. */
export const ClientPage = Type.Object(
  {
    data: Type.Array(ClientSummary),
    page: Type.Object(
      {
        next: nullable(
          Type.String({ description: 'Cursor of the next page; null on the last. Link has it too.' })
        ),
        number: optional(Type.Integer({ minimum: 1, description: 'When asked for by `page`.' })),
        total: optional(
          nullable(
            Type.Integer({ minimum: 0, description: 'When asked for by `page`. Null when above 5,000.' })
          )
        )
      },
      { additionalProperties: false }
    )
  },
  { additionalProperties: false, description: 'A page of the caller’s own clients, by status and name.' }
)
export type ClientPage = Static<typeof ClientPage>
