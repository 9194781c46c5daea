// What of the trail was asked for, normalised. Pure.
import type { Position } from '../http/cursor.ts'
import { Problem } from '../http/problem.ts'
import type { AuditQuery } from './schema.ts'

const dayMs = 86_400_000
const longestDays = 31
const defaultLimit = 20

/** The filters; what is left out does not narrow. Times are epoch ms, `from` included, `to` not. */
export type Search = {
  actor?: string
  resource?: string
  resourceId?: string
  action?: string
  from: number
  to: number
}

export type Asked = { search: Search; after: string | null; limit: number }

/**
 * @param open turns a cursor of this search into the position it was sealed with
 * @throws Problem `invalid-parameter`, or `range-too-long` for more than 31 days
 */
export function askedOf(
  query: AuditQuery,
  now: number,
  open: (search: string, cursor: string) => Position
): Asked {
  const { actor, resource, resourceId, action, cursor, limit = defaultLimit } = query
  if (resourceId !== undefined && resource === undefined) {
    throw refusal('resourceId', 'says nothing without the resource it is an id of')
  }
  const to = query.to === undefined ? endFrom(query.from, now) : Date.parse(query.to)
  const from = query.from === undefined ? to - longestDays * dayMs : Date.parse(query.from)
  if (from >= to) throw refusal('from', 'is not before to')
  if (to - from > longestDays * dayMs) {
    throw new Problem('range-too-long', `Ask for ${longestDays} days at most.`, {
      errors: [{ parameter: 'to', detail: `is more than ${longestDays} days after from` }]
    })
  }
  const search = {
    ...(actor !== undefined && { actor: actor.toLowerCase() }),
    ...(resource !== undefined && { resource }),
    ...(resourceId !== undefined && { resourceId }),
    ...(action !== undefined && { action }),
    from,
    to
  }
  const [after = null] = cursor === undefined ? [] : open(nameOf(query), cursor)
  return { search, after: after === null ? null : String(after), limit }
}

// Whoever names a beginning alone asks for what has happened since.
function endFrom(from: string | undefined, now: number): number {
  return from === undefined ? now : Math.min(now, Date.parse(from) + longestDays * dayMs)
}

/** The same text for the same list. The times as they were written: an end that was left out moves on with the clock. */
export function nameOf({ actor, resource, resourceId, action, from, to }: AuditQuery): string {
  return JSON.stringify([actor?.toLowerCase(), resource, resourceId, action, from, to])
}

/** The query string of the page that `cursor` begins. */
export function queryOf(query: AuditQuery, cursor: string): string {
  const named = Object.entries({ ...query, cursor }).map(([name, value]) => [name, String(value)])
  return new URLSearchParams(named).toString()
}

function refusal(parameter: string, detail: string): Problem {
  return new Problem('invalid-parameter', undefined, { errors: [{ parameter, detail }] })
}
