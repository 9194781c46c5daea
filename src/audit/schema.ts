// What the audit trail looks like over HTTP, and what may be asked of it.
import { type Static, type TSchema, Type } from 'typebox'
import { Instant, pageOf, pageParameters, Uuid } from '../http/schemas.ts'
import { outcomes } from './entry.ts'

const { limit, cursor } = pageParameters

const Name = (maxLength: number, description: string, example: string) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[!-~]+$', description, examples: [example] })

const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

/** One entry. */
export const AuditEntry = Type.Object(
  {
    id: Uuid,
    at: Instant,
    actorId: orNull(Uuid),
    actorRole: orNull(Name(16, 'What the actor was then. Null, as the id: nobody had signed in.', 'admin')),
    action: Name(48, 'What was done.', 'profile.update'),
    resource: Name(32, 'The kind of record.', 'profile'),
    resourceId: orNull(Name(64, 'Which record; null: many.', '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50')),
    outcome: Type.Enum([...outcomes]),
    address: orNull(
      Type.String({ maxLength: 45, description: 'Where it came from.', examples: ['203.0.113.7'] })
    ),
    requestId: orNull(Name(64, 'As `X-Request-Id` told it to the client.', '5e0c9f1a2b3d-1k'))
  },
  { additionalProperties: false, description: 'Who did what to which record, when and from where.' }
)
export type AuditEntry = Static<typeof AuditEntry>

/** A page of entries, newest first. */
export const AuditPage = pageOf(AuditEntry)
export type AuditPage = Static<typeof AuditPage>

/** What may be asked for. */
export const AuditQuery = Type.Object(
  {
    actor: Type.Optional({ ...Uuid, description: 'Who did it.' }),
    resource: Type.Optional(Name(32, 'The kind of record.', 'profile')),
    resourceId: Type.Optional(
      Name(64, 'Which record; with `resource`.', '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50')
    ),
    action: Type.Optional(Name(48, 'What was done.', 'profile.update')),
    from: Type.Optional({ ...Instant, description: 'The earliest. Left out: 31 days before `to`.' }),
    to: Type.Optional({ ...Instant, description: 'The first that is too late. Left out: now.' }),
    limit,
    cursor
  },
  { additionalProperties: false }
)
export type AuditQuery = Static<typeof AuditQuery>
