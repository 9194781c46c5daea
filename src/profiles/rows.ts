// Whole profiles as rows, their terms and services with them: the statement that selects them, and what is read from its
// result. Written by hand, for it is sent with every load and every change.
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
  terms: Aggregated
  services: Aggregated
}
// Everything but `private`, which no statement of this file ever selects.
const columns = `id, visibility, display_name, headline, bio, photo_url, city, region, online, in_person, price_from,
  currency, rating_avg, rating_count, next_slot_at, version, created_at, updated_at`

// Lists without an order, which MySQL does not give an aggregate: they are put in order here.
const terms = 'JSON_ARRAYAGG(JSON_ARRAY(kind, term))'
const kinds = "kind IN ('specialty', 'language', 'approach')"
const services =
  'JSON_ARRAYAGG(JSON_ARRAY(LOWER(HEX(id)), name, duration_min, price, currency, mode, needs_approval))'

/** What selects the terms of these profiles, for a SELECT that has the profiles already. */
export function termsById(ids: readonly string[]): Statement {
  return statement(
    `SELECT profile_id AS id, ${terms} AS terms FROM profile_terms WHERE profile_id IN (?) AND ${kinds} GROUP BY profile_id`,
    [ids.map(uuidToBytes)]
  )
}

/** The terms that `termsById` has selected, by the ids of their profiles. */
export function termsIn(result: unknown): Map<string, Terms> {
  const rows = rowsIn<Row & { id: Buffer; terms: Aggregated }>(result)
  return new Map(rows.map((row) => [bytesToUuid(row.id), termsOf(row.terms)]))
}

/** What selects these profiles: one statement, however many. */
export function profilesById(ids: readonly string[], choice: 'public' | 'any'): Statement {
  return statement(
    `SELECT ${columns},
        (SELECT ${terms} FROM profile_terms WHERE profile_id = profiles.id AND ${kinds}) AS terms,
        (SELECT ${services} FROM services WHERE therapist_id = profiles.id AND active = 1) AS services
       FROM profiles WHERE id IN (?)${choice === 'public' ? " AND visibility = 'public'" : ''}`,
    [ids.map(uuidToBytes)]
  )
}

/**
 * What locks the rows of these profiles until the transaction ends, in the order of their ids, and then selects them: under
 * READ COMMITTED a statement sees what was committed before it, and whoever changes what a profile shows takes its row
 * first. The profiles are in the second result.
 */
export function profilesLocked(ids: readonly string[]): [lock: Statement, select: Statement] {
  return [
    statement('SELECT id FROM profiles WHERE id IN (?) ORDER BY id FOR UPDATE', [ids.map(uuidToBytes)]),
    profilesById(ids, 'any')
  ]
}

/** The profiles that `profilesById` has selected, by their ids. */
export function profilesIn(result: unknown): Map<string, Profile> {
  return new Map(rowsIn<ProfileRow>(result).map((row) => [bytesToUuid(row.id), profileOf(row)]))
}

export type Terms = Pick<Profile, 'specialties' | 'languages' | 'approaches'>
export const noTerms: Terms = { specialties: [], languages: [], approaches: [] }

function termsOf(aggregated: Aggregated): Terms {
  const terms: Terms = { specialties: [], languages: [], approaches: [] }
  for (const [kind, term] of listIn<[keyof typeof namesOfTerms, string]>(aggregated)) {
    terms[namesOfTerms[kind]].push(term)
  }
  for (const list of Object.values(terms)) list.sort()
  return terms
}
const namesOfTerms = { specialty: 'specialties', language: 'languages', approach: 'approaches' } as const

// MariaDB hands JSON over as text, MySQL parsed.
type Aggregated = string | unknown[] | null

function listIn<T>(aggregated: Aggregated): T[] {
  if (aggregated === null) return []
  return typeof aggregated === 'string' ? JSON.parse(aggregated) : JSON.parse(JSON.stringify(aggregated))
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
    ...termsOf(row.terms),
    bio: row.bio,
    visibility: row.visibility,
    services: servicesIn(row.services),
    version: row.version,
    createdAt: instantFromSql(row.created_at),
    updatedAt: instantFromSql(row.updated_at)
  }
}

type ServiceFields = [
  id: string,
  name: string,
  durationMinutes: number,
  price: number,
  currency: string,
  mode: Service['mode'],
  needsApproval: number
]

/** The cheapest first. */
function servicesIn(aggregated: Aggregated): Service[] {
  const services = listIn<ServiceFields>(aggregated).map(
    ([hex, name, durationMinutes, price, currency, mode, needsApproval]): Service => ({
      id: bytesToUuid(Buffer.from(hex, 'hex')),
      name,
      durationMinutes,
      price,
      currency,
      mode,
      needsApproval: needsApproval === 1
    })
  )
  return services.sort((one, other) => one.price - other.price || (one.id < other.id ? -1 : 1))
}
