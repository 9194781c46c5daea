// The order of events. `seq` is given while a transaction is still open, so a smaller one may be committed later: a
// reader that remembers the largest it has seen would never see it. So events get their place after COMMIT, in batches,
// one batch at a time under the lock of one row. What holds then, on the primary and on every replica: whoever sees a
// place sees every smaller one, and no smaller one ever comes later. No clock, no gap to wait for: a transaction held
// open for an hour holds up nobody, and its events come after those committed before it.

import { uuidToBytes } from '../../db/columns.ts'
import type { Pool, PoolConnection, Row } from '../../db/pool.ts'

const batchSize = 200
/** Batches of one call: whoever waits for it must get an answer. */
const mostBatches = 25

type State = Row & { head: number; waiting: number }
type Waiting = Row & { seq: number; recipients: string | string[] | null }

/**
 * Gives a place to every event that is committed and has none. Any number of processes may call it at once.
 * @returns the last place given by anybody, and how many were given by this call
 */
export async function placeEvents(primary: Pool): Promise<{ head: number; placed: number }> {
  let placed = 0
  for (let batch = 1; ; batch++) {
    const [state] = await primary.query<State>(
      `SELECT place AS head, EXISTS (SELECT 1 FROM outbox WHERE place IS NULL) AS waiting
         FROM outbox_cursors WHERE name = 'placed'`
    )
    if (!state) throw new Error('outbox_cursors has lost its row')
    if (!state.waiting || batch > mostBatches) return { head: state.head, placed }
    placed += await primary.use(placeBatch)
  }
}

async function placeBatch(connection: PoolConnection): Promise<number> {
  await connection.query('START TRANSACTION')
  const [[cursor]] = await connection.query<(Row & { place: number })[]>(
    "SELECT place FROM outbox_cursors WHERE name = 'placed' FOR UPDATE"
  )
  // Under the lock, and READ COMMITTED: it sees all that the holder before has placed. It locks nothing, and so waits
  // for no transaction that is still open.
  const [events] = await connection.query<Waiting[]>(
    `SELECT seq, recipients FROM outbox WHERE place IS NULL ORDER BY seq LIMIT ${batchSize}`
  )
  const head = cursor?.place ?? 0
  if (events.length > 0) {
    const seqs = events.map(({ seq }) => seq)
    // By the primary key, row by row: a scan would wait for the locks of rows that are not committed yet.
    await connection.query(
      'UPDATE outbox FORCE INDEX (PRIMARY) SET place = ? + FIELD(seq, ?) WHERE seq IN (?)',
      [head, seqs, seqs]
    )
    const recipients = events.flatMap(({ recipients }, i) =>
      idsOf(recipients).map((id) => [uuidToBytes(id), head + i + 1])
    )
    if (recipients.length > 0) {
      await connection.query('INSERT INTO outbox_recipients (user_id, place) VALUES ?', [recipients])
    }
    await connection.query("UPDATE outbox_cursors SET place = ? WHERE name = 'placed'", [
      head + events.length
    ])
  }
  await connection.query('COMMIT')
  return events.length
}

// MariaDB hands JSON over as text, MySQL parsed.
function idsOf(recipients: Waiting['recipients']): readonly string[] {
  return typeof recipients === 'string' ? JSON.parse(recipients) : (recipients ?? [])
}
