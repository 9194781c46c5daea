// The SQL that reads profiles. Each function takes the connection it is given and bounds what it reads.
import { and, asc, desc, eq, gt, gte, isNotNull, isNull, lt, lte, or, type SQL, sql } from 'drizzle-orm'
import { profiles, profileTerms } from '../../db/schema.ts'
import { send } from '../../db/statements.ts'
import type { Transaction } from '../cache/transaction.ts'
import type { Database } from '../cache/view.ts'
import type { Position } from '../http/cursor.ts'
import { noTerms, profilesById, profilesIn, profilesLocked, type Terms, termsById, termsIn } from './rows.ts'
import type { Profile, ProfileSummary } from './schema.ts'
import type { Page, Search, Sort } from './search.ts'

/** Text matches beyond this many are not looked at: a common word must not cost the whole table. */
const mostMatches = 1_000
/**
 * Who has a term is looked up one by one up to this many; a term that more have is met soon by who walks the list in its
 * order. At 100,000 profiles a walk finds twenty with a term of 1,500 in as many reads.
 */
const mostHolders = 1_000
/** Totals are counted up to the last row that a page can be asked for by its number (50 pages of 100). */
const mostCounted = 5_000
/** Ids that are read at once. */
const idsBatch = 2_000

const summary = {
  id: profiles.id,
  displayName: profiles.displayName,
  headline: profiles.headline,
  photoUrl: profiles.photoUrl,
  city: profiles.city,
  region: profiles.region,
  online: profiles.online,
  inPerson: profiles.inPerson,
  priceFrom: profiles.priceFrom,
  currency: profiles.currency,
  ratingAvg: profiles.ratingAvg,
  ratingCount: profiles.ratingCount,
  nextSlotAt: profiles.nextSlotAt
}

/** The public profiles with these ids, in that order; null where there is none. One statement, however many. */
export async function findPublicProfiles(
  database: Database,
  ids: readonly string[]
): Promise<(Profile | null)[]> {
  if (ids.length === 0) return []
  const [selected] = await send(database.$client, [profilesById(ids, 'public')])
  const found = profilesIn(selected)
  return ids.map((id) => found.get(id) ?? null)
}

/** A profile of either visibility. For those who may see it whatever it is. */
export async function findProfile(database: Database, id: string): Promise<Profile | null> {
  const [selected] = await send(database.$client, [profilesById([id], 'any')])
  return profilesIn(selected).get(id) ?? null
}

/**
 * Profiles of either visibility by their ids, their rows locked until the transaction ends. For those who are about to
 * change them.
 */
export async function lockProfiles(
  transaction: Pick<Transaction, 'send'>,
  ids: readonly string[]
): Promise<Map<string, Profile>> {
  const [, selected] = await transaction.send(profilesLocked(ids))
  return profilesIn(selected)
}

/** The ids of all public profiles, page by page, from one index alone. */
export async function* publicIds(database: Database): AsyncGenerator<string[], void> {
  for (const part of [keyed, keyless]) {
    for (let after: Place | null = null, isLast = false; !isLast; ) {
      const { where, order } = part('price', after)
      const rows: Place[] = await database
        .select({ id: profiles.id, key: profiles.priceFrom })
        .from(profiles, { forceIndex: orders.price.index })
        .where(and(eq(profiles.visibility, 'public'), where))
        .orderBy(...order)
        .limit(idsBatch)
      yield rows.map(({ id }) => id)
      after = rows.at(-1) ?? null
      isLast = rows.length < idsBatch
    }
  }
}

export type Found = {
  rows: ProfileSummary[]
  /** The position of the last row, where others follow it. */
  next: Position | null
  /** For a page by number: how many there are in all, null when that is above 5,000. */
  total?: number | null
}

/**
 * A page of public profiles: those of which the order's key is known, in its order, then the others by id. Two
 * statements mostly: one for the page, one for the terms of its rows (in the same, they would be looked up for rows that
 * are then left out); one more where the page reaches the others, one more to count for a page by number, and one more to
 * see how many have the terms that are asked for.
 */
export async function findPage(database: Database, { search, start, limit }: Page): Promise<Found> {
  const numbered = start !== null && 'page' in start
  const way = await wayInto(database, search)
  const counts = numbered ? await countMatches(database, way) : null
  const skipped = numbered ? (start.page - 1) * limit : 0
  const after = start !== null && 'after' in start ? placeOf(start.after) : null
  const wanted = limit + 1

  const rows =
    after?.key === null ? [] : await findPart(database, way, keyed(search.sort, after), wanted, skipped)
  if (rows.length < wanted) {
    const others = keyless(search.sort, after?.key === null ? after : null)
    // A page by number that lies among the others altogether begins as many rows into them as it is past the keyed.
    const passed = rows.length === 0 ? Math.max(0, skipped - (counts?.keyed ?? 0)) : 0
    rows.push(...(await findPart(database, way, others, wanted - rows.length, passed)))
  }

  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const terms = await termsOf(
    database,
    page.map(({ id }) => id)
  )
  return {
    rows: page.map((row) => ({ ...row, ...terms(row.id) })),
    next: rows.length > limit && last ? [last[orders[search.sort].key], last.id] : null,
    ...(counts && { total: counts.all > mostCounted ? null : counts.all })
  }
}

function findPart(
  database: Database,
  { indexes, filters, walks }: Way,
  part: Part,
  limit: number,
  offset: number
) {
  const where = and(...filters, part.where)
  const options = { forceIndex: indexes }
  if (!walks) {
    const rows = database.select(summary).from(profiles, options).where(where)
    return rows
      .orderBy(...part.order)
      .limit(limit)
      .offset(offset)
  }
  // Of those that are passed by, the index is all that is read: their rows lie all over a table larger than memory.
  const found = database.select({ id: profiles.id }).from(profiles, options).where(where)
  const page = found
    .orderBy(...part.order)
    .limit(limit)
    .offset(offset)
    .as('page')
  return database
    .select(summary)
    .from(page)
    .innerJoin(profiles, eq(profiles.id, page.id))
    .orderBy(...part.order)
}

async function countMatches(
  database: Database,
  { sort, indexes, filters }: Way
): Promise<{ keyed: number; all: number }> {
  const count = (part: Part) => {
    const matching = database
      .select({ one: sql`1` })
      .from(profiles, { forceIndex: indexes })
      .where(and(...filters, part.where))
      .limit(mostCounted + 1)
    return sql<number>`(SELECT COUNT(*) FROM ${matching.as('matching')})`.mapWith(Number)
  }
  const [row] = await database
    .select({ keyed: count(keyed(sort, null)), keyless: count(keyless(sort, null)) })
    .from(sql`(SELECT 1) AS once`)
  const { keyed: withKey = 0, keyless: without = 0 } = row ?? {}
  return { keyed: withKey, all: withKey + without }
}

// What a list may be ordered by. Both engines put NULL first when ascending, and an expression that puts it last no
// index can serve: hence the two parts.
const orders = {
  rating: { key: 'ratingAvg', direction: desc, beyond: lt, index: 'ix_prof_list' },
  price: { key: 'priceFrom', direction: asc, beyond: gt, index: 'ix_prof_price' },
  nextSlot: { key: 'nextSlotAt', direction: asc, beyond: gt, index: 'ix_prof_next' }
} as const satisfies Record<Sort, { key: keyof typeof summary; index: string; [member: string]: unknown }>

/** One part of a list: which rows are in it, after which of them it begins, in what order. */
type Part = { where: SQL | undefined; order: SQL[] }
type Place = { key: string | number | null; id: string }

function placeOf([key = null, id]: Position): Place {
  return { key, id: String(id) }
}

// "Same key and a later id, or a key beyond": two ranges of the index, and nothing else is read. A row comparison
// reads all from the beginning (175 entries for 21 rows in the middle of 424), and `key <= ? AND (key < ? OR id > ?)`
// all rows of the same key.
function keyed(sort: Sort, after: Place | null): Part {
  const { key, direction, beyond } = orders[sort]
  const column = profiles[key]
  const order = [direction(column), asc(profiles.id)]
  if (after === null) return { where: isNotNull(column), order }
  const value = sql.param(after.key, column)
  return { where: or(and(eq(column, value), gt(profiles.id, after.id)), beyond(column, value)), order }
}

function keyless(sort: Sort, after: Place | null): Part {
  const unknown = isNull(profiles[orders[sort].key])
  return { where: and(unknown, after ? gt(profiles.id, after.id) : undefined), order: [asc(profiles.id)] }
}

/** How the rows of a search are come by: the indexes that may be used, what narrows, and whether many are passed by. */
type Way = { sort: Sort; indexes: string[]; filters: (SQL | undefined)[]; walks: boolean }

const kinds = ['specialty', 'language', 'approach'] as const
type Term = { kind: (typeof kinds)[number]; name: string }

// In the order of an index, or by PRIMARY from a rare term or word. Which of the two is not left to the optimizer: MariaDB
// takes a term of 39,000 profiles for one of 5,000, begins with it, and a page took 36 s; and left to themselves both
// the order and the filters make it take these indexes by `visibility` alone and skim them from the beginning, which
// EXPLAIN and the counters of rows read do not show: only Handler_icp_attempts does.
async function wayInto(database: Database, search: Search): Promise<Way> {
  const { words, city, sort } = search
  const terms = kinds.flatMap((kind): Term[] => {
    const name = search[kind]
    return name === undefined ? [] : [{ kind, name }]
  })
  const holders = words ? [] : await countHolders(database, terms)
  const rarest = terms[holders.indexOf(Math.min(mostHolders, ...holders))]
  const order = city === undefined ? orders[sort].index : 'ix_prof_city'
  return {
    sort,
    indexes: words || rarest ? [order, 'PRIMARY'] : [order],
    walks: terms.length > 0 && !words && !rarest,
    filters: [
      ...columnFilters(search),
      words && hasWords(words),
      ...terms.map((term) => (term === rarest ? beginsWith(term) : has(term)))
    ]
  }
}

/** How many have each of them, up to one more than `mostHolders`. */
async function countHolders(database: Database, terms: readonly Term[]): Promise<number[]> {
  if (terms.length === 0) return []
  const counts = terms.map(
    ({ kind, name }) =>
      sql`(SELECT COUNT(*) FROM (SELECT 1 FROM ${profileTerms} WHERE ${profileTerms.kind} = ${kind} AND ${profileTerms.term} = ${name} LIMIT ${sql.raw(String(mostHolders + 1))}) AS holders)`
  )
  const [row] = await database
    .select(Object.fromEntries(counts.map((count, i) => [i, sql<number>`${count}`.mapWith(Number)])))
    .from(sql`(SELECT 1) AS once`)
  return Object.values(row ?? {})
}

function columnFilters({ city, region, mode, minPrice, maxPrice, minRating }: Search): (SQL | undefined)[] {
  return [
    eq(profiles.visibility, 'public'),
    city === undefined ? undefined : eq(profiles.city, city),
    region === undefined ? undefined : eq(profiles.region, region),
    mode === undefined ? undefined : eq(mode === 'online' ? profiles.online : profiles.inPerson, true),
    minPrice === undefined ? undefined : gte(profiles.priceFrom, minPrice),
    maxPrice === undefined ? undefined : lte(profiles.priceFrom, maxPrice),
    minRating === undefined ? undefined : gte(profiles.ratingAvg, minRating)
  ]
}

// The words are letters and digits alone (search.ts), so nothing in them is an operator. In a table of its own, as
// LIMIT is not allowed in the subquery of IN itself.
function hasWords(words: readonly string[]): SQL {
  const all = words.map((word) => `+${word}*`).join(' ')
  return sql`${profiles.id} IN (SELECT id FROM (
    SELECT text.id FROM profiles AS text
    WHERE text.visibility = 'public' AND MATCH(text.display_name, text.headline, text.bio) AGAINST (${all} IN BOOLEAN MODE)
    LIMIT ${sql.raw(String(mostMatches))}) AS found)`
}

// Both engines make a join of it, and may begin it with the term.
function beginsWith({ kind, name }: Term): SQL {
  return sql`EXISTS (SELECT 1 FROM ${profileTerms} WHERE ${profileTerms.profileId} = ${profiles.id} AND ${profileTerms.kind} = ${kind} AND ${profileTerms.term} = ${name})`
}

// Of a number neither can make a join: one look at the primary key for each row that is walked past.
function has({ kind, name }: Term): SQL {
  return sql`(SELECT COUNT(*) FROM ${profileTerms} WHERE ${profileTerms.profileId} = ${profiles.id} AND ${profileTerms.kind} = ${kind} AND ${profileTerms.term} = ${name}) = 1`
}

async function termsOf(database: Database, ids: readonly string[]): Promise<(id: string) => Terms> {
  if (ids.length === 0) return () => noTerms
  const [selected] = await send(database.$client, [termsById(ids)])
  const terms = termsIn(selected)
  return (id) => terms.get(id) ?? noTerms
}
