// The users of the data set: everybody's row is made here, with an address of their own.

import { day, now } from './calendar.ts'
import { known } from './known.ts'
import type { Person } from './people.ts'
import { addressBook, fullName, person } from './people.ts'
import type { Stream } from './random.ts'
import type { Rows } from './rows.ts'

// Argon2id of "turno-seed-data", worked out once: hashing it for each of 10,000 users would take minutes.
const passwordHash =
  '$argon2id$v=19$m=19456,t=2,p=1$X1y9NT6LEAqhaawqaGjGhg$ziKFYzsUlOY+hIYPghc/9wEfhr3HEewEkYzEJNamefc'

const statuses = {
  therapist: [
    ['verified', 90],
    ['pending', 6],
    ['unverified', 3],
    ['rejected', 1]
  ],
  client: [
    ['verified', 70],
    ['unverified', 30]
  ],
  admin: [['verified', 1]]
} as const

type User = Rows['users'][number]

/** A client who can sign in. */
export type Account = { id: string; name: string; email: string; createdAt: number; practiceId: string }

export type Accounts = {
  /** A user's row of any role; `id` where it is fixed. */
  user(who: Person, role: User['role'], createdAt: number, timeZone: string, id?: string): User
  /** A new client's account, or undefined once all that the data set has are given out. */
  open(createdAt: number, practiceId: string, timeZone: string, rows: Rows): Account | undefined
  /** Somebody who has an account and sees another therapist too. */
  another(createdAt: number, practiceId: string): Account | undefined
  /** An address for a client without an account. */
  addressOf(who: Person): string
  /** Those who signed up and never booked. */
  idle(): Generator<User>
}

/** Hands out `clients` client accounts. */
export function accounts(random: Stream, clients: number): Accounts {
  const addressOf = addressBook()
  let left = clients
  // Enough to find somebody in; all of them would be a hundred thousand in the largest data set.
  const recent: Account[] = []

  function user(who: Person, role: User['role'], createdAt: number, timeZone: string, id?: string): User {
    const seenAt = createdAt + random.next() * (now - createdAt)
    return {
      id: id ?? random.uuidv7(createdAt),
      email: addressOf(who),
      passwordHash,
      role,
      verificationStatus: random.weighted<NonNullable<User['verificationStatus']>>(statuses[role]),
      locale: random.weighted([
        ['es-ES', 92],
        ['ca-ES', 5],
        ['en-GB', 3]
      ]),
      timeZone:
        role === 'client' && random.chance(0.02)
          ? random.pick(['Europe/London', 'America/Bogota'])
          : timeZone,
      createdAt: iso(createdAt),
      updatedAt: iso(createdAt),
      lastLoginAt: random.chance(0.9) ? iso(seenAt) : null
    }
  }

  function open(createdAt: number, practiceId: string, timeZone: string, rows: Rows): Account | undefined {
    if (left === 0) return undefined
    const isFirst = left === clients
    left -= 1
    const who = person(random, 0.6)
    const row = isFirst
      ? user(who, 'client', Date.parse(known.client.createdAt), timeZone, known.client.id)
      : user(who, 'client', createdAt, timeZone)
    rows.users.push(row)
    const account = { id: row.id, name: fullName(who), email: row.email, createdAt, practiceId }
    recent.push(account)
    if (recent.length > 200) recent.shift()
    return account
  }

  function another(createdAt: number, practiceId: string): Account | undefined {
    const found = random.sample(recent, 1)[0]
    if (!found || found.practiceId === practiceId || found.createdAt > createdAt) return undefined
    found.practiceId = practiceId
    return found
  }

  function* idle(): Generator<User> {
    for (; left > 0; left -= 1) {
      yield user(person(random, 0.6), 'client', now - random.next() * 900 * day, 'Europe/Madrid')
    }
  }

  return { user, open, another, addressOf, idle }
}

/** The people who run the service. */
export function administrators({ user }: Accounts, random: Stream, count: number): User[] {
  return Array.from({ length: count }, (_, index) => {
    const createdAt = Date.parse(known.admin.createdAt) + index * 40 * day
    return user(
      person(random, 0.5),
      'admin',
      createdAt,
      'Europe/Madrid',
      index === 0 ? known.admin.id : undefined
    )
  })
}

/** ISO 8601 of a moment, to the millisecond. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
