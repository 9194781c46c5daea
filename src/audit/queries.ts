// The SQL of the audit trail: entries are added, read page by page, and deleted when their time is over. Nothing ever
// changes one.
import type { ResultSetHeader } from 'mysql2'
import { instantToSql, uuidToBytes } from '../../db/columns.ts'
import type { Pool } from '../../db/pool.ts'
import { type Entry, madeAt } from './entry.ts'

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
