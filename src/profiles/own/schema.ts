// A profile as its owner has it: all that others see, what is nobody else's, and services with their pauses.
import { type Static, type TSchema, Type } from 'typebox'
import { Uuid } from '../../http/schemas.ts'
import { Line, Profile, Service, writable } from '../schema.ts'

const optional = Type.Optional
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

/** With the longest session they stay within the twelve hours that a booking may block. */
const Buffer = (description: string, example: number) =>
  Type.Integer({ minimum: 0, maximum: 120, description, examples: [example] })

const pauses = {
  bufferBeforeMinutes: Buffer('Kept free before a session.', 0),
  bufferAfterMinutes: Buffer('And after it.', 10),
  stepMinutes: Type.Integer({
    minimum: 5,
    maximum: 480,
    description: 'Sessions begin so far apart, counted from the opening.',
    examples: [60]
  })
}

/** A service with what only its owner is told. */
export const OwnService = Type.Object(
  { ...Service.properties, ...pauses },
  { additionalProperties: false, description: 'What can be booked.' }
)
export type OwnService = Static<typeof OwnService>

const said = (maxLength: number, description: string, example: string) =>
  optional(nullable(Line(maxLength, description, example)))

/** What nobody but the owner reads, here or anywhere. */
export const PrivateDetails = Type.Object(
  {
    licenceNumber: said(40, 'Of the professional association.', 'CV-12345'),
    billingName: said(160, 'Whom invoices are from.', 'Lucía Fernández Ortega'),
    billingAddress: said(300, 'Where they are from.', 'Carrer de la Pau 1, 46003 València'),
    taxId: said(20, 'NIF or VAT number.', '00000000T')
  },
  { additionalProperties: false, description: 'Only the owner ever reads this.' }
)
export type PrivateDetails = Static<typeof PrivateDetails>

export const OwnProfile = Type.Object(
  { ...Profile.properties, services: Type.Array(OwnService), private: PrivateDetails },
  { additionalProperties: false, description: 'A profile as its owner has it.' }
)
export type OwnProfile = Static<typeof OwnProfile>

const { durationMinutes, price, mode, needsApproval } = Service.properties

/** A service as its owner gives it: with the id of one that there is, or as a new one. */
export const GivenService = Type.Object(
  {
    id: optional({ ...Uuid, description: 'Of the service that this is from now on; none: a new one.' }),
    name: Type.String({ ...Line(80, 'What it is called.', 'Sesión individual'), minLength: 1 }),
    durationMinutes,
    price,
    mode,
    needsApproval: optional(needsApproval),
    ...Type.Partial(Type.Object(pauses)).properties
  },
  { additionalProperties: false }
)
export type GivenService = Static<typeof GivenService>

const { displayName, ...unneeded } = writable

/** What replaces a profile. */
export const NewOwnProfile = Type.Object(
  {
    displayName,
    services: Type.Array(GivenService, {
      maxItems: 20,
      description:
        'All that is offered from now on. Services that there are and are not among these are offered no more; what is booked stays.'
    }),
    ...Type.Partial(Type.Object({ ...unneeded, private: PrivateDetails })).properties
  },
  {
    additionalProperties: false,
    description: 'The whole profile: what is left out is emptied.',
    examples: [
      {
        displayName: 'Lucía Fernández Ortega',
        headline: 'Psicóloga sanitaria en València',
        city: 'València',
        region: 'ES-VC',
        online: true,
        specialties: ['anxiety', 'burnout'],
        languages: ['es', 'ca'],
        services: [
          { name: 'Sesión individual', durationMinutes: 50, price: 6000, mode: 'either', stepMinutes: 60 }
        ],
        private: { licenceNumber: 'CV-12345' }
      }
    ]
  }
)
export type NewOwnProfile = Static<typeof NewOwnProfile>
