// The practices of the seed data set, without what is booked in them: as many as in the real one, in seconds.
import { drizzle } from 'drizzle-orm/mysql2'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import type { Test } from 'tap'
import { profiles, profileTerms, services, users } from '../../db/schema.ts'
import { generate } from '../../db/seed/generate.ts'
import { noRows } from '../../db/seed/rows.ts'
import type { Database } from '../../src/cache/view.ts'
import { engines } from '../engines.ts'

/** A profile as plain SQL has it; what a search should find is worked out from these. */
export type Practice = {
  id: string
  public: boolean
  text: string
  city: string
  region: string
  online: boolean
  inPerson: boolean
  priceFrom: number | null
  ratingAvg: number | null
  nextSlotAt: string | null
  terms: readonly string[]
}

export type Practices = { connection: Connection; database: Database; all: readonly Practice[] }

export async function practices(t: Test): Promise<Practices> {
  const { mysql } = await engines(t, { replicas: 0, scale: 'empty' })
  const connection = await createConnection({ uri: mysql.primary.url, multipleStatements: true })
  t.teardown(() => connection.destroy())
  const database = drizzle({ client: connection })

  const rows = noRows()
  for (const batch of generate('seed')) {
    rows.users.push(...batch.users)
    rows.profiles.push(...batch.profiles)
    rows.profileTerms.push(...batch.profileTerms)
    rows.services.push(...batch.services)
  }
  const therapists = new Set(rows.profiles.map(({ id }) => id))
  await database.insert(users).values(rows.users.filter(({ id }) => therapists.has(id)))
  await database.insert(profiles).values(rows.profiles)
  await database.insert(profileTerms).values(rows.profileTerms)
  await database.insert(services).values(rows.services)
  await connection.query('ANALYZE TABLE profiles, profile_terms')
  return { connection, database, all: await readAll(connection) }
}

async function readAll(connection: Connection): Promise<Practice[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT LOWER(HEX(id)) AS id, visibility, CONCAT_WS(' ', display_name, headline, bio) AS text, city, region, online,
            in_person, price_from, rating_avg, DATE_FORMAT(next_slot_at, '%Y-%m-%dT%H:%i:%sZ') AS next_slot_at,
            (SELECT GROUP_CONCAT(kind, ':', term) FROM profile_terms WHERE profile_id = id) AS terms
     FROM profiles`
  )
  return rows.map((row) => ({
    id: String(row.id).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    public: row.visibility === 'public',
    text: row.text,
    city: row.city,
    region: row.region,
    online: row.online === 1,
    inPerson: row.in_person === 1,
    priceFrom: row.price_from,
    ratingAvg: row.rating_avg === null ? null : Number(row.rating_avg),
    nextSlotAt: row.next_slot_at,
    terms: String(row.terms ?? '').split(',')
  }))
}
