// The SQL of the audit trail: entries are added, read page by page, and deleted when their time is over. Nothing ever
// changes one.
import { and, desc, eq, gte, lt, type SQL } from 'drizzle-orm'
import type { ResultSetHeader } from 'mysql2'
import { instantToSql, uuidToBytes } from '../../db/columns.ts'
import type { Pool } from '../../db/pool.ts'
import { auditLog } from '../../db/schema.ts'
import type { Database } from '../cache/view.ts'
import { type Entry, firstIdAt, madeAt } from './entry.ts'
import type { Asked, Search } from './search.ts'

/**
 * Where the filters need more than their index, so many entries are looked at for one page. A page may then hold fewer
 * than asked for, or none, and still tell where to go on.
 */
export const mostScanned = 1_000

const columns = 'id, at, actor_id, actor_role, action, resource, resource_id, outcome, address, request_id'

/**
 * Adds entries in one statement. Those that are there already stay as they are. IGNORE can hide nothing else: the
 * entries were checked against the columns, and there are no other keys.
 * @returns how many were new
 */
export async function insertEntries(pool: Pool, entries: readonly Entry[]): Promise<number> {
  const rows = entries.map((entry) => [
    uuidToBytes(entry.id),
    instantToSql(madeAt(entry.id)),
    entry.actorId === null ? null : uuidToBytes(entry.actorId),
    entry.actorRole,
    entry.action,
    entry.resource,
    entry.resourceId,
    entry.outcome,
    entry.address,
    entry.requestId
  ])
  return pool.use(async (connection) => {
    const [result] = await connection.query<ResultSetHeader>(
      `INSERT IGNORE INTO audit_log (${columns}) VALUES ?`,
      [rows]
    )
    return result.affectedRows
  })
}

export type Found = {
  rows: (typeof auditLog.$inferSelect)[]
  /** After which entry the next page begins; null at the end. */
  next: string | null
}

/** A page of entries, newest first. Reads `limit` entries and one, or 1,000 where the filters need more than an index. */
export async function findPage(database: Database, { search, after, limit }: Asked): Promise<Found> {
  const { index, where, others } = pathOf(search, after)
  if (others.length === 0) {
    const rows = await part(database, index, where, limit + 1)
    const page = rows.slice(0, limit)
    return { rows: page, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null }
  }
  const scanned = part(database, index, where, mostScanned).as('scanned')
  const rows = await database
    .select()
    .from(scanned)
    .where(and(...others.map(([column, value]) => eq(scanned[column], value))))
    .orderBy(desc(scanned.id))
    .limit(limit + 1)
  const page = rows.slice(0, limit)
  if (rows.length > limit) return { rows: page, next: page.at(-1)?.id ?? null }
  const [last] = await part(database, index, where, 1, mostScanned - 1)
  return { rows: page, next: last?.id ?? null }
}

type Other = ['actorId' | 'resource' | 'action', string]

/** The index that serves the most of a search in the order of time, and what is left for each row to show. */
function pathOf({ actor, resource, resourceId, action, from, to }: Search, after: string | null) {
  const id = auditLog.id
  const range = [gte(id, firstIdAt(from)), lt(id, after ?? firstIdAt(to))]
  const ofActor: Other[] = actor === undefined ? [] : [['actorId', actor]]
  const ofResource: Other[] = resource === undefined ? [] : [['resource', resource]]
  const ofAction: Other[] = action === undefined ? [] : [['action', action]]
  if (resource !== undefined && resourceId !== undefined) {
    return {
      index: 'ix_aud_resource',
      where: and(eq(auditLog.resource, resource), eq(auditLog.resourceId, resourceId), ...range),
      others: [...ofActor, ...ofAction]
    }
  }
  if (actor !== undefined) {
    return {
      index: 'ix_aud_actor',
      where: and(eq(auditLog.actorId, actor), ...range),
      others: [...ofResource, ...ofAction]
    }
  }
  return { index: 'PRIMARY', where: and(...range), others: [...ofResource, ...ofAction] }
}

function part(database: Database, index: string, where: SQL | undefined, limit: number, offset = 0) {
  return database
    .select()
    .from(auditLog, { forceIndex: index })
    .where(where)
    .orderBy(desc(auditLog.id))
    .limit(limit)
    .offset(offset)
}

/**
 * Deletes entries made before a moment, the oldest first, so many at most: a delete without a bound would hold its locks
 * for as long as it takes. Whoever runs it repeats it until it deletes fewer.
 * @param before epoch ms
 * @returns how many there were
 */
export async function deleteEntries(pool: Pool, before: number, most: number): Promise<number> {
  return pool.use(async (connection) => {
    const [result] = await connection.query<ResultSetHeader>(
      'DELETE FROM audit_log WHERE id < ? ORDER BY id LIMIT ?',
      [uuidToBytes(firstIdAt(before)), most]
    )
    return result.affectedRows
  })
}
