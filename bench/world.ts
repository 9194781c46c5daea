// Who asks and what for: read from the primary once, with sessions and keys of this run's own. Tokens are made anew for
// each block, because production believes them for a quarter of an hour only.
import { randomBytes, randomUUIDv7 } from 'node:crypto'
import Fastify from 'fastify'
import type { RowDataPacket } from 'mysql2/promise'
import { bytesToUuid } from '../db/columns.ts'
import { withConnection } from '../db/connection.ts'
import { known } from '../db/seed/known.ts'
import auth, { type Role, sessionTokenSeconds } from '../plugins/auth.ts'
import { readSettings } from '../src/config.ts'
import { newTokenKey, readTokenKeys } from '../src/token-keys.ts'
import { addSessions } from './data.ts'
import type { World } from './load/endpoints.ts'
import type { Context } from './subjects/subject.ts'

const mostTherapists = 200
const mostClients = 1_000
const mostLists = 200
const readLimitMs = 60_000

export type Signing = { jwt: Context['jwt']; sign(id: string, role: Role, sessionId: string): string }

/** Keys of this run, and what signs with them. */
export async function signing(): Promise<Signing> {
  const secret = randomBytes(32).toString('base64url')
  const keys = JSON.stringify({ keys: [newTokenKey()] })
  const settings = readSettings({
    NODE_ENV: 'production',
    MYSQL_PRIMARY_URL: 'mysql://nobody@127.0.0.1/none',
    JWT_SECRET: secret,
    JWT_KEYS: keys
  })
  const app = Fastify()
  app.decorate('settings', settings)
  await app.register(auth)
  await app.ready()
  const { issuer, audience } = settings.auth
  const [{ publicPem }] = readTokenKeys(keys)
  return {
    jwt: { keys, publicPem, secret, issuer, audience },
    sign: (id, role, sessionId) => app.signToken({ id, role, sessionId }, sessionTokenSeconds)
  }
}

/** What there is, without tokens: `worldNow` adds them. */
export type Ground = Omit<World, 'therapists' | 'clients' | 'admin' | 'tags'> & {
  people: readonly { id: string; role: Role; sessionId: string }[]
}

export async function groundOf(primaryUrl: string): Promise<Ground> {
  const ground = await withConnection(primaryUrl, 'look around in', readLimitMs, async (connection) => {
    const ids = async (sql: string) =>
      (await connection.query<(RowDataPacket & { id: Buffer })[]>(sql))[0].map(({ id }) => bytesToUuid(id))
    const texts = async (sql: string) =>
      (await connection.query<(RowDataPacket & { text: string })[]>(sql))[0].map(({ text }) => text)
    return {
      profiles: await ids("SELECT id FROM profiles WHERE visibility = 'public' ORDER BY id"),
      therapists: await ids(
        `SELECT profiles.id FROM profiles JOIN calendars ON therapist_id = profiles.id
          WHERE visibility = 'public' ORDER BY profiles.id LIMIT ${mostTherapists}`
      ),
      clients: await ids(`SELECT id FROM users WHERE role = 'client' ORDER BY id LIMIT ${mostClients}`),
      specialties: await texts(
        "SELECT term AS text FROM profile_terms WHERE kind = 'specialty' GROUP BY term ORDER BY COUNT(*) DESC, term LIMIT 20"
      ),
      cities: await texts(
        "SELECT city AS text FROM profiles WHERE city <> '' GROUP BY city ORDER BY COUNT(*) DESC, city LIMIT 20"
      )
    }
  })
  const session = (id: string, role: Role) => ({ id, role, sessionId: randomUUIDv7() })
  const people = [
    session(known.admin.id, 'admin'),
    ...ground.therapists.map((id) => session(id, 'therapist')),
    ...ground.clients.map((id) => session(id, 'client'))
  ]
  await addSessions(
    primaryUrl,
    people.map(({ id, sessionId }) => ({ id: sessionId, userId: id }))
  )
  return {
    profiles: ground.profiles,
    lists: listsOf(ground.specialties, ground.cities),
    people,
    firstStart: Math.ceil((Date.now() + 86_400_000) / 86_400_000) * 86_400_000
  }
}

/** The searches that people make: everything, a specialty, a city, both. */
function listsOf(specialties: readonly string[], cities: readonly string[]): string[] {
  const queries = [
    {},
    { mode: 'online' },
    ...specialties.map((specialty) => ({ specialty })),
    ...cities.map((city) => ({ city })),
    ...specialties.flatMap((specialty) => cities.map((city) => ({ specialty, city })))
  ]
  return queries.slice(0, mostLists).map((query) => {
    const text = new URLSearchParams(query).toString()
    return text === '' ? '/api/profiles' : `/api/profiles?${text}`
  })
}

/** The world with tokens that are good from now on. */
export function worldNow({ people, ...ground }: Ground, { sign }: Signing, tags: World['tags'] = {}): World {
  const signed = (role: Role) =>
    people
      .filter((person) => person.role === role)
      .map(({ id, sessionId }) => ({ id, token: sign(id, role, sessionId) }))
  const [admin] = signed('admin')
  if (!admin) throw new Error('the data has no administrator')
  return { ...ground, therapists: signed('therapist'), clients: signed('client'), admin, tags }
}
