// The verdict: what the database has, held against itself and against what was acknowledged.
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { bytesToUuid } from '../../db/columns.ts'
import { countOverlaps } from '../../src/bookings/overlaps.ts'
import type { Journal } from './client.ts'

type BookingRow = RowDataPacket & { id: Buffer; version: number; status: string; startsAt: string }
type EventRow = RowDataPacket & { subject: string; data: string | { version: number } }
type KeyRow = RowDataPacket & { route: string; status: number | null; body: string | null }

const shown = 5

/**
 * Everything that is wrong, a line each; none: it holds.
 * @param since bookings, events and keys made from then on are looked at
 */
export async function judge(primaryUrl: string, since: Date, journal: Journal): Promise<string[]> {
  const connection = await createConnection({ uri: primaryUrl, timezone: 'Z', dateStrings: true })
  const from = since.toISOString().slice(0, 23).replace('T', ' ')
  const read = async <R extends RowDataPacket>(sql: string) => (await connection.query<R[]>(sql, [from]))[0]
  try {
    const rows = await read<BookingRow>(
      'SELECT id, version, status, starts_at AS startsAt FROM bookings WHERE created_at >= ?'
    )
    const events = await read<EventRow>(
      "SELECT subject, data FROM outbox WHERE type LIKE 'booking.%' AND created_at >= ?"
    )
    const keys = await read<KeyRow>('SELECT route, status, body FROM idempotency_keys WHERE created_at >= ?')
    const bookings = new Map(rows.map((row) => [bytesToUuid(row.id), row]))
    const overlaps = await countOverlaps(connection, null)
    return [
      ...(overlaps === 0 ? [] : [`${overlaps} bookings overlap`]),
      ...some('acknowledged, and not there so', lost(bookings, journal)),
      ...some('change without event, or event without change', unmatched(bookings, events)),
      ...some('key without its change, or change without its key', unkeyed(bookings, keys)),
      ...some('answer that ought never to be', journal.faults)
    ]
  } finally {
    await connection.end()
  }
}

function lost(bookings: ReadonlyMap<string, BookingRow>, { acknowledged }: Journal): string[] {
  return [...acknowledged.values()]
    .filter(({ id, version, status, start }) => {
      const row = bookings.get(id)
      if (!row || row.version < version) return true
      // Of a later version, made by somebody who was not told of it, nothing is known.
      return (
        row.version === version && !(row.status === status && `${row.startsAt.replace(' ', 'T')}Z` === start)
      )
    })
    .map(({ id, version }) => `${id} version ${version}`)
}

function unmatched(bookings: ReadonlyMap<string, BookingRow>, events: readonly EventRow[]): string[] {
  const told = events
    .map(({ subject, data }) => `${subject} ${(typeof data === 'string' ? JSON.parse(data) : data).version}`)
    .sort()
  const made = [...bookings]
    .flatMap(([id, { version }]) => Array.from({ length: version }, (_, i) => `booking:${id} ${i + 1}`))
    .sort()
  const [toldOnce, madeOnce] = [new Set(told), new Set(made)]
  return [
    ...told.filter((one, i) => !madeOnce.has(one) || one === told[i - 1]),
    ...made.filter((one) => !toldOnce.has(one))
  ]
}

function unkeyed(bookings: ReadonlyMap<string, BookingRow>, keys: readonly KeyRow[]): string[] {
  const unanswered = keys
    .filter(({ status }) => status === null)
    .map(({ route }) => `${route} without an answer`)
  const made = keys
    .filter(({ route, status }) => route === 'POST /api/bookings' && status === 201)
    .map(({ body }) => String(JSON.parse(body ?? '{}').id))
  const keyed = new Set(made)
  return [
    ...unanswered,
    ...made.filter((id) => !bookings.has(id)),
    ...[...bookings.keys()].filter((id) => !keyed.has(id)),
    ...(keyed.size === made.length ? [] : ['one booking under two keys'])
  ]
}

function some(what: string, cases: readonly string[]): string[] {
  if (cases.length === 0) return []
  return [
    `${cases.length} × ${what}: ${cases.slice(0, shown).join(', ')}${cases.length > shown ? ', …' : ''}`
  ]
}

/** Deadlocks since the engine started, by its own count. */
export async function countDeadlocks(primaryUrl: string): Promise<number> {
  const connection = await createConnection(primaryUrl)
  try {
    const [[row]] = await connection.query<(RowDataPacket & { n: number })[]>(
      "SELECT SUM(count) AS n FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'"
    )
    return Number(row?.n)
  } finally {
    await connection.end()
  }
}
