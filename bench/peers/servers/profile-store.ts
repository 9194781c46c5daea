// Profiles in MySQL, as any of the peers would write it by hand: mysql2's pools of 10 and the statements that Turno sends.
// No cache, no framework. What Turno writes for its own sake (tags, the outbox) is left out: peers have no use for it.
import { isDeepStrictEqual } from 'node:util'
import mysql from 'mysql2/promise'
import { bytesToUuid, instantFromSql, instantToSql, uuidToBytes } from '../../../db/columns.ts'
import type { Account } from '../../../src/accounts/schema.ts'
import { cursors, type Position } from '../../../src/http/cursor.ts'
import { profilesById, profilesIn } from '../../../src/profiles/rows.ts'
import {
  type NewProfile,
  nothingKnown,
  nothingSaid,
  type Profile,
  type ProfilePage,
  type ProfilePatch,
  type ProfileQuery,
  type ProfileSummary
} from '../../../src/profiles/schema.ts'
import { nameOf, pageOf, type Search } from '../../../src/profiles/search.ts'
import type { Settings } from './settings.ts'

const connections = 10

/** Who asks, as the token says. */
export type Caller = { id: string; role: string }

/** What is answered with this status instead. Fastify and Express both look at `statusCode`. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly statusCode: number
  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

/** Ends waits that would have no end. The seed's design sets none. */
export type Limits = { connectMs: number; queryMs: number; waiting: number }

export type ProfileStore = {
  /** The public profile; null where there is none. One statement. */
  find(id: string): Promise<Profile | null>
  /** @param query as it stands in the URL, without `?`. Two statements; three where the page reaches those without a key. */
  page(query: string): Promise<ProfilePage>
  /** @throws Refusal */
  update(caller: Caller, id: string, patch: ProfilePatch): Promise<Profile>
  /** @throws Refusal */
  create(caller: Caller, profile: NewProfile): Promise<Profile>
  /** What somebody's account says; null where there is none. One statement. */
  account(id: string): Promise<Account | null>
  /** Of public profiles, the first by id. */
  ids(count: number): Promise<string[]>
  close(): Promise<void>
}

type Row = mysql.RowDataPacket
type Value = string | number | boolean | null | Buffer
type Ask = (sql: string, values: readonly (Value | readonly Value[])[]) => Promise<Row[]>

export function profileStore(
  { primaryUrl, replicaUrls, secret }: Pick<Settings, 'primaryUrl' | 'replicaUrls' | 'secret'>,
  limits?: Limits
): ProfileStore {
  const poolOf = (uri: string) =>
    mysql.createPool({
      uri,
      connectionLimit: connections,
      dateStrings: true,
      decimalNumbers: true,
      timezone: 'Z',
      charset: 'utf8mb4_unicode_520_ci',
      ...(limits && { connectTimeout: limits.connectMs, queueLimit: limits.waiting })
    })
  const primary = poolOf(primaryUrl)
  const replicas = replicaUrls.length > 0 ? replicaUrls.map(poolOf) : [primary]
  const positions = cursors(secret)
  let turn = 0

  /** Asks one server: what is read together comes from one, the next from the next. */
  function reader(): Ask {
    const pool = replicas[turn++ % replicas.length] ?? primary
    return async (sql, values) => {
      if (!limits) {
        const [rows] = await pool.query<Row[]>(sql, [...values])
        return rows
      }
      const connection = await pool.getConnection()
      try {
        const [rows] = await connection.query<Row[]>({ sql, values: [...values], timeout: limits.queryMs })
        connection.release()
        return rows
      } catch (error) {
        // One whose answer did not come in time may still get it, in the middle of somebody else's.
        connection.destroy()
        throw error
      }
    }
  }

  async function write<T>(work: (connection: mysql.PoolConnection, ask: Ask) => Promise<T>): Promise<T> {
    const connection = await primary.getConnection()
    const timeout = limits && { timeout: limits.queryMs }
    const ask: Ask = async (sql, values) => {
      const [rows] = await connection.query<Row[]>({ sql, values: [...values], ...timeout })
      return rows
    }
    try {
      await connection.beginTransaction()
      const result = await work(connection, ask)
      await connection.commit()
      connection.release()
      return result
    } catch (error) {
      if (error instanceof Refusal) {
        await connection.rollback()
        connection.release()
      } else connection.destroy()
      throw error
    }
  }

  return {
    find: (id) => whole(reader(), id, 'public'),

    async page(query) {
      const { search, start, limit } = pageOf(parse(query), positions.open)
      const after = start !== null && 'after' in start ? start.after : null
      const { rows, next } = await pageAfter(reader(), search, after, limit)
      return { data: rows, page: { next: next && positions.seal(nameOf(search), next) } }
    },

    update: (caller, id, patch) =>
      write(async (connection, ask) => {
        const current = await whole(ask, id, 'locked')
        mayChange(caller, id, current)
        if (!changes(current, patch)) return current
        const [version, at] = [current.version + 1, now()]
        const columns = { ...columnsOf(patch), version, updated_at: at }
        await connection.query('UPDATE profiles SET ? WHERE id = ?', [columns, uuidToBytes(id)])
        await replaceTerms(ask, id, patch)
        return { ...current, ...ordered(patch), version, updatedAt: instantFromSql(at) }
      }),

    create: (caller, { userId, ...profile }) =>
      write(async (connection, ask) => {
        const id = (userId ?? caller.id).toLowerCase()
        if (caller.role !== 'admin' && (caller.role !== 'therapist' || id !== caller.id))
          throw new Refusal(403, 'not yours')
        const [therapist] = await ask(
          "SELECT time_zone FROM users WHERE id = ? AND role = 'therapist' AND erased_at IS NULL",
          [uuidToBytes(id)]
        )
        if (!therapist) throw new Refusal(422, 'no therapist')
        const at = now()
        const columns = {
          visibility: 'public',
          ...columnsOf(profile),
          id: uuidToBytes(id),
          created_at: at,
          updated_at: at
        }
        await connection.query('INSERT INTO profiles SET ?', [columns]).catch(refuseDuplicate)
        await replaceTerms(ask, id, profile)
        await ask(
          "INSERT INTO calendars (therapist_id, time_zone, weekly, overrides, updated_at) VALUES (?, ?, '{}', '{}', ?)",
          [uuidToBytes(id), therapist.time_zone, at]
        )
        const instant = instantFromSql(at)
        return inOrder({
          ...nothingKnown,
          ...nothingSaid,
          ...ordered(profile),
          id,
          version: 1,
          createdAt: instant,
          updatedAt: instant
        })
      }),

    async account(id) {
      const [row] = await reader()(
        `SELECT id, email, role, verification_status, locale, time_zone, version, created_at, updated_at
         FROM users WHERE id = ? AND erased_at IS NULL`,
        [uuidToBytes(id)]
      )
      return row ? accountOf(row) : null
    },

    async ids(count) {
      const rows = await reader()("SELECT id FROM profiles WHERE visibility = 'public' ORDER BY id LIMIT ?", [
        count
      ])
      return rows.map(({ id }) => bytesToUuid(id))
    },

    async close() {
      await Promise.all([
        primary.end(),
        ...replicas.filter((pool) => pool !== primary).map((pool) => pool.end())
      ])
    }
  }
}

const summaryColumns = `id, display_name, headline, photo_url, city, region, online, in_person, price_from, currency,
  rating_avg, rating_count, next_slot_at`
async function whole(ask: Ask, id: string, choice: 'public' | 'locked'): Promise<Profile | null> {
  const select = profilesById([id], choice === 'public' ? 'public' : 'any')
  const rows = await ask(choice === 'locked' ? `${select} FOR UPDATE` : select, [])
  return profilesIn(rows).get(id) ?? null
}

const orders = {
  rating: { column: 'rating_avg', key: 'ratingAvg', direction: 'DESC', beyond: '<', index: 'ix_prof_list' },
  price: { column: 'price_from', key: 'priceFrom', direction: 'ASC', beyond: '>', index: 'ix_prof_price' },
  nextSlot: {
    column: 'next_slot_at',
    key: 'nextSlotAt',
    direction: 'ASC',
    beyond: '>',
    index: 'ix_prof_next'
  }
} as const

type Condition = readonly [sql: string, ...values: Value[]]

async function pageAfter(
  ask: Ask,
  search: Search,
  after: Position | null,
  limit: number
): Promise<{ rows: ProfileSummary[]; next: Position | null }> {
  const { column, key, direction, beyond, index } = orders[search.sort]
  const ordered = search.city === undefined ? index : 'ix_prof_city'
  const forced = search.words ? `${ordered}, PRIMARY` : ordered
  const wanted = limit + 1
  const part = (conditions: readonly Condition[], order: string, count: number) => {
    const all = [...filters(search), ...conditions]
    return ask(
      `SELECT ${summaryColumns} FROM profiles FORCE INDEX (${forced})
       WHERE ${all.map(([sql]) => sql).join(' AND ')} ORDER BY ${order} LIMIT ${count}`,
      all.flatMap(([, ...values]) => values)
    )
  }
  const [value = null, lastId] = after ?? []
  const id = lastId === undefined ? null : uuidToBytes(String(lastId))
  const rows: Row[] = []
  if (after === null || value !== null) {
    const bound = search.sort === 'nextSlot' && value !== null ? instantToSql(String(value)) : value
    const from: Condition[] =
      id === null ? [] : [[`((${column} = ? AND id > ?) OR ${column} ${beyond} ?)`, bound, id, bound]]
    rows.push(...(await part([[`${column} IS NOT NULL`], ...from], `${column} ${direction}, id`, wanted)))
  }
  if (rows.length < wanted) {
    const from: Condition[] = after !== null && value === null ? [['id > ?', id]] : []
    rows.push(...(await part([[`${column} IS NULL`], ...from], 'id', wanted - rows.length)))
  }
  const shown = rows.slice(0, limit)
  const terms = await termsOf(
    ask,
    shown.map((row) => row.id)
  )
  const page = shown.map((row) => summaryOf(row, terms))
  const last = page.at(-1)
  return { rows: page, next: rows.length > limit && last ? [last[key], last.id] : null }
}

function filters({
  words,
  specialty,
  language,
  approach,
  city,
  region,
  mode,
  ...numbers
}: Search): Condition[] {
  const { minPrice, maxPrice, minRating } = numbers
  const term = (kind: string, name: string): Condition => [
    // As a number, so that MariaDB does not begin with the tens of thousands who have a term (src/profiles/queries.ts).
    '(SELECT COUNT(*) FROM profile_terms WHERE profile_id = profiles.id AND kind = ? AND term = ?) = 1',
    kind,
    name
  ]
  const found: Condition[] = [["visibility = 'public'"]]
  if (words)
    found.push([
      `id IN (SELECT id FROM (SELECT text.id FROM profiles AS text WHERE text.visibility = 'public'
        AND MATCH(text.display_name, text.headline, text.bio) AGAINST (? IN BOOLEAN MODE) LIMIT 1000) AS found)`,
      words.map((word) => `+${word}*`).join(' ')
    ])
  if (specialty !== undefined) found.push(term('specialty', specialty))
  if (language !== undefined) found.push(term('language', language))
  if (approach !== undefined) found.push(term('approach', approach))
  if (city !== undefined) found.push(['city = ?', city])
  if (region !== undefined) found.push(['region = ?', region])
  if (mode !== undefined) found.push([`${mode === 'online' ? 'online' : 'in_person'} = 1`])
  if (minPrice !== undefined) found.push(['price_from >= ?', minPrice])
  if (maxPrice !== undefined) found.push(['price_from <= ?', maxPrice])
  if (minRating !== undefined) found.push(['rating_avg >= ?', minRating])
  return found
}

const texts = ['q', 'specialty', 'language', 'approach', 'city', 'region', 'mode', 'sort', 'cursor']
const numbers = ['minPrice', 'maxPrice', 'minRating', 'limit']

// Pages by number and selections of fields are not part of the comparison.
function parse(query: string): ProfileQuery {
  const parsed: Record<string, string | number> = {}
  for (const [name, value] of new URLSearchParams(query)) {
    if (texts.includes(name)) parsed[name] = value
    else if (numbers.includes(name)) parsed[name] = Number(value)
    else throw new Refusal(400, `${name} is not known`)
  }
  return parsed
}

type Terms = (id: Buffer) => Pick<ProfileSummary, 'specialties' | 'languages' | 'approaches'>

async function termsOf(ask: Ask, ids: readonly Buffer[]): Promise<Terms> {
  if (ids.length === 0) return () => ({ specialties: [], languages: [], approaches: [] })
  const rows = await ask(
    'SELECT profile_id, kind, term FROM profile_terms WHERE profile_id IN (?) ORDER BY profile_id, kind, term',
    [ids]
  )
  return (id) => {
    const of = (kind: string): string[] =>
      rows.filter((row) => row.kind === kind && id.equals(row.profile_id)).map(({ term }) => term)
    return { specialties: of('specialty'), languages: of('language'), approaches: of('approach') }
  }
}

/** In the order that the API's schema has: JSON.stringify then makes the bytes that a serialiser of the schema makes. */
function summaryOf(row: Row, terms: Terms): ProfileSummary {
  return {
    id: bytesToUuid(row.id),
    currency: row.currency,
    ratingAvg: row.rating_avg,
    ratingCount: row.rating_count,
    nextSlotAt: row.next_slot_at && instantFromSql(row.next_slot_at),
    displayName: row.display_name,
    headline: row.headline,
    photoUrl: row.photo_url,
    city: row.city,
    region: row.region,
    online: row.online === 1,
    inPerson: row.in_person === 1,
    priceFrom: row.price_from,
    ...terms(row.id)
  }
}

function accountOf(row: Row): Account {
  return {
    id: bytesToUuid(row.id),
    email: row.email,
    role: row.role,
    verificationStatus: row.verification_status,
    locale: row.locale,
    timeZone: row.time_zone,
    version: row.version,
    createdAt: instantFromSql(row.created_at),
    updatedAt: instantFromSql(row.updated_at)
  }
}

function now(): string {
  return instantToSql(new Date().toISOString())
}

const columnNames = {
  displayName: 'display_name',
  headline: 'headline',
  photoUrl: 'photo_url',
  city: 'city',
  region: 'region',
  online: 'online',
  inPerson: 'in_person',
  priceFrom: 'price_from',
  bio: 'bio',
  visibility: 'visibility'
} as const

/** Whatever else a body says is dropped. */
function columnsOf(given: ProfilePatch): Record<string, Value> {
  const named = Object.entries(columnNames).flatMap(([name, column]) => {
    const value = given[name as keyof typeof columnNames]
    return value === undefined ? [] : [[column, value] as const]
  })
  return Object.fromEntries(named)
}

const termKinds = [
  ['specialty', 'specialties'],
  ['language', 'languages'],
  ['approach', 'approaches']
] as const

async function replaceTerms(ask: Ask, id: string, given: ProfilePatch): Promise<void> {
  const key = uuidToBytes(id)
  for (const [kind, name] of termKinds) {
    const terms = given[name]
    if (terms === undefined) continue
    await ask('DELETE FROM profile_terms WHERE kind = ? AND profile_id = ?', [kind, key])
    if (terms.length === 0) continue
    await ask(
      `INSERT INTO profile_terms (profile_id, kind, term) VALUES ${terms.map(() => '(?, ?, ?)').join(', ')}`,
      terms.flatMap((term) => [key, kind, term])
    )
  }
}

/** As the API's schema has it: Express writes what it is given as it is given. */
function inOrder({
  displayName,
  headline,
  photoUrl,
  city,
  region,
  online,
  inPerson,
  ...rest
}: Profile): Profile {
  const { id, currency, ratingAvg, ratingCount, nextSlotAt, priceFrom, ...others } = rest
  const { specialties, languages, approaches, bio, visibility, services, version, ...times } = others
  const known = { id, currency, ratingAvg, ratingCount, nextSlotAt }
  const said = { displayName, headline, photoUrl, city, region, online, inPerson, priceFrom }
  const terms = { specialties, languages, approaches }
  return { ...known, ...said, ...terms, bio, visibility, services, version, ...times }
}

function ordered<Said extends ProfilePatch>(said: Said): Said {
  const sorted = { ...said }
  for (const [, name] of termKinds) {
    const terms = said[name]
    if (terms !== undefined) sorted[name] = terms.toSorted()
  }
  return sorted
}

function changes(current: Profile, patch: ProfilePatch): boolean {
  const before: Record<string, unknown> = current
  return Object.entries(patch).some(
    ([name, value]) => !isDeepStrictEqual(before[name], Array.isArray(value) ? value.toSorted() : value)
  )
}

function mayChange(caller: Caller, id: string, current: Profile | null): asserts current is Profile {
  if (!current) throw new Refusal(404, 'not there')
  if (caller.id === id || caller.role === 'admin') return
  throw current.visibility === 'public' ? new Refusal(403, 'not yours') : new Refusal(404, 'not there')
}

function refuseDuplicate(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'ER_DUP_ENTRY')
    throw new Refusal(409, 'there is one')
  throw error
}
