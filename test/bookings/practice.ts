// Lucía's practice with hours that a test can count on: open every day from 9 to 20 in Madrid, sessions of 50 minutes on
// the half hour with 10 minutes after them, no notice; nothing booked from now on.
import { randomUUIDv7 } from 'node:crypto'
import type { RowDataPacket } from 'mysql2/promise'
import { bytesToUuid, uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import type { Booking } from '../../src/bookings/schema.ts'
import type { Fleet, Instance, Reply } from '../fleet.ts'
import { query } from '../statements.ts'

export const lucia = known.therapist.id
const zone = 'Europe/Madrid'
const weekly = Object.fromEntries(
  ['1', '2', '3', '4', '5', '6', '7'].map((day) => [day, [['09:00', '20:00']]])
)

export type Practice = Awaited<ReturnType<typeof practice>>

export async function practice({ engines, instances }: Pick<Fleet, 'engines' | 'instances'>) {
  const { url } = engines.mysql.primary
  const [first] = instances
  const sql = <R extends RowDataPacket>(text: string, values: readonly unknown[] = []) =>
    query<R>(url, text, values)
  const therapist = uuidToBytes(lucia)

  await sql(
    `UPDATE calendars SET time_zone = ?, weekly = ?, overrides = '{}', holiday_region = NULL, min_notice_min = 0,
       horizon_days = 90, cancel_window_min = 1440, reschedule_window_min = 1440, max_reschedules = 2, max_per_day = NULL
     WHERE therapist_id = ?`,
    [zone, JSON.stringify(weekly), therapist]
  )
  await sql(
    'DELETE FROM payments WHERE booking_id IN (SELECT id FROM bookings WHERE therapist_id = ? AND starts_at > UTC_TIMESTAMP())',
    [therapist]
  )
  await sql('DELETE FROM bookings WHERE therapist_id = ? AND starts_at > UTC_TIMESTAMP()', [therapist])
  await sql('UPDATE services SET active = 0 WHERE therapist_id = ?', [therapist])

  async function addService(
    change: { minutes?: number; needsApproval?: boolean; name?: string; mode?: string } = {}
  ) {
    const { minutes = 50, needsApproval = false, name = `Sesión de ${minutes}`, mode = 'either' } = change
    const id = randomUUIDv7()
    await sql(
      `INSERT INTO services (id, therapist_id, name, duration_min, buffer_after_min, step_min, price, mode, needs_approval)
       VALUES (?, ?, ?, ?, 10, 30, 6000, ?, ?)`,
      [uuidToBytes(id), therapist, name, minutes, mode, needsApproval]
    )
    return id
  }
  const service = await addService()

  /** Somebody who can sign in and books for themselves. */
  async function newClient(): Promise<{ id: string; headers: Record<string, string> }> {
    const id = randomUUIDv7()
    await sql(
      `INSERT INTO users (id, email, password_hash, role, created_at, updated_at)
       VALUES (?, ?, '', 'client', UTC_TIMESTAMP(), UTC_TIMESTAMP())`,
      [uuidToBytes(id), `${id}@example.com`]
    )
    return { id, headers: as(id, 'client') }
  }
  const as = (id: string, role: 'client' | 'therapist' | 'admin') => ({
    authorization: `Bearer ${first.app.signToken({ id, role }, 3600)}`
  })

  const send = (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    headers: Record<string, string>,
    body?: unknown,
    instance: Instance = first
  ) => instance.send(path, { method, headers, ...(body !== undefined && { body }) })

  const her = as(lucia, 'therapist')
  const post = (body: object, headers: Record<string, string>, instance?: Instance) =>
    send('POST', '/api/bookings', headers, body, instance)
  /** Changes a booking as it was when its sender read it. */
  const patch = (
    booking: { id: string; version: number },
    body: object,
    headers: Record<string, string>,
    instance?: Instance
  ) =>
    send(
      'PATCH',
      `/api/bookings/${booking.id}`,
      { 'if-match': `"${booking.version}-0000000000000000"`, ...headers },
      body,
      instance
    )

  return {
    url,
    sql,
    service,
    addService,
    newClient,
    as,
    her,
    send,
    post,
    patch,
    /** `HH:MM` in Madrid, so many days from today: RFC 3339. */
    at(days: number, time: string): string {
      const day = Temporal.Now.plainDateISO(zone).add({ days })
      return day
        .toZonedDateTime({ timeZone: zone, plainTime: time })
        .toString({ timeZoneName: 'never' })
        .replace(/\.\d+/, '')
    },
    /** A record of hers. */
    async someClient(): Promise<string> {
      const [row] = await sql<RowDataPacket & { id: Buffer }>(
        'SELECT id FROM clients WHERE therapist_id = ? AND erased_at IS NULL ORDER BY id LIMIT 1',
        [therapist]
      )
      return bytesToUuid(row?.id ?? Buffer.alloc(16))
    },
    async version(): Promise<number> {
      const [row] = await sql<RowDataPacket & { version: number }>(
        'SELECT version FROM calendars WHERE therapist_id = ?',
        [therapist]
      )
      return Number(row?.version)
    },
    async eventsOf(id: string): Promise<string[]> {
      const rows = await sql<RowDataPacket & { type: string }>(
        'SELECT type FROM outbox WHERE subject = ? ORDER BY seq',
        [`booking:${id}`]
      )
      return rows.map(({ type }) => type)
    }
  }
}

export const booked = (reply: Reply): Booking => JSON.parse(reply.body)
