// What a booking is on the wire. Types, validation, serialisation and the OpenAPI document all come from here.
import { type Static, type TSchema, Type } from 'typebox'
import { Instant, pageParameters, Uuid } from '../http/schemas.ts'
import { statuses } from './transition.ts'

const optional = Type.Optional
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

const Status = Type.Enum([...statuses], {
  description:
    'A hold keeps the slot for ten minutes; a pending booking waits a day for the therapist. `holdExpiresAt` is when either ends.',
  examples: ['confirmed']
})
const Mode = Type.Enum(['online', 'in_person'])

const LocalDate = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}$',
  description: 'By the clocks of the booking’s time zone.',
  examples: ['2026-11-25']
})
const LocalTime = Type.String({
  pattern: '^(?:[01]\\d|2[0-3]):[0-5]\\d$',
  description: 'By the clocks of the booking’s time zone.',
  examples: ['16:00']
})
const TimeZone = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'IANA name.',
  examples: ['Europe/Madrid']
})
const Reason = Type.String({
  minLength: 1,
  maxLength: 500,
  pattern: '^\\P{Cc}*[^\\p{Cc}\\s]\\P{Cc}*$',
  description: 'Both sides see it.',
  examples: ['Me ha salido un viaje de trabajo.']
})

/** A service, as far as a booking's reader needs it. */
export const BookedService = Type.Object(
  {
    id: Uuid,
    name: Type.String({ examples: ['Sesión individual'] }),
    durationMinutes: Type.Integer({ examples: [50] })
  },
  { additionalProperties: false }
)
export type BookedService = Static<typeof BookedService>

/** A client, as a booking's reader sees them. */
export const BookedClient = Type.Object(
  {
    id: Uuid,
    name: Type.String({ examples: ['Marta Ribas Solé'] }),
    email: nullable(Type.String({ examples: ['marta.ribas@example.com'] })),
    phone: nullable(Type.String({ examples: ['+34600000000'] }))
  },
  { additionalProperties: false }
)
export type BookedClient = Static<typeof BookedClient>

const members = {
  id: Uuid,
  therapistId: Uuid,
  clientId: { ...Uuid, description: 'The therapist’s record of the client.' },
  serviceId: Uuid,
  start: Instant,
  end: Instant,
  timeZone: TimeZone,
  date: LocalDate,
  startTime: LocalTime,
  endTime: LocalTime,
  status: Status,
  holdExpiresAt: nullable(Instant),
  price: Type.Integer({ minimum: 0, description: 'In minor units (cents).', examples: [6000] }),
  currency: Type.String({ description: 'ISO 4217.', examples: ['EUR'] }),
  mode: Mode,
  sequence: Type.Integer({ minimum: 0, description: 'How often it has been moved.', examples: [0] }),
  cancelReason: nullable(Type.String()),
  cancelledBy: nullable(Type.Enum(['client', 'therapist', 'system'])),
  version: Type.Integer({ minimum: 1, description: 'Rises with each change.', examples: [2] }),
  createdAt: Instant,
  updatedAt: Instant
}

/** One booking, the same for both who are in it. */
export const Booking = Type.Object(members, {
  additionalProperties: false,
  description: 'A session that is held, asked for, booked, or was.'
})
export type Booking = Static<typeof Booking>

/** With what `expand` asks for. */
export const ExpandedBooking = Type.Object(
  { ...members, client: optional(nullable(BookedClient)), service: optional(nullable(BookedService)) },
  { additionalProperties: false, description: 'A booking, with what `expand` asked for.' }
)
export type ExpandedBooking = Static<typeof ExpandedBooking>

const Page = Type.Object(
  {
    next: nullable(
      Type.String({ description: 'Cursor of the next page; null on the last. Link has it too.' })
    )
  },
  { additionalProperties: false }
)

/** A page of bookings, as it is kept. */
export const BookingPage = Type.Object(
  { data: Type.Array(Booking), page: Page },
  { additionalProperties: false }
)
export type BookingPage = Static<typeof BookingPage>

/** The same with what `expand` asks for. */
export const ExpandedBookingPage = Type.Object(
  { data: Type.Array(ExpandedBooking), page: Page },
  { additionalProperties: false, description: 'A page of the caller’s own bookings.' }
)

export const expandParameter = {
  expand: optional(
    Type.String({
      pattern: '^(?:client|service)(?:,(?:client|service))?$',
      description:
        '`client`, `service` or both, separated by a comma: the things themselves beside their ids.',
      examples: ['client,service']
    })
  )
}

/** What a list of bookings may be asked for. Anything else is refused. */
export const BookingQuery = Type.Object(
  {
    date: optional(
      Type.String({
        format: 'date',
        description:
          'Sessions that begin on this day, by the clocks of `timeZone`; instead of `from` and `to`.',
        examples: ['2026-11-25']
      })
    ),
    timeZone: optional({
      ...TimeZone,
      description: 'Of `date`. Left out: the caller’s own; a therapist’s is that of the calendar.'
    }),
    from: optional({ ...Instant, description: 'Sessions that begin at or after it.' }),
    to: optional({ ...Instant, description: 'Sessions that begin before it.' }),
    status: optional(Status),
    clientId: optional({ ...Uuid, description: 'One client’s alone; for therapists.' }),
    sort: optional(
      Type.Enum(['start', '-start'], {
        default: '-start',
        description: 'The earliest or the latest session first.'
      })
    ),
    limit: pageParameters.limit,
    cursor: pageParameters.cursor,
    ...expandParameter
  },
  { additionalProperties: false }
)
export type BookingQuery = Static<typeof BookingQuery>

/** The two ways to say when: an instant with its offset, or what clocks show. */
const when = {
  start: optional(
    Type.String({
      minLength: 17,
      maxLength: 100,
      description: 'RFC 3339 with an offset; a zone may follow as in RFC 9557, and must agree with it.',
      examples: ['2026-11-25T16:00:00+01:00']
    })
  ),
  date: optional({ ...LocalDate, description: 'With `startTime`, instead of `start`.' }),
  startTime: optional({ ...LocalTime, description: 'By the clocks of `timeZone`.' }),
  endTime: optional({
    ...LocalTime,
    description: 'May be left out: a session ends when its service does. Said, it has to agree.'
  }),
  timeZone: optional({ ...TimeZone, description: 'Of `date` and `startTime`. Left out: the therapist’s.' })
}

/** What creates a booking. */
export const NewBooking = Type.Object(
  {
    ...when,
    therapistId: optional({
      ...Uuid,
      description: 'With whom. A service says it too; therapists are with themselves.'
    }),
    serviceId: optional({
      ...Uuid,
      description:
        'What. Left out: what `therapyType` names, or the one that lasts from `startTime` to `endTime`.'
    }),
    therapyType: optional(
      Type.String({
        minLength: 1,
        maxLength: 80,
        description: 'The name of a service.',
        examples: ['Sesión individual']
      })
    ),
    clientId: optional({ ...Uuid, description: 'For whom: for therapists, one of their own clients.' }),
    clientName: optional(
      Type.String({
        minLength: 1,
        maxLength: 160,
        pattern: '^\\P{Cc}*[^\\p{Cc}\\s]\\P{Cc}*$',
        description: 'What a client wants to be called by a therapist who does not know them yet.',
        examples: ['Marta Ribas Solé']
      })
    ),
    mode: optional({
      ...Mode,
      description: 'Where the service leaves it open. Online, unless it says otherwise.'
    }),
    amount: optional(
      Type.Number({
        minimum: 0,
        maximum: 100_000,
        multipleOf: 0.01,
        description:
          'The price in units of its currency, as the caller knows it: any other than the service’s is refused, unless a therapist agrees on it so.',
        examples: [60]
      })
    ),
    status: optional(
      Type.Enum(['held'], {
        description: 'Keeps the slot for ten minutes, to be confirmed. Left out: books it.'
      })
    )
  },
  {
    additionalProperties: false,
    examples: [
      {
        start: '2026-11-25T16:00:00+01:00',
        serviceId: '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50',
        status: 'held'
      }
    ]
  }
)
export type NewBooking = Static<typeof NewBooking>

const change = {
  status: optional({ ...Status, description: 'The state that it shall be in.' }),
  cancelReason: optional({
    ...Reason,
    description: 'Why, for both to see; a therapist who cancels has to say it.'
  }),
  ...when
}

/** A merge patch (RFC 7396): another state, or another time. */
export const BookingPatch = Type.Object(change, {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ status: 'cancelled', cancelReason: 'Me ha salido un viaje de trabajo.' }]
})
export type BookingPatch = Static<typeof BookingPatch>

/** All that may be changed, said whole. What is as it was is not changed. */
export const BookingReplacement = Type.Object(change, {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ status: 'confirmed', start: '2026-11-26T16:00:00+01:00' }]
})

/** The address of a calendar file. */
export const CalendarFeed = Type.Object(
  {
    url: Type.String({
      description: 'To subscribe to. It is shown this once: whoever has it can read it.',
      examples: ['/api/calendar/kX3v…Q.ics']
    })
  },
  { additionalProperties: false }
)
