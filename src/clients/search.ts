// What a list of clients was asked for, normalised: two spellings of one wish are one entry of the cache. Pure.
import { hash } from 'node:crypto'
import type { Position } from '../http/cursor.ts'
import { Problem } from '../http/problem.ts'
import { type ClientQuery, type Status, statuses } from './schema.ts'

/** Whose clients, and which of them. */
export type Search = {
  therapistId: string
  /** In the order of the list. */
  statuses: readonly Status[]
  /** The beginning of a word of the name, or of the address. */
  beginning?: string
}

/** Where the page begins: after a row, or at a number. */
export type Start = { after: Place } | { page: number } | null
export type Place = { status: Status; name: string; id: string }

/** One page of one search. */
export type Page = { search: Search; start: Start; limit: number }

const defaultLimit = 20

/** @param therapistId from the token: nobody can ask for another's */
export function searchOf(therapistId: string, { q, status }: ClientQuery): Search {
  return {
    therapistId,
    statuses: status === undefined ? ['active', 'inactive'] : status === 'all' ? statuses : [status],
    ...(q !== undefined && { beginning: q.trim().replace(/\s+/g, ' ').toLowerCase() })
  }
}

/** The page asked for. `open` turns a cursor of this search into the position it was sealed with. */
export function pageOf(
  therapistId: string,
  query: ClientQuery,
  open: (search: string, cursor: string) => Position
): Page {
  const search = searchOf(therapistId, query)
  const { cursor, page, limit = defaultLimit } = query
  if (cursor !== undefined && page !== undefined) {
    const detail = 'cannot be told together with a cursor: send one of the two'
    throw new Problem('invalid-parameter', undefined, { errors: [{ parameter: 'page', detail }] })
  }
  if (cursor !== undefined) {
    return { search, start: { after: placeOf(open(nameOf(search), cursor)) }, limit }
  }
  return { search, start: page === undefined ? null : { page }, limit }
}

/** The position in the list that a row has. */
export function positionOf({ status, name, id }: Place): Position {
  return [status, name, id]
}

function placeOf([status, name, id]: Position): Place {
  const known = statuses.find((one) => one === status)
  if (known === undefined) throw new Error('a sealed cursor without a status')
  return { status: known, name: String(name), id: String(id) }
}

/** The same text for the same search. */
export function nameOf(search: Search): string {
  return JSON.stringify(search)
}

/** The owner, and a short name of the page. Hashed: whom somebody looks for is nobody's to read in a key. */
export function keyOf({ search, start, limit }: Page): string {
  const asked = hash('sha256', JSON.stringify([search, start, limit]), 'base64url').slice(0, 22)
  return `${search.therapistId}:${asked}`
}

/** The query string that asks for the page of this search that `cursor` begins. */
export function queryOf({ search, limit }: Page, cursor: string): string {
  const [first, ...others] = search.statuses
  const status = others.length === 0 ? first : others.length === 1 ? undefined : 'all'
  return new URLSearchParams({
    ...(search.beginning !== undefined && { q: search.beginning }),
    ...(status !== undefined && { status }),
    limit: String(limit),
    cursor
  }).toString()
}
