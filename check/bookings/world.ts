// What the checker books in: calendars that are open day and night, services of four lengths, and people.
import { randomUUIDv7 } from 'node:crypto'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { bytesToUuid, uuidToBytes } from '../../db/columns.ts'
import type { Caller } from '../../plugins/auth.ts'

const minute = 60_000
const day = 24 * 60 * minute
export const quarter = 15 * minute
const lengths = [30, 45, 60, 90]

export type Practice = { id: string; services: readonly string[] }
export type Person = { id: string; authorization: string }
export type World = {
  practices: readonly Practice[]
  people: readonly Person[]
  /**
   * The first quarter of the day after tomorrow, epoch ms: no session goes past the end of a day, though the next is open, so
   * the longest has to fit in before it, whenever the checker runs.
   */
  firstStart: number
}

const open = Object.fromEntries(['1', '2', '3', '4', '5', '6', '7'].map((day) => [day, [['00:00', '24:00']]]))

/** Opens all calendars of the data set, empties what is to come, and makes people. */
export async function makeWorld(
  primaryUrl: string,
  people: number,
  sign: (caller: Caller) => string
): Promise<World> {
  const connection = await createConnection({ uri: primaryUrl, timezone: 'Z' })
  try {
    return {
      practices: await openPractices(connection),
      people: await addPeople(connection, people, sign),
      firstStart: Math.ceil((Date.now() + day) / day) * day
    }
  } finally {
    await connection.end()
  }
}

async function openPractices(connection: Connection): Promise<Practice[]> {
  await connection.query(
    `UPDATE calendars SET time_zone = 'UTC', weekly = ?, overrides = '{}', holiday_region = NULL, min_notice_min = 0,
       horizon_days = 200, cancel_window_min = 0, reschedule_window_min = 0, max_reschedules = 255, max_per_day = NULL`,
    [JSON.stringify(open)]
  )
  await connection.query(
    'DELETE FROM payments WHERE booking_id IN (SELECT id FROM bookings WHERE blocks_to > UTC_TIMESTAMP())'
  )
  await connection.query('DELETE FROM bookings WHERE blocks_to > UTC_TIMESTAMP()')
  const [rows] = await connection.query<(RowDataPacket & { id: Buffer })[]>(
    `SELECT calendars.therapist_id AS id FROM calendars JOIN profiles ON profiles.id = therapist_id
      WHERE visibility = 'public' ORDER BY therapist_id`
  )
  const practices: Practice[] = []
  for (const { id } of rows) {
    const services = lengths.map(() => randomUUIDv7())
    await connection.query(
      `INSERT INTO services (id, therapist_id, name, duration_min, buffer_before_min, buffer_after_min, step_min, price, mode)
       VALUES ?`,
      [
        services.map((service, i) => {
          const length = lengths[i] ?? 30
          // One of them with a buffer before it, too.
          return [
            uuidToBytes(service),
            id,
            `${length}`,
            length,
            length === 45 ? 5 : 0,
            10,
            15,
            6_000,
            'online'
          ]
        })
      ]
    )
    practices.push({ id: bytesToUuid(id), services })
  }
  return practices
}

async function addPeople(
  connection: Connection,
  count: number,
  sign: (caller: Caller) => string
): Promise<Person[]> {
  const ids = Array.from({ length: count }, () => randomUUIDv7())
  await connection.query(
    'INSERT INTO users (id, email, password_hash, role, created_at, updated_at) VALUES ?',
    [
      ids.map((id) => [
        uuidToBytes(id),
        `${id}@example.com`,
        '',
        'client',
        '2026-11-01 00:00:00',
        '2026-11-01 00:00:00'
      ])
    ]
  )
  return ids.map((id) => ({ id, authorization: `Bearer ${sign({ id, role: 'client' })}` }))
}
