// Whole profiles as rows: three statements that go in one packet, and what is read from their results. Written by hand, for
// they are sent with every load and every change.
import { bytesToUuid, instantFromSql, uuidToBytes } from '../../db/columns.ts'
import type { Row } from '../../db/pool.ts'
import { rowsIn, type Statement, statement } from '../../db/statements.ts'
import type { Profile, Service } from './schema.ts'

type ProfileRow = Row & {
  id: Buffer
  visibility: Profile['visibility']
  display_name: string
  headline: string
  bio: string | null
  photo_url: string | null
  city: string
  region: string
  online: number
  in_person: number
  price_from: number | null
  currency: string
  rating_avg: string | null
  rating_count: number
  next_slot_at: string | null
  version: number
  created_at: string
  updated_at: string
}
// Everything but `private`, which no statement of this file ever selects.
const columns = `id, visibility, display_name, headline, bio, photo_url, city, region, online, in_person, price_from,
  currency, rating_avg, rating_count, next_slot_at, version, created_at, updated_at`

type TermRow = Row & { profile_id: Buffer; kind: keyof typeof namesOfTerms; term: string }
const namesOfTerms = { specialty: 'specialties', language: 'languages', approach: 'approaches' } as const

type ServiceRow = Row & {
  therapist_id: Buffer
  id: Buffer
  name: string
  duration_min: number
  price: number
  currency: string
  mode: Service['mode']
  needs_approval: number
}

const which = {
  public: "AND visibility = 'public'",
  any: '',
  /** Of either visibility, their rows locked until the transaction ends. In the order of their ids, by whomever. */
  locked: 'ORDER BY id FOR UPDATE'
}

/**
 * What selects these profiles. Terms and services come after the rows: in a transaction that locks them they are as they
 * are under the lock, for whoever changes what a profile shows takes its row first.
 */
export function profilesById(ids: readonly string[], choice: keyof typeof which): Statement[] {
  const keys = [ids.map(uuidToBytes)]
  return [
    statement(`SELECT ${columns} FROM profiles WHERE id IN (?) ${which[choice]}`, keys),
    statement(
      `SELECT profile_id, kind, term FROM profile_terms
        WHERE profile_id IN (?) AND kind IN ('specialty', 'language', 'approach') ORDER BY profile_id, kind, term`,
      keys
    ),
    statement(
      `SELECT therapist_id, id, name, duration_min, price, currency, mode, needs_approval FROM services
        WHERE therapist_id IN (?) AND active = 1 ORDER BY price, id`,
      keys
    )
  ]
}

/** The profiles that `profilesById` has selected, by their ids. */
export function profilesIn([rows, terms, services]: readonly unknown[]): Map<string, Profile> {
  const profiles = new Map<string, Profile>()
  for (const row of rowsIn<ProfileRow>(rows)) {
    const profile = profileOf(row)
    profiles.set(profile.id, profile)
  }
  for (const { profile_id, kind, term } of rowsIn<TermRow>(terms)) {
    profiles.get(bytesToUuid(profile_id))?.[namesOfTerms[kind]].push(term)
  }
  for (const row of rowsIn<ServiceRow>(services)) {
    profiles.get(bytesToUuid(row.therapist_id))?.services.push(serviceOf(row))
  }
  return profiles
}

function profileOf(row: ProfileRow): Profile {
  return {
    id: bytesToUuid(row.id),
    currency: row.currency,
    ratingAvg: row.rating_avg === null ? null : Number(row.rating_avg),
    ratingCount: row.rating_count,
    nextSlotAt: row.next_slot_at === null ? null : instantFromSql(row.next_slot_at),
    displayName: row.display_name,
    headline: row.headline,
    photoUrl: row.photo_url,
    city: row.city,
    region: row.region,
    online: row.online === 1,
    inPerson: row.in_person === 1,
    priceFrom: row.price_from,
    specialties: [],
    languages: [],
    approaches: [],
    bio: row.bio,
    visibility: row.visibility,
    services: [],
    version: row.version,
    createdAt: instantFromSql(row.created_at),
    updatedAt: instantFromSql(row.updated_at)
  }
}

function serviceOf(row: ServiceRow): Service {
  return {
    id: bytesToUuid(row.id),
    name: row.name,
    durationMinutes: row.duration_min,
    price: row.price,
    currency: row.currency,
    mode: row.mode,
    needsApproval: row.needs_approval === 1
  }
}
