// What availability looks like to clients: the question, the slots, and the rules behind them.
import { type Static, type TSchema, Type } from 'typebox'
import { holidayRegions } from '../calendar/holidays.ts'
import { Instant, Uuid } from '../http/schemas.ts'

const optional = <Schema extends TSchema>(schema: Schema) => Type.Optional(schema)
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

const LocalDate = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', examples: ['2026-11-23'] })
const ZoneName = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'A zone by its IANA name, never an offset.',
  examples: ['Europe/Madrid']
})

// A + that nobody encoded arrives as a space.
const moment = '^20\\d{2}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?(Z|[-+ ]\\d{2}:\\d{2}))?$'

export const AvailabilityQuery = Type.Object(
  {
    therapistId: Uuid,
    serviceId: Uuid,
    from: Type.String({
      maxLength: 40,
      pattern: moment,
      description:
        'Where the slots begin: a date, which is its first moment in `timeZone`, or an instant (RFC 3339).',
      examples: ['2026-11-23']
    }),
    to: Type.String({
      maxLength: 40,
      pattern: moment,
      description: 'Where they end, itself not included; 31 days later at most.',
      examples: ['2026-11-30']
    }),
    timeZone: optional({
      ...ZoneName,
      description: 'By whose days and clocks the slots are shown; the practice’s own, unless said.'
    }),
    holdId: optional({
      ...Uuid,
      description: 'A hold of the caller’s own, who needs a token then: it takes nothing from him.'
    })
  },
  { additionalProperties: false }
)
export type AvailabilityQuery = Static<typeof AvailabilityQuery>

const WrittenInstant = Type.String({ format: 'date-time', examples: ['2026-11-23T10:00:00+01:00'] })

export const Availability = Type.Object(
  {
    therapistId: Uuid,
    serviceId: Uuid,
    timeZone: ZoneName,
    version: Type.Integer({
      minimum: 1,
      description: 'Of the therapist’s calendar: rises when anything in it changes.',
      examples: [42]
    }),
    days: Type.Array(
      Type.Object(
        {
          date: LocalDate,
          slots: Type.Array(
            Type.Object(
              {
                start: WrittenInstant,
                end: WrittenInstant,
                held: optional(Type.Boolean({ description: 'It is the hold that was asked about.' }))
              },
              { additionalProperties: false }
            )
          )
        },
        { additionalProperties: false }
      ),
      { description: 'Days of `timeZone` on which something is free, in order.' }
    )
  },
  { additionalProperties: false, description: 'What can be booked.' }
)
export type Availability = Static<typeof Availability>

/** 24:00 is the end of the day. */
const Clock = (example: string) =>
  Type.String({ pattern: '^(?:(?:[01]\\d|2[0-3]):[0-5]\\d|24:00)$', examples: [example] })

const Hours = (description: string) =>
  Type.Array(
    Type.Object(
      { from: Clock('09:00'), to: Clock('14:00') },
      {
        additionalProperties: false,
        description: 'An end at or before the beginning is on the next day.'
      }
    ),
    { maxItems: 8, description }
  )

const weekday = (name: string) => optional(Hours(name))
const longestOfADay = (days: number) => days * 1440

const written = {
  timeZone: { ...ZoneName, description: 'Whose clocks the hours are read by.' },
  weekly: Type.Object(
    {
      1: weekday('Monday'),
      2: weekday('Tuesday'),
      3: weekday('Wednesday'),
      4: weekday('Thursday'),
      5: weekday('Friday'),
      6: weekday('Saturday'),
      7: weekday('Sunday')
    },
    {
      additionalProperties: false,
      description: 'Opening hours by ISO weekday; a day that is not there is closed.'
    }
  )
}

const assumed = {
  overrides: Type.Record(Type.String({ pattern: '^20\\d{2}-\\d{2}-\\d{2}$' }), Hours('Of that date'), {
    additionalProperties: false,
    maxProperties: 400,
    description: 'Hours of single dates, in place of the week’s and of holidays; none closes the day.',
    examples: [{ '2026-12-24': [], '2026-12-28': [{ from: '10:00', to: '13:00' }] }]
  }),
  holidayRegion: nullable(
    Type.Enum([...holidayRegions], {
      description: 'Closed on its public holidays; null: on none. ISO 3166-2.'
    })
  ),
  minNoticeMinutes: Type.Integer({
    minimum: 0,
    maximum: longestOfADay(90),
    description: 'Between booking and session.',
    examples: [1440]
  }),
  horizonDays: Type.Integer({ minimum: 1, maximum: 365, description: 'How far ahead.', examples: [60] }),
  cancelWindowMinutes: Type.Integer({
    minimum: 0,
    maximum: longestOfADay(30),
    description: 'Until so long before the session its client may cancel.',
    examples: [1440]
  }),
  rescheduleWindowMinutes: Type.Integer({
    minimum: 0,
    maximum: longestOfADay(30),
    description: 'And until so long before move it.',
    examples: [1440]
  }),
  maxReschedules: Type.Integer({ minimum: 0, maximum: 20, description: 'How often.', examples: [3] }),
  maxPerDay: nullable(
    Type.Integer({ minimum: 1, maximum: 50, description: 'Sessions on a day; null: as many as fit.' })
  )
}

/** The rules as their owner reads them. */
export const Rules = Type.Object(
  {
    ...written,
    ...assumed,
    version: Type.Integer({
      minimum: 1,
      description: 'Of the calendar: rises with each change of rules or bookings.',
      examples: [42]
    }),
    updatedAt: Instant
  },
  { additionalProperties: false, description: 'When a therapist can be booked.' }
)
export type Rules = Static<typeof Rules>

/** What replaces them. */
export const NewRules = Type.Object(
  { ...written, ...Type.Partial(Type.Object(assumed)).properties },
  {
    additionalProperties: false,
    description:
      'In place of all rules there were. Left out: no single dates, no holidays, a day’s notice and windows, 60 days ahead, 3 moves, no limit of a day.',
    examples: [
      {
        timeZone: 'Europe/Madrid',
        weekly: {
          1: [
            { from: '09:00', to: '14:00' },
            { from: '16:00', to: '20:00' }
          ],
          3: [{ from: '09:00', to: '14:00' }]
        },
        overrides: { '2026-12-24': [] },
        holidayRegion: 'ES-VC'
      }
    ]
  }
)
export type NewRules = Static<typeof NewRules>
