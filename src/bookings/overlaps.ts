// Counts what must not be: sessions of one therapist whose blocks meet. The lock makes them impossible; this watches over
// it, from outside, by plain SQL that knows nothing of how bookings are made.
import type { PoolConnection, Row } from '../../db/pool.ts'

type Pairs = Row & { pairs: number }

/**
 * How many pairs of live bookings overlap. Each is compared with those alone that begin within its own block, so that the
 * cost is that of reading the index once.
 * @param from only bookings whose block begins at or after it, ISO 8601; null: all there are
 */
export async function countOverlaps(
  connection: Pick<Connection, 'query'>,
  from: Date | null
): Promise<number> {
  const [[row]] = await connection.query<Pairs[]>(
    `SELECT COUNT(*) AS pairs
       FROM calendars
       JOIN bookings AS one FORCE INDEX (ix_bk_overlap)
         ON one.therapist_id = calendars.therapist_id AND one.blocking = 1 AND one.blocks_from >= ?
       JOIN bookings AS other FORCE INDEX (ix_bk_overlap)
         ON other.therapist_id = one.therapist_id AND other.blocking = 1
        AND other.blocks_from >= one.blocks_from AND other.blocks_from < one.blocks_to
        AND (other.blocks_from > one.blocks_from OR other.id > one.id)
      WHERE (one.status <> 'held' OR one.hold_expires_at > UTC_TIMESTAMP(3))
        AND (other.status <> 'held' OR other.hold_expires_at > UTC_TIMESTAMP(3))`,
    [(from ?? new Date(0)).toISOString().slice(0, 19).replace('T', ' ')]
  )
  return Number(row?.pairs)
}
