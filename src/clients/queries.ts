// The SQL that reads clients. The therapist is in every WHERE clause; an erased record is in no answer.
import { and, asc, eq, gt, inArray, isNull, or, type SQL, sql } from 'drizzle-orm'
import { clients } from '../../db/schema.ts'
import type { Database } from '../cache/view.ts'
import type { Client, ClientSummary } from './schema.ts'
import type { Page, Place, Search } from './search.ts'

/** Totals are counted up to the last row that a page can be asked for by its number (50 pages of 100). */
const mostCounted = 5_000

const summary = {
  id: clients.id,
  userId: clients.userId,
  name: clients.name,
  email: clients.email,
  phone: clients.phone,
  status: clients.status,
  version: clients.version,
  createdAt: clients.createdAt,
  updatedAt: clients.updatedAt
}

const whole = { ...summary, private: clients.private }

/** One record. @param therapistId whose it has to be; null for anybody's */
export async function findClient(
  database: Database,
  id: string,
  therapistId: string | null
): Promise<Client | null> {
  const whose = therapistId === null ? undefined : eq(clients.therapistId, therapistId)
  const [row] = await database
    .select(whole)
    .from(clients)
    .where(and(eq(clients.id, id), whose, isNull(clients.erasedAt)))
  return row ? clientOf(row) : null
}

/** A therapist's record, its row locked until the transaction ends. For those who are about to change it. */
export async function lockClient(
  database: Database,
  id: string,
  therapistId: string
): Promise<Client | null> {
  const [row] = await database
    .select(whole)
    .from(clients)
    .where(and(eq(clients.id, id), eq(clients.therapistId, therapistId), isNull(clients.erasedAt)))
    .for('update')
  return row ? clientOf(row) : null
}

function clientOf({
  private: unseen,
  ...rest
}: ClientSummary & { private: Record<string, unknown> | null }): Client {
  return { ...rest, notes: typeof unseen?.notes === 'string' ? unseen.notes : null }
}

/** The record of this practice that has this address. */
export async function findByEmail(
  database: Database,
  therapistId: string,
  email: string
): Promise<string | null> {
  const [row] = await database
    .select({ id: clients.id })
    .from(clients)
    .where(and(eq(clients.therapistId, therapistId), eq(clients.email, email)))
  return row?.id ?? null
}

export type Found = {
  rows: ClientSummary[]
  /** Of the last row, where others follow it. */
  next: Place | null
  /** For a page by number: how many there are in all, null when that is above 5,000. */
  total?: number | null
}

/** A page of a therapist's clients, by status, then name, then id: a statement for each status that the page reaches. */
export async function findPage(database: Database, { search, start, limit }: Page): Promise<Found> {
  const numbered = start !== null && 'page' in start
  const counts = numbered ? await countMatches(database, search) : null
  let skipped = numbered ? (start.page - 1) * limit : 0
  const after = start !== null && 'after' in start ? start.after : null
  const from = after === null ? 0 : Math.max(0, search.statuses.indexOf(after.status))
  const wanted = limit + 1

  const rows: ClientSummary[] = []
  for (const status of search.statuses.slice(from)) {
    const place = after?.status === status ? after : null
    rows.push(
      ...(await database
        .select(summary)
        .from(clients, { forceIndex: 'ix_cli_list' })
        .where(and(...filters(search, status), place ? beyond(place) : undefined))
        .orderBy(asc(clients.name), asc(clients.id))
        .limit(wanted - rows.length)
        .offset(rows.length > 0 ? 0 : skipped))
    )
    if (rows.length === wanted) break
    if (rows.length === 0) skipped = Math.max(0, skipped - (counts?.get(status) ?? 0))
  }

  const last = rows.length > limit ? rows[limit - 1] : undefined
  const all = counts && [...counts.values()].reduce((sum, count) => sum + count, 0)
  return {
    rows: rows.slice(0, limit),
    next: last ? { status: last.status, name: last.name, id: last.id } : null,
    ...(all !== null && { total: all > mostCounted ? null : all })
  }
}

async function countMatches(database: Database, search: Search): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const status of search.statuses) {
    const matching = database
      .select({ one: sql`1` })
      .from(clients, { forceIndex: 'ix_cli_list' })
      .where(and(...filters(search, status)))
      .limit(mostCounted + 1)
      .as('matching')
    const [row] = await database.select({ n: sql`COUNT(*)`.mapWith(Number) }).from(matching)
    counts.set(status, row?.n ?? 0)
  }
  return counts
}

// Two ranges of the index: the same name and a later id, or a later name.
function beyond({ name, id }: Place): SQL | undefined {
  return or(and(eq(clients.name, name), gt(clients.id, id)), gt(clients.name, name))
}

function filters({ therapistId, beginning }: Search, status: Place['status']): (SQL | undefined)[] {
  return [
    eq(clients.therapistId, therapistId),
    inArray(clients.status, [status]),
    isNull(clients.erasedAt),
    beginning === undefined ? undefined : begins(beginning)
  ]
}

// Whatever is a wildcard to LIKE is a letter to whoever searches.
function begins(text: string): SQL {
  const plain = text.replace(/[|%_]/g, '|$&')
  const like = (column: typeof clients.name | typeof clients.email, pattern: string) =>
    sql`${column} LIKE ${pattern} ESCAPE '|'`
  return sql`(${like(clients.name, `${plain}%`)} OR ${like(clients.name, `% ${plain}%`)} OR ${like(clients.email, `${plain}%`)})`
}
