// What the audit table holds, for tests.
import type { RowDataPacket } from 'mysql2/promise'
import { query } from '../statements.ts'

export type Row = RowDataPacket & {
  id: string
  actor_id: string | null
  actor_role: string | null
  action: string
  resource: string
  resource_id: string | null
  outcome: string
  address: string | null
  request_id: string
}

const asUuid = (column: string) =>
  `LOWER(INSERT(INSERT(INSERT(INSERT(HEX(${column}), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'))`

/** All entries, oldest first. */
export function entries(url: string): Promise<Row[]> {
  return query<Row>(
    url,
    `SELECT ${asUuid('id')} AS id, ${asUuid('actor_id')} AS actor_id, actor_role, action, resource, resource_id, outcome,
            address, request_id
     FROM audit_log ORDER BY audit_log.id`
  )
}
