// Counts what must not be: sessions of one therapist whose blocks meet. The lock makes them impossible; this watches over
// it, from outside, by plain SQL that knows nothing of how bookings are made.
import type { Connection } from 'mysql2/promise'
import type { Row } from '../../db/pool.ts'

type Therapist = Row & { id: Buffer }
type Count = Row & { overlaps: number }

/** So many therapists in one statement: none takes long, however many there are. */
const batchSize = 200

/**
 * How many live bookings begin before the one ahead of them has ended: 0 only if no two overlap, as where any two do, one
 * of them overlaps its neighbour too. Reads the index once. Joined with itself it
 * reads 16 times as much on the smallest of data sets and grows with the square (MariaDB does not look for the end of a
 * range in what it joins with); so does MAX() over all before.
 * @param from only bookings whose block begins at or after it; null: all there are
 */
export async function countOverlaps(
  connection: Pick<Connection, 'query'>,
  from: Date | null
): Promise<number> {
  const [therapists] = await connection.query<Therapist[]>('SELECT therapist_id AS id FROM calendars')
  const begin = (from ?? new Date(0)).toISOString().slice(0, 19).replace('T', ' ')
  let overlaps = 0
  for (let i = 0; i < therapists.length; i += batchSize) {
    const ids = therapists.slice(i, i + batchSize).map(({ id }) => id)
    const [[row]] = await connection.query<Count[]>(
      `SELECT COUNT(*) AS overlaps FROM (
         SELECT blocks_from, LAG(blocks_to) OVER (PARTITION BY therapist_id ORDER BY blocks_from) AS taken_until
           FROM bookings FORCE INDEX (ix_bk_overlap)
          WHERE therapist_id IN (?) AND blocking = 1 AND blocks_from >= ?
            AND (status <> 'held' OR hold_expires_at > UTC_TIMESTAMP(3))) AS one
        WHERE blocks_from < taken_until`,
      [ids, begin]
    )
    overlaps += Number(row?.overlaps)
  }
  return overlaps
}
