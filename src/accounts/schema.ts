// What accounts and sessions are on the wire. Types, validation, serialisation and the OpenAPI document come from here.
import { type Static, Type } from 'typebox'
import { Instant, Uuid } from '../http/schemas.ts'
import { refreshTokenPattern } from './refresh-tokens.ts'

const closed = { additionalProperties: false } as const

const email = 'lucia@example.com'
const password = 'tres-tristes-tigres'
const refreshToken = '3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

const Email = Type.String({
  format: 'email',
  maxLength: 254,
  description: 'In any case: `Ana@…` and `ana@…` are one.',
  examples: [email]
})

/** Whatever somebody may have typed; long ones are cut off here, for hashing is work. */
const AnyPassword = Type.String({ minLength: 1, maxLength: 128, examples: [password] })

/** NIST SP 800-63B-4 §3.1.1.2: fifteen characters where there is no second factor, and no rules of composition. */
const NewPassword = Type.String({
  minLength: 15,
  maxLength: 128,
  pattern: '^\\P{Cc}*$',
  description: 'Fifteen characters or more, of any kind: a few words are easy to remember.',
  examples: [password]
})

const locale = Type.String({
  pattern: '^[a-z]{2}-[A-Z]{2}$',
  description: 'BCP 47: language and region.',
  examples: ['es-ES']
})
const timeZone = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'IANA.',
  examples: ['Europe/Madrid']
})
const Role = Type.Enum(['client', 'therapist', 'admin'])

/** What somebody signs in with. */
export const SignIn = Type.Object(
  { email: Email, password: AnyPassword },
  { ...closed, examples: [{ email, password }] }
)

export const Refresh = Type.Object(
  {
    refreshToken: Type.String({
      pattern: refreshTokenPattern,
      description: 'The last one that you got.',
      examples: [refreshToken]
    })
  },
  { ...closed, examples: [{ refreshToken }] }
)

/** What a session goes on with. */
export const Tokens = Type.Object(
  {
    accessToken: Type.String({
      description: 'For the Authorization header, as `Bearer …`.',
      examples: ['eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl']
    }),
    tokenType: Type.Enum(['Bearer']),
    expiresIn: Type.Integer({ description: 'Seconds until the access token ends.', examples: [900] }),
    refreshToken: Type.String({
      description: 'Good for one use: it brings the next.',
      examples: [refreshToken]
    }),
    refreshExpiresAt: Instant,
    sessionId: Uuid
  },
  { ...closed, description: 'The tokens of a session.' }
)
export type Tokens = Static<typeof Tokens>

export const Registration = Type.Object(
  {
    email: Email,
    password: NewPassword,
    role: Type.Enum(['client', 'therapist']),
    locale: Type.Optional(locale),
    timeZone: Type.Optional(timeZone)
  },
  {
    ...closed,
    examples: [{ email, password, role: 'therapist', locale: 'es-ES', timeZone: 'Europe/Madrid' }]
  }
)
export type Registration = Static<typeof Registration>

/** What a user's account says to the user. */
export const Account = Type.Object(
  {
    id: Uuid,
    email: Type.String({ examples: [email] }),
    role: Role,
    verificationStatus: Type.Enum(['unverified', 'pending', 'verified', 'rejected']),
    locale: Type.String({ examples: ['es-ES'] }),
    timeZone: Type.String({ examples: ['Europe/Madrid'] }),
    version: Type.Integer({ minimum: 1, description: 'Rises with each change.', examples: [1] }),
    createdAt: Instant,
    updatedAt: Instant
  },
  { ...closed, description: 'An account, as its owner sees it.' }
)
export type Account = Static<typeof Account>

export const PasswordChange = Type.Object(
  { currentPassword: AnyPassword, newPassword: NewPassword },
  { ...closed, examples: [{ currentPassword: password, newPassword: 'cuatro-gatos-en-el-tejado' }] }
)

export const RoleChange = Type.Object({ role: Role }, { ...closed, examples: [{ role: 'therapist' }] })

export const Session = Type.Object(
  {
    id: Uuid,
    device: Type.String({
      description: 'What the client called itself.',
      examples: ['Mozilla/5.0 (X11; Linux)']
    }),
    current: Type.Boolean({ description: 'The one that asks.' }),
    createdAt: Instant,
    refreshedAt: Instant,
    expiresAt: Instant
  },
  closed
)
export type Session = Static<typeof Session>

export const Sessions = Type.Object(
  { data: Type.Array(Session, { description: 'The one that was refreshed longest ago first.' }) },
  { ...closed, description: 'Where one is signed in.' }
)
export type Sessions = Static<typeof Sessions>
