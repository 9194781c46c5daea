// What a list of profiles was asked for, normalised: two spellings of one wish are one search, one entry of the cache
// and one cursor's query. Pure.
import { hash } from 'node:crypto'
import type { Position } from '../http/cursor.ts'
import { Problem } from '../http/problem.ts'
import type { ProfileQuery } from './schema.ts'

export type Sort = 'rating' | 'price' | 'nextSlot'

/** Where the page begins: after a row, or at a number. */
export type Start = { after: Position } | { page: number } | null

/** The filters and the order; what is left out does not narrow. */
export type Search = {
  /** Beginnings of words, all of which a text must have. */
  words?: readonly string[]
  specialty?: string
  language?: string
  approach?: string
  city?: string
  region?: string
  mode?: 'online' | 'in_person'
  /** Minor units. */
  minPrice?: number
  maxPrice?: number
  minRating?: number
  sort: Sort
}

/** One page of one search. */
export type Page = { search: Search; start: Start; limit: number }

const defaultLimit = 20
/** `innodb_ft_min_token_size`: the full-text index keeps no shorter word. */
const shortestIndexed = 3
/** Of a word that is not indexed itself, the beginnings of others are looked for; one letter would begin them all. */
const shortestBeginning = 2
const mostWords = 6

// INFORMATION_SCHEMA.INNODB_FT_DEFAULT_STOPWORD, the same in MySQL and MariaDB, as far as it is long enough to be
// indexed. A stop word that is asked for with `+` matches nothing at all.
const unindexed = new Set(
  'about are com for from how that the this was what when where who will with und www'.split(' ')
)

/** @throws Problem `invalid-parameter` for a text without a word to search for, or a range that holds nothing */
export function searchOf(query: ProfileQuery): Search {
  const { q, city, region, specialty, language, approach, mode, minPrice, maxPrice, minRating, sort } = query
  if (minPrice !== undefined && maxPrice !== undefined && minPrice > maxPrice) {
    throw refusal('minPrice', 'is above maxPrice')
  }
  return {
    ...(q !== undefined && { words: wordsOf(q) }),
    ...(specialty !== undefined && { specialty: specialty.trim().toLowerCase() }),
    ...(language !== undefined && { language: language.trim().toLowerCase() }),
    ...(approach !== undefined && { approach: approach.trim().toLowerCase() }),
    ...(city !== undefined && { city: folded(city).trim().replace(/\s+/g, ' ') }),
    ...(region !== undefined && { region: region.trim().toUpperCase() }),
    ...(mode !== undefined && { mode }),
    ...(minPrice !== undefined && { minPrice }),
    ...(maxPrice !== undefined && { maxPrice }),
    ...(minRating !== undefined && { minRating: hundredthsUp(minRating) }),
    sort: sort ?? 'rating'
  }
}

/** The page asked for. `open` turns a cursor of this search into the position it was sealed with. */
export function pageOf(query: ProfileQuery, open: (search: string, cursor: string) => Position): Page {
  const search = searchOf(query)
  const { cursor, page, limit = defaultLimit } = query
  if (cursor !== undefined && page !== undefined) {
    throw refusal('page', 'cannot be told together with a cursor: send one of the two')
  }
  if (cursor !== undefined) return { search, start: { after: open(nameOf(search), cursor) }, limit }
  return { search, start: page === undefined ? null : { page }, limit }
}

/** The same text for the same search. */
export function nameOf(search: Search): string {
  return JSON.stringify(search)
}

/** The same short name for the same page. Hashed: what somebody searches for is nobody's to read in a key. */
export function keyOf({ search, start, limit }: Page): string {
  return hash('sha256', JSON.stringify([search, start, limit]), 'base64url').slice(0, 22)
}

/** The query string that asks for the page of this search that `cursor` begins. */
export function queryOf({ search: { words, ...rest }, limit }: Page, cursor: string): string {
  const named = Object.entries({ ...rest, limit, cursor }).map(([name, value]) => [name, String(value)])
  return new URLSearchParams([...(words ? [['q', words.join(' ')]] : []), ...named]).toString()
}

// Letters and digits alone: whatever an operator of the full-text language is made of is no part of a word.
// The underscore is: the index has `a_b` as one word.
function wordsOf(text: string): string[] {
  const words = [...new Set(folded(text).match(/[\p{L}\p{M}\p{N}_]+/gu) ?? [])]
  const indexed = words.filter((word) => word.length >= shortestIndexed && !unindexed.has(word))
  const usable = indexed.length > 0 ? indexed : words.filter((word) => word.length >= shortestBeginning)
  if (usable.length === 0) {
    throw refusal('q', `needs a word of at least ${shortestBeginning} letters or digits`)
  }
  return usable.slice(0, mostWords).sort()
}

/**
 * Lower case without accents, as the database compares anyway (utf8mb4_unicode_520_ci). Latin letters alone: in other
 * scripts a mark may be a letter of its own.
 */
function folded(text: string): string {
  return text
    .normalize('NFD')
    .replace(/(?<=\p{Script=Latin}\p{M}*)\p{M}/gu, '')
    .normalize('NFC')
    .toLowerCase()
}

/** Ratings have two decimals: whoever is at least 4.501 is at least 4.51. */
function hundredthsUp(rating: number): number {
  return Math.ceil(Number((rating * 100).toFixed(6))) / 100
}

function refusal(parameter: string, detail: string): Problem {
  return new Problem('invalid-parameter', undefined, { errors: [{ parameter, detail }] })
}
