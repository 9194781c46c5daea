// What a list of bookings was asked for, normalised: two spellings of one wish are one entry of the cache and one
// cursor's query. Pure.
import { hash } from 'node:crypto'
import type { Position } from '../http/cursor.ts'
import { type Fault, Problem } from '../http/problem.ts'
import { isTimeZone } from '../time/zones.ts'
import type { BookingQuery } from './schema.ts'
import type { Status } from './transition.ts'

/** Who reads, and what is theirs: a therapist's own calendar, or what a user has booked. From the token, never the query. */
export type Party = { as: 'therapist' | 'client'; id: string }

/** The filters and the order; what is left out does not narrow. */
export type Search = {
  /** A day of the clocks of `timeZone`, or of the party's own. */
  date?: string
  timeZone?: string
  /** Instants, ISO 8601 in UTC; half-open. */
  from?: string
  to?: string
  status?: Status
  clientId?: string
  sort: 'start' | '-start'
}

/** The last row of the page before. */
export type Place = { startsAt: string; id: string }

export type Page = { party: Party; search: Search; after: Place | null; limit: number }

const defaultLimit = 20

/** The page asked for. `open` turns a cursor of this search into the position it was sealed with. */
export function pageOf(
  party: Party,
  query: BookingQuery,
  open: (search: string, cursor: string) => Position
): Page {
  const search = searchOf(party, query)
  const { cursor, limit = defaultLimit } = query
  return {
    party,
    search,
    after: cursor === undefined ? null : placeOf(open(nameOf(party, search), cursor)),
    limit
  }
}

function searchOf({ as }: Party, query: BookingQuery): Search {
  const { date, timeZone, from, to, status, clientId, sort = '-start' } = query
  if (date !== undefined && (from !== undefined || to !== undefined)) {
    throw refusal('date', 'cannot be told together with from and to')
  }
  if (timeZone !== undefined && !isTimeZone(timeZone)) throw refusal('timeZone', 'is no time zone')
  if (timeZone !== undefined && date === undefined)
    throw refusal('timeZone', 'is that of date, which is not told')
  if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to)) {
    throw refusal('to', 'is not after from')
  }
  if (clientId !== undefined && as === 'client') throw refusal('clientId', 'is for therapists')
  return {
    ...(date !== undefined && { date }),
    ...(timeZone !== undefined && { timeZone }),
    ...(from !== undefined && { from: new Date(from).toISOString() }),
    ...(to !== undefined && { to: new Date(to).toISOString() }),
    ...(status !== undefined && { status }),
    ...(clientId !== undefined && { clientId: clientId.toLowerCase() }),
    sort
  }
}

/** The same text for the same search of the same party. */
export function nameOf(party: Party, search: Search): string {
  return JSON.stringify([party.as, party.id, search])
}

/** Begins with the owner: what is in one party's key is in no other's. */
export function keyOf({ party, search, after, limit }: Page): string {
  const wanted = hash('sha256', JSON.stringify([search, after, limit]), 'base64url').slice(0, 22)
  return `${partyKey(party)}:${wanted}`
}

/** `t:<id>` of a therapist, `u:<id>` of a user. */
export function partyKey({ as, id }: Party): string {
  return `${as === 'therapist' ? 't' : 'u'}:${id}`
}

/** The query string that asks for the page of this search that `cursor` begins. */
export function queryOf({ search, limit }: Page, cursor: string): string {
  const named = Object.entries({ ...search, limit, cursor }).map(([name, value]) => [name, String(value)])
  return new URLSearchParams(named).toString()
}

function placeOf([startsAt, id]: Position): Place {
  return { startsAt: String(startsAt), id: String(id) }
}

function refusal(parameter: string, detail: string): Problem {
  const errors: Fault[] = [{ parameter, detail }]
  return new Problem('invalid-parameter', undefined, { errors })
}
