// The order of events. `seq` is given while a transaction is still open, so a smaller one may be committed later: a
// reader that remembers the largest it has seen would never see it. So events get their place after COMMIT, in batches,
// one batch at a time under the lock of one row. What holds then, on the primary and on every replica: whoever sees a
// place sees every smaller one, and no smaller one ever comes later. No clock, no gap to wait for: a transaction held
// open for an hour holds up nobody, and its events come after those committed before it.

import { uuidToBytes } from '../../db/columns.ts'
import type { Pool, PoolConnection, Row } from '../../db/pool.ts'
import { rowsIn, type Statement, send, statement } from '../../db/statements.ts'

const batchSize = 200
/** Batches of one call: whoever waits for it must get an answer. */
const mostBatches = 25

type Cursor = Row & { place: number }
type Waiting = Row & { seq: number; recipients: string | string[] | null }

/** `head`: the last place given by anybody. `placed`: how many were given by this call. */
export type Placed = { head: number; placed: number }

/** Gives a place to every event that is committed and has none. Any number of processes may call it at once. */
export async function placeEvents(primary: Pool): Promise<Placed> {
  let placed = 0
  for (let batch = 1; ; batch++) {
    const given = await primary.use(placeBatch)
    placed += given.placed
    if (given.placed < batchSize || batch === mostBatches) return { head: given.head, placed }
  }
}

/** The same for who does not know whether there are any: where there are none, nobody has to wait for a lock. */
export async function placeEventsIfAny(primary: Pool): Promise<Placed> {
  const [state] = await primary.query<Cursor & { waiting: number }>(
    `SELECT place, EXISTS (SELECT 1 FROM outbox WHERE place IS NULL) AS waiting
       FROM outbox_cursors WHERE name = 'placed'`
  )
  if (!state) throw new Error('outbox_cursors has lost its row')
  return state.waiting ? placeEvents(primary) : { head: state.place, placed: 0 }
}

async function placeBatch(connection: PoolConnection): Promise<Placed> {
  const [, cursors, waiting] = await send(connection, [
    'START TRANSACTION',
    "SELECT place FROM outbox_cursors WHERE name = 'placed' FOR UPDATE",
    // Under the lock, and READ COMMITTED: it sees all that the holder before has placed. It locks nothing, and so waits
    // for no transaction that is still open.
    `SELECT seq, recipients FROM outbox WHERE place IS NULL ORDER BY seq LIMIT ${batchSize}`
  ])
  const [cursor] = rowsIn<Cursor>(cursors)
  if (!cursor) throw new Error('outbox_cursors has lost its row')
  const events = rowsIn<Waiting>(waiting)
  await send(connection, [...placing(cursor.place, events), 'COMMIT'])
  return { head: cursor.place + events.length, placed: events.length }
}

function placing(head: number, events: readonly Waiting[]): Statement[] {
  if (events.length === 0) return []
  const seqs = events.map(({ seq }) => seq)
  const recipients = events.flatMap(({ recipients }, i) =>
    idsOf(recipients).map((id) => [uuidToBytes(id), head + i + 1])
  )
  return [
    // By the primary key, row by row: a scan would wait for the locks of rows that are not committed yet.
    statement('UPDATE outbox FORCE INDEX (PRIMARY) SET place = ? + FIELD(seq, ?) WHERE seq IN (?)', [
      head,
      seqs,
      seqs
    ]),
    ...(recipients.length > 0
      ? [statement('INSERT INTO outbox_recipients (user_id, place) VALUES ?', [recipients])]
      : []),
    statement("UPDATE outbox_cursors SET place = ? WHERE name = 'placed'", [head + events.length])
  ]
}

// MariaDB hands JSON over as text, MySQL parsed.
function idsOf(recipients: Waiting['recipients']): readonly string[] {
  return typeof recipients === 'string' ? JSON.parse(recipients) : (recipients ?? [])
}
