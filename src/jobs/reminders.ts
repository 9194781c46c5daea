// Tells both sides of a session a day before it: one notification each, in their own wall-clock time.
import { hash } from 'node:crypto'
import { and, asc, eq, gt, inArray, isNull, lte, or } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
import type { Pool } from '../../db/pool.ts'
import { bookings, clients, notifications, users } from '../../db/schema.ts'
import type { Cache } from '../cache/cache.ts'
import { recordEvent } from '../events/outbox.ts'
import { toLocal } from '../time/zones.ts'

const aheadMs = 24 * 3_600_000
const batchSize = 100
const type = 'booking.reminder'

type Session = {
  id: string
  sequence: number
  startsAt: string
  therapistId: string
  clientUserId: string | null
}

/**
 * Writes the reminders of sessions that begin within a day, after those that begin up to `after`. A reminder's id is
 * made of the session, its sequence and the recipient: written a second time it is the same row. A session that moves
 * is reminded of anew.
 * @returns how many were written, and where the next batch begins (null: this was the last)
 */
export async function remind(
  { cache, primary }: { cache: Cache; primary: Pool },
  after: { startsAt: string; id: string } | null,
  now = Date.now()
): Promise<{ written: number; next: { startsAt: string; id: string } | null }> {
  const sessions = await findSessions(primary, after, now)
  const last = sessions.length < batchSize ? undefined : sessions.at(-1)
  const next = last ? { startsAt: last.startsAt, id: last.id } : null
  const wanted = sessions.flatMap((session) =>
    [session.therapistId, session.clientUserId]
      .filter((userId) => userId !== null)
      .map((userId) => ({ session, userId, id: idOf(session, userId) }))
  )
  const missing = await withoutWritten(primary, wanted)
  if (missing.length === 0) return { written: 0, next }
  const zones = await zonesOf(
    primary,
    missing.map(({ userId }) => userId)
  )
  const { result } = await cache.write(async (transaction) => {
    let written = 0
    for (const { id, userId, session } of missing) {
      const zone = zones.get(userId)
      // Erased, or never there: nobody to remind.
      if (zone === undefined) continue
      const createdAt = new Date(now).toISOString()
      const { date, time } = toLocal(Date.parse(session.startsAt), zone)
      const data = { bookingId: session.id, startsAt: session.startsAt, timeZone: zone, date, time }
      const [{ affectedRows }] = await transaction.database
        .insert(notifications)
        .ignore()
        .values({ id, userId, type, data, createdAt })
      if (affectedRows === 0) continue
      written++
      transaction.touch(`notifications:${userId}`)
      recordEvent(transaction, {
        type,
        subject: `booking:${session.id}`,
        actorId: null,
        recipients: [userId],
        data: { notificationId: id, sequence: session.sequence },
        at: createdAt
      })
    }
    return written
  })
  return { written: result, next }
}

async function findSessions(
  primary: Pool,
  after: { startsAt: string; id: string } | null,
  now: number
): Promise<Session[]> {
  const [from, to] = [new Date(now).toISOString(), new Date(now + aheadMs).toISOString()]
  return primary.use((connection) =>
    drizzle({ client: connection })
      .select({
        id: bookings.id,
        sequence: bookings.sequence,
        startsAt: bookings.startsAt,
        therapistId: bookings.therapistId,
        clientUserId: clients.userId
      })
      .from(bookings, { forceIndex: 'ix_bk_status' })
      .innerJoin(clients, eq(clients.id, bookings.clientId))
      .where(
        and(
          eq(bookings.status, 'confirmed'),
          gt(bookings.startsAt, from),
          lte(bookings.startsAt, to),
          after === null ? undefined : beyond(after)
        )
      )
      .orderBy(asc(bookings.startsAt), asc(bookings.id))
      .limit(batchSize)
  )
}

function beyond({ startsAt, id }: { startsAt: string; id: string }) {
  return or(gt(bookings.startsAt, startsAt), and(eq(bookings.startsAt, startsAt), gt(bookings.id, id)))
}

/** Of the next day's sessions nearly all have been reminded of already. */
async function withoutWritten<One extends { id: string }>(
  primary: Pool,
  wanted: readonly One[]
): Promise<One[]> {
  if (wanted.length === 0) return []
  const rows = await primary.use((connection) =>
    drizzle({ client: connection })
      .select({ id: notifications.id })
      .from(notifications)
      .where(
        inArray(
          notifications.id,
          wanted.map(({ id }) => id)
        )
      )
  )
  const written = new Set(rows.map(({ id }) => id))
  return wanted.filter(({ id }) => !written.has(id))
}

async function zonesOf(primary: Pool, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await primary.use((connection) =>
    drizzle({ client: connection })
      .select({ id: users.id, zone: users.timeZone })
      .from(users)
      .where(and(inArray(users.id, [...new Set(ids)]), isNull(users.erasedAt)))
  )
  return new Map(rows.map(({ id, zone }) => [id, zone]))
}

// A UUID of version 8 (RFC 9562 §5.8): made of what it stands for.
function idOf({ id, sequence }: Session, userId: string): string {
  const hex = hash('sha256', `reminder:${id}:${sequence}:${userId}`, 'hex')
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32)
  ].join('-')
}
