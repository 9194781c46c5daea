// What a profile is on the wire. Types, validation, serialisation and the OpenAPI document all come from here.
import { type Static, type TSchema, Type } from 'typebox'
import { fieldsParameter, Instant, pageParameters, Uuid } from '../http/schemas.ts'

const optional = Type.Optional
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

const Term = Type.String({ minLength: 2, maxLength: 48, pattern: '^[a-z0-9]+(?:-[a-z0-9]+)*$' })
const Terms = (description: string, examples: string[]) =>
  Type.Array(Term, { maxItems: 20, uniqueItems: true, description, examples: [examples] })

const Money = (description: string) =>
  Type.Integer({
    minimum: 0,
    maximum: 10_000_000,
    description: `${description}, in minor units (cents).`,
    examples: [6000]
  })
const Currency = Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217.', examples: ['EUR'] })

/** One line with something to read in it: no control characters, not blank. */
export const Line = (maxLength: number, description: string, example: string) =>
  Type.String({ maxLength, pattern: '^\\P{Cc}*$', description, examples: [example] })

/** What its owner says in a profile, and lists show. */
const said = {
  displayName: Type.String({
    minLength: 1,
    maxLength: 120,
    pattern: '^\\P{Cc}*[^\\p{Cc}\\s]\\P{Cc}*$',
    description: 'The name to show.',
    examples: ['Lucía Fernández Ortega']
  }),
  headline: Line(160, 'What they do, in a line.', 'Psicóloga sanitaria en València'),
  photoUrl: nullable(
    Type.String({
      maxLength: 512,
      format: 'uri',
      pattern: '^https://',
      description: 'A portrait.',
      examples: ['https://photos.example.com/therapists/lucia.jpg']
    })
  ),
  city: Line(80, 'Where the practice is; empty when it is nowhere.', 'València'),
  region: Type.String({
    pattern: '^(?:[A-Z]{2}-[A-Z0-9]{1,3})?$',
    description: 'ISO 3166-2; empty when it is nowhere.',
    examples: ['ES-VC']
  }),
  online: Type.Boolean({ description: 'Sees clients by video.', examples: [true] }),
  inPerson: Type.Boolean({ description: 'Sees clients in a room.', examples: [true] }),
  priceFrom: nullable(Money('The least that a session costs')),
  specialties: Terms('What people come for.', ['anxiety', 'couples']),
  languages: Terms('ISO 639-1.', ['es', 'en']),
  approaches: Terms('Schools of therapy.', ['cbt'])
}

/** What lists leave out. */
const saidAtLength = {
  bio: nullable(
    Type.String({
      maxLength: 5000,
      description: 'The whole story, plain text.',
      examples: ['Trabajo con adultos y parejas desde la terapia breve.']
    })
  )
}

const visibility = Type.Enum(['public', 'private'], {
  description: 'A private profile is absent for everybody else.'
})

/** What others have made of it: nobody writes it here. */
export const known = {
  id: Uuid,
  currency: Currency,
  ratingAvg: nullable(
    Type.Number({ minimum: 1, maximum: 5, description: 'Of the published reviews.', examples: [4.8] })
  ),
  ratingCount: Type.Integer({ minimum: 0, description: 'How many they are.', examples: [31] }),
  nextSlotAt: nullable(Instant)
}

/** A profile in a list. */
export const ProfileSummary = Type.Object(
  { ...known, ...said },
  { additionalProperties: false, description: 'A public profile, as lists have it.' }
)
export type ProfileSummary = Static<typeof ProfileSummary>

/** What can be booked with a therapist. */
export const Service = Type.Object(
  {
    id: Uuid,
    name: Type.String({ maxLength: 80, examples: ['Terapia individual'] }),
    durationMinutes: Type.Integer({ minimum: 15, maximum: 480, examples: [50] }),
    price: Money('What a session costs'),
    currency: Currency,
    mode: Type.Enum(['online', 'in_person', 'either']),
    needsApproval: Type.Boolean({ description: 'The therapist confirms each request.' })
  },
  { additionalProperties: false }
)
export type Service = Static<typeof Service>

/** One profile. `visibility` is `public` in all that is read; only a writer sees another. */
export const Profile = Type.Object(
  {
    ...known,
    ...said,
    ...saidAtLength,
    visibility,
    services: Type.Array(Service, { description: 'What can be booked, the cheapest first.' }),
    version: Type.Integer({ minimum: 1, description: 'Rises with each change.', examples: [7] }),
    createdAt: Instant,
    updatedAt: Instant
  },
  { additionalProperties: false, description: 'A profile with all that it says.' }
)
export type Profile = Static<typeof Profile>

export const writable = { ...said, ...saidAtLength, visibility }

/**
 * A merge patch (RFC 7396): what is not named stays, null empties what may be empty, lists are replaced. No defaults
 * here: a validator that filled them in would change what the client did not name.
 */
export const ProfilePatch = Type.Partial(Type.Object(writable), {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ headline: 'Terapia de pareja en Girona', priceFrom: 6500 }]
})
export type ProfilePatch = Static<typeof ProfilePatch>

const { displayName, ...unneeded } = writable

/** What creates a profile. */
export const NewProfile = Type.Object(
  {
    userId: optional({
      ...Uuid,
      description: 'Whose profile; for administrators. Left out: the caller’s own.'
    }),
    displayName,
    ...Type.Partial(Type.Object(unneeded)).properties
  },
  {
    additionalProperties: false,
    description: 'Public and in person unless it says otherwise.',
    examples: [
      {
        displayName: 'Nora Vidal Roca',
        city: 'Girona',
        region: 'ES-CT',
        online: true,
        specialties: ['grief'],
        languages: ['es', 'ca']
      }
    ]
  }
)
export type NewProfile = Static<typeof NewProfile>

/** Case and the space around it do not matter in a query. */
const asked = (description: string, example: string) =>
  optional(
    Type.String({
      maxLength: 60,
      pattern: '^\\s*[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\\s*$',
      description,
      examples: [example]
    })
  )

/** What a profile says of which nothing is said. */
export const nothingSaid = {
  headline: '',
  bio: null,
  photoUrl: null,
  city: '',
  region: '',
  online: false,
  inPerson: true,
  priceFrom: null,
  specialties: [],
  languages: [],
  approaches: [],
  visibility: 'public'
} satisfies ProfilePatch

/** What is known of a therapist whom nobody has met yet. */
export const nothingKnown = {
  currency: 'EUR',
  ratingAvg: null,
  ratingCount: 0,
  nextSlotAt: null,
  services: []
}

/** What a list of profiles may be asked for. Anything else is refused. */
export const ProfileQuery = Type.Object(
  {
    q: optional(
      Type.String({
        minLength: 2,
        maxLength: 80,
        description:
          'Words that the name, the headline or the text have, or that words in them begin with. Case, accents and order do not matter.',
        examples: ['ansiedad']
      })
    ),
    specialty: asked('What one comes for.', 'anxiety'),
    language: asked('ISO 639-1.', 'en'),
    approach: asked('A school of therapy.', 'cbt'),
    city: optional(
      Type.String({
        maxLength: 80,
        pattern: '\\S',
        description: 'Case and accents do not matter.',
        examples: ['valencia']
      })
    ),
    region: optional(
      Type.String({
        maxLength: 20,
        pattern: '^\\s*[A-Za-z]{2}-[A-Za-z0-9]{1,3}\\s*$',
        description: 'ISO 3166-2.',
        examples: ['ES-MD']
      })
    ),
    mode: optional(Type.Enum(['online', 'in_person'])),
    minPrice: optional(Money('The least to pay')),
    maxPrice: optional(Money('The most to pay')),
    minRating: optional(Type.Number({ minimum: 1, maximum: 5, examples: [4.5] })),
    sort: optional(
      Type.Enum(['rating', 'price', 'nextSlot'], {
        default: 'rating',
        description: 'Best rated, cheapest, or soonest first. Those of which it is not known come last.'
      })
    ),
    ...pageParameters,
    ...fieldsParameter
  },
  { additionalProperties: false }
)
export type ProfileQuery = Static<typeof ProfileQuery>

/** A page of profiles. */
export const ProfilePage = Type.Object(
  {
    data: Type.Array(ProfileSummary),
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
  { additionalProperties: false, description: 'A page of public profiles.' }
)
export type ProfilePage = Static<typeof ProfilePage>
