// What a webhook is on the wire: where an account wants to be told of which events, and what was sent there.
import { type Static, type TSchema, Type } from 'typebox'
import { Instant, pageParameters, Uuid } from '../http/schemas.ts'

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

/** What may be asked to be told of. An event that is not here is sent to nobody. */
export const eventTypes = [
  'booking.created',
  'booking.pending',
  'booking.confirmed',
  'booking.declined',
  'booking.rescheduled',
  'booking.cancelled',
  'booking.completed',
  'booking.no_show',
  'booking.expired',
  'calendar.updated',
  'client.created',
  'client.updated',
  'client.erased',
  'profile.updated'
] as const

/** Why a webhook is not active. */
export const reasons = ['owner', 'failures', 'gone'] as const

/** The event of a test: it needs no subscription. */
export const pingType = 'webhook.ping'

const said = {
  url: Type.String({
    format: 'uri',
    maxLength: 512,
    pattern: '^https?://',
    description: 'Where to POST. https, without user or fragment; private addresses are refused.',
    examples: ['https://hooks.example.com/turno']
  }),
  events: Type.Array(Type.Enum([...eventTypes]), {
    minItems: 1,
    maxItems: eventTypes.length,
    uniqueItems: true,
    description: 'Which events, by their type. Of the caller’s own alone.',
    examples: [['booking.created', 'booking.cancelled']]
  }),
  description: Type.String({ maxLength: 160, pattern: '^\\P{Cc}*$', examples: ['The practice’s own diary'] }),
  active: Type.Boolean({ description: 'Set to true to go on after it was disabled.', examples: [true] })
}

/** One webhook. Its secret is told by `POST …/secret` alone. */
export const Webhook = Type.Object(
  {
    id: Uuid,
    ...said,
    disabledReason: nullable(
      Type.Enum([...reasons], {
        description: '`failures`: nothing had arrived for a day; `gone`: it answered 410.'
      })
    ),
    failures: Type.Integer({
      minimum: 0,
      description: 'Attempts in a row that came to nothing.',
      examples: [0]
    }),
    deliveredAt: nullable(Instant),
    version: Type.Integer({ minimum: 1, examples: [1] }),
    createdAt: Instant
  },
  { additionalProperties: false, description: 'Where an account is told of its events.' }
)
export type Webhook = Static<typeof Webhook>

export const WebhookList = Type.Object(
  { data: Type.Array(Webhook) },
  { additionalProperties: false, description: 'All webhooks of the caller.' }
)
export type WebhookList = Static<typeof WebhookList>

export const NewWebhook = Type.Object(
  {
    url: said.url,
    events: said.events,
    description: Type.Optional(said.description)
  },
  {
    additionalProperties: false,
    examples: [{ url: 'https://hooks.example.com/turno', events: ['booking.created', 'booking.cancelled'] }]
  }
)
export type NewWebhook = Static<typeof NewWebhook>

export const WebhookPatch = Type.Partial(Type.Object(said), {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ active: true }]
})
export type WebhookPatch = Static<typeof WebhookPatch>

/** The answer that has the secret in it. */
export const WebhookSecret = Type.Object(
  {
    secret: Type.String({
      pattern: '^whsec_',
      description:
        'Told this once. Standard Webhooks 1.0.0: the key of HMAC-SHA256 is what follows `whsec_`, in base64.',
      examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw4fKQ9r8GKYq']
    }),
    formerUntil: nullable({ ...Instant, description: 'Until then the former secret signs too.' })
  },
  { additionalProperties: false }
)

/** One event for one webhook, and what has become of it. */
export const Delivery = Type.Object(
  {
    id: Uuid,
    eventId: { ...Uuid, description: 'The `webhook-id` header: the same however often it is sent.' },
    type: Type.String({ examples: ['booking.created'] }),
    status: Type.Enum(['pending', 'delivered', 'failed']),
    attempts: Type.Integer({ minimum: 0, maximum: 255, examples: [1] }),
    nextAttemptAt: nullable(Instant),
    responseStatus: nullable(Type.Integer({ minimum: 100, maximum: 999, examples: [204] })),
    failure: nullable(
      Type.String({ description: 'Why the last attempt came to nothing, in a word.', examples: ['timeout'] })
    ),
    durationMs: nullable(Type.Integer({ minimum: 0, examples: [84] })),
    createdAt: Instant,
    updatedAt: Instant
  },
  { additionalProperties: false }
)
export type Delivery = Static<typeof Delivery>

const { limit, cursor } = pageParameters
export const DeliveryQuery = Type.Object(
  { status: Type.Optional(Delivery.properties.status), limit, cursor },
  { additionalProperties: false }
)
export type DeliveryQuery = Static<typeof DeliveryQuery>

export const DeliveryPage = Type.Object(
  {
    data: Type.Array(Delivery),
    page: Type.Object(
      { next: nullable(Type.String({ description: 'Cursor of the next page; null on the last.' })) },
      { additionalProperties: false }
    )
  },
  { additionalProperties: false, description: 'What was sent to a webhook, the newest first.' }
)
export type DeliveryPage = Static<typeof DeliveryPage>
