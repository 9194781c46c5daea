// The SQL that reads bookings. Whose they have to be is in every WHERE clause; each list reads its page and one row more.
import { and, asc, desc, eq, gt, gte, inArray, isNull, lt, lte, ne, or, type SQL, sql } from 'drizzle-orm'
import { bookings, calendarFeeds, calendars, clients, profiles, services, users } from '../../db/schema.ts'
import type { Database } from '../cache/view.ts'
import { blocksWithin } from '../calendar/queries.ts'
import type { BookableService, Busy } from '../calendar/rules.ts'
import { toInstant, toLocal } from '../time/zones.ts'
import type { BookedClient, BookedService, Booking } from './schema.ts'
import type { Page, Party, Place } from './search.ts'
import type { State } from './transition.ts'

const columns = {
  id: bookings.id,
  therapistId: bookings.therapistId,
  clientId: bookings.clientId,
  serviceId: bookings.serviceId,
  start: bookings.startsAt,
  end: bookings.endsAt,
  timeZone: bookings.timeZone,
  status: bookings.status,
  holdExpiresAt: bookings.holdExpiresAt,
  price: bookings.price,
  currency: bookings.currency,
  mode: bookings.mode,
  sequence: bookings.sequence,
  cancelReason: bookings.cancelReason,
  cancelledBy: bookings.cancelledBy,
  version: bookings.version,
  createdAt: bookings.createdAt,
  updatedAt: bookings.updatedAt
}

type Row = Omit<Booking, 'date' | 'startTime' | 'endTime'>

/** What clocks show is worked out, not kept: a later tzdb may know better. */
function bookingOf(row: Row): Booking {
  const { date, time } = toLocal(Date.parse(row.start), row.timeZone)
  return { ...row, date, startTime: time, endTime: toLocal(Date.parse(row.end), row.timeZone).time }
}

/** That a booking is this party's. */
function isOf({ as, id }: Party): SQL {
  return as === 'therapist'
    ? eq(bookings.therapistId, id)
    : sql`${bookings.clientId} IN (SELECT ${clients.id} FROM ${clients} WHERE ${eq(clients.userId, id)})`
}

/** One booking of this party; null where there is none, or it is somebody else's. */
export async function findBooking(database: Database, party: Party, id: string): Promise<Booking | null> {
  const [row] = await database
    .select(columns)
    .from(bookings)
    .where(and(eq(bookings.id, id), isOf(party)))
  return row ? bookingOf(row) : null
}

/** A booking with all that decides what may happen to it. */
export type Standing = {
  booking: Booking
  state: State
  service: BookableService
  /** The session with its buffers, epoch ms. */
  blocks: Busy
  /** The account of the client, where they have one. */
  clientUserId: string | null
}

/** The same for whoever is about to change it, under the calendar's lock. */
export async function findStanding(
  database: Database,
  party: Party | 'system',
  id: string
): Promise<Standing | null> {
  const [row] = await database
    .select({
      booking: columns,
      service: services,
      blocks: { from: bookings.blocksFrom, to: bookings.blocksTo },
      clientUserId: clients.userId
    })
    .from(bookings)
    .innerJoin(services, eq(services.id, bookings.serviceId))
    .innerJoin(clients, eq(clients.id, bookings.clientId))
    .where(and(eq(bookings.id, id), party === 'system' ? undefined : isOf(party)))
  if (!row) return null
  const { status, sequence, start, end, createdAt, holdExpiresAt } = row.booking
  return {
    service: row.service,
    clientUserId: row.clientUserId,
    blocks: { from: Date.parse(row.blocks.from), to: Date.parse(row.blocks.to) },
    booking: bookingOf(row.booking),
    state: {
      status,
      sequence,
      startsAt: Date.parse(start),
      endsAt: Date.parse(end),
      createdAt: Date.parse(createdAt),
      holdExpiresAt: holdExpiresAt === null ? null : Date.parse(holdExpiresAt),
      needsApproval: row.service.needsApproval
    }
  }
}

/** In whose calendar a booking of this party is: what has to be locked to change it. */
export async function findTherapist(database: Database, party: Party, id: string): Promise<string | null> {
  const [row] = await database
    .select({ therapistId: bookings.therapistId })
    .from(bookings)
    .where(and(eq(bookings.id, id), isOf(party)))
  return row?.therapistId ?? null
}

export type Found = {
  rows: Booking[]
  /** Of the last row, where others follow it. */
  next: Place | null
}

/** A page of a party's bookings in order of time; one statement, one more for a client or a day of one's own zone. */
export async function findPage(database: Database, page: Page): Promise<Found> {
  const { party, search, after, limit } = page
  const whose = await ownRows(database, party, search.clientId)
  if (whose === null) return { rows: [], next: null }
  const { from, to } = await spanOf(database, page)
  const ascending = search.sort === 'start'
  const direction = ascending ? asc : desc
  const rows = await database
    .select(columns)
    .from(bookings, { forceIndex: [indexFor(page)] })
    .where(
      and(
        whose,
        search.status && eq(bookings.status, search.status),
        from === null ? undefined : gte(bookings.startsAt, from),
        to === null ? undefined : lt(bookings.startsAt, to),
        after === null ? undefined : beyond(after, ascending)
      )
    )
    .orderBy(direction(bookings.startsAt), direction(bookings.id))
    .limit(limit + 1)
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    rows: rows.slice(0, limit).map(bookingOf),
    next: last ? { startsAt: last.start, id: last.id } : null
  }
}

// Not a row comparison, with which both engines read all from the beginning: 643 entries where this reads 21.
function beyond({ startsAt, id }: Place, ascending: boolean): SQL | undefined {
  return ascending
    ? and(gte(bookings.startsAt, startsAt), or(gt(bookings.startsAt, startsAt), gt(bookings.id, id)))
    : and(lte(bookings.startsAt, startsAt), or(lt(bookings.startsAt, startsAt), lt(bookings.id, id)))
}

// A user is a client of a few therapists, each of whom has a record of them: those first, so that one index serves.
async function ownRows(
  database: Database,
  { as, id }: Party,
  clientId: string | undefined
): Promise<SQL | undefined | null> {
  if (as === 'therapist') {
    return and(
      eq(bookings.therapistId, id),
      clientId === undefined ? undefined : eq(bookings.clientId, clientId)
    )
  }
  const records = await database.select({ id: clients.id }).from(clients).where(eq(clients.userId, id))
  if (records.length === 0) return null
  return inArray(
    bookings.clientId,
    records.map((record) => record.id)
  )
}

function indexFor({ party, search }: Page): string {
  if (party.as === 'client' || search.clientId !== undefined) return 'ix_bk_client'
  return search.status === undefined ? 'ix_bk_cal' : 'ix_bk_state'
}

/** A date is a day of the clocks of a zone: 23 or 25 hours long where they change. */
async function spanOf(
  database: Database,
  { party, search }: Page
): Promise<{ from: string | null; to: string | null }> {
  const { date, from = null, to = null } = search
  if (date === undefined) return { from, to }
  const zone = search.timeZone ?? (await zoneOf(database, party))
  const day = dayAround(toInstant(date, '00:00', zone), zone)
  return { from: new Date(day.from).toISOString(), to: new Date(day.to).toISOString() }
}

async function zoneOf(database: Database, { as, id }: Party): Promise<string> {
  const [row] =
    as === 'therapist'
      ? await database
          .select({ zone: calendars.timeZone })
          .from(calendars)
          .where(eq(calendars.therapistId, id))
      : await database.select({ zone: users.timeZone }).from(users).where(eq(users.id, id))
  return row?.zone ?? 'Europe/Madrid'
}

/** The day on clocks in `zone` that has this instant; epoch ms, half-open. */
function dayAround(epochMs: number, zone: string): { from: number; to: number } {
  const { date } = toLocal(epochMs, zone)
  const next = new Date(Date.parse(`${date}T00:00Z`) + 86_400_000).toISOString().slice(0, 10)
  return { from: toInstant(date, '00:00', zone), to: toInstant(next, '00:00', zone) }
}

/**
 * How many sessions a therapist has on the day of `start`, by the clocks of `zone`.
 * @param exceptBookingId one that does not count: it is being moved
 */
export async function countOnDay(
  database: Database,
  therapistId: string,
  start: number,
  zone: string,
  exceptBookingId: string | undefined
): Promise<number> {
  const { from, to } = dayAround(start, zone)
  const [row] = await database
    .select({ count: sql<number>`COUNT(*)`.mapWith(Number) })
    .from(bookings, { forceIndex: ['ix_bk_cal'] })
    .where(
      and(
        eq(bookings.therapistId, therapistId),
        gte(bookings.startsAt, new Date(from).toISOString()),
        lt(bookings.startsAt, new Date(to).toISOString()),
        eq(bookings.blocking, true),
        isLive,
        exceptBookingId === undefined ? undefined : ne(bookings.id, exceptBookingId)
      )
    )
  return row?.count ?? 0
}

/** Whether anything but `exceptBookingId` takes time in [from, to), epoch ms. That nothing does holds under the calendar's lock alone. */
export async function isTaken(
  database: Database,
  therapistId: string,
  from: number,
  to: number,
  exceptBookingId?: string
): Promise<boolean> {
  const [row] = await database
    .select({ id: bookings.id })
    .from(bookings, { forceIndex: ['ix_bk_overlap'] })
    .where(
      and(
        blocksWithin(therapistId, from, to),
        isLive,
        exceptBookingId === undefined ? undefined : ne(bookings.id, exceptBookingId)
      )
    )
    .limit(1)
  return row !== undefined
}

/** By the database's clock, which all instances share: a hold that has run out is not there. */
const isLive = sql`(${bookings.status} <> 'held' OR ${bookings.holdExpiresAt} > UTC_TIMESTAMP(3))`

/** How many holds of a user have not run out, in all calendars. */
export async function countHolds(database: Database, userId: string): Promise<number> {
  const [row] = await database
    .select({ count: sql<number>`COUNT(*)`.mapWith(Number) })
    .from(bookings, { forceIndex: ['ix_bk_due'] })
    .innerJoin(clients, eq(clients.id, bookings.clientId))
    .where(
      and(
        eq(bookings.status, 'held'),
        gt(bookings.holdExpiresAt, sql`UTC_TIMESTAMP(3)`),
        eq(clients.userId, userId)
      )
    )
  return row?.count ?? 0
}

/** The services that a therapist offers, the cheapest first. */
export async function findOffered(database: Database, therapistId: string): Promise<BookableService[]> {
  return database
    .select()
    .from(services)
    .where(and(eq(services.therapistId, therapistId), eq(services.active, true)))
    .orderBy(asc(services.price), asc(services.id))
}

export type ClientRecord = { id: string; userId: string | null }

/** A therapist's record of a client, locked: nobody erases it while it is being booked for. */
export async function lockClient(
  database: Database,
  therapistId: string,
  clientId: string
): Promise<ClientRecord | null> {
  const [row] = await database
    .select({ id: clients.id, userId: clients.userId })
    .from(clients)
    .where(and(eq(clients.id, clientId), eq(clients.therapistId, therapistId), isNull(clients.erasedAt)))
    .for('update')
  return row ?? null
}

/** A therapist's record of a user, the oldest where there are several; locked, as above. */
export async function findRecordOf(
  database: Database,
  therapistId: string,
  userId: string
): Promise<ClientRecord | null> {
  const [row] = await database
    .select({ id: clients.id, userId: clients.userId })
    .from(clients)
    .where(and(eq(clients.userId, userId), eq(clients.therapistId, therapistId), isNull(clients.erasedAt)))
    .orderBy(asc(clients.id))
    .limit(1)
    .for('update')
  return row ?? null
}

/** The address of a user who has not been erased. */
export async function findEmail(database: Database, userId: string): Promise<string | null> {
  const [row] = await database
    .select({ email: users.email })
    .from(users)
    .where(and(eq(users.id, userId), isNull(users.erasedAt)))
  return row?.email ?? null
}

/** Whether everybody may see this therapist. */
export async function isPublic(database: Database, therapistId: string): Promise<boolean> {
  const [row] = await database
    .select({ visibility: profiles.visibility })
    .from(profiles)
    .where(eq(profiles.id, therapistId))
  return row?.visibility === 'public'
}

/** What `expand=service` shows, in the order asked. One statement. */
export async function findBookedServices(
  database: Database,
  ids: readonly string[]
): Promise<(BookedService | null)[]> {
  if (ids.length === 0) return []
  const rows = await database
    .select({ id: services.id, name: services.name, durationMinutes: services.durationMin })
    .from(services)
    .where(inArray(services.id, [...ids]))
  return inOrder(ids, rows)
}

/** What `expand=client` shows of one therapist's clients, in the order asked. One statement. */
export async function findBookedClients(
  database: Database,
  asked: readonly { therapistId: string; id: string }[]
): Promise<(BookedClient | null)[]> {
  if (asked.length === 0) return []
  const ids = asked.map(({ id }) => id)
  const rows = await database
    .select({
      id: clients.id,
      therapistId: clients.therapistId,
      name: clients.name,
      email: clients.email,
      phone: clients.phone
    })
    .from(clients)
    .where(and(inArray(clients.id, ids), isNull(clients.erasedAt)))
  const found = inOrder(ids, rows)
  return asked.map(({ therapistId }, i) => {
    const row = found[i]
    if (!row || row.therapistId !== therapistId) return null
    const { therapistId: _, ...client } = row
    return client
  })
}

function inOrder<Item extends { id: string }>(
  ids: readonly string[],
  rows: readonly Item[]
): (Item | null)[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.map((id) => byId.get(id) ?? null)
}

/** Whose calendar file this secret is the address of. */
export async function findFeedOwner(database: Database, tokenHash: Buffer): Promise<string | null> {
  const [row] = await database
    .select({ therapistId: calendarFeeds.therapistId })
    .from(calendarFeeds)
    .where(eq(calendarFeeds.tokenHash, tokenHash))
  return row?.therapistId ?? null
}

const mostInFeed = 1_000

/** What a calendar file shows: sessions that take time, from `from` on (ISO 8601), a thousand at most. */
export async function findFeed(
  database: Database,
  therapistId: string,
  from: string
): Promise<(Booking & { serviceName: string })[]> {
  const rows = await database
    .select({ ...columns, serviceName: services.name })
    .from(bookings, { forceIndex: ['ix_bk_cal'] })
    .innerJoin(services, eq(services.id, bookings.serviceId))
    .where(
      and(
        eq(bookings.therapistId, therapistId),
        gte(bookings.startsAt, from),
        eq(bookings.blocking, true),
        isLive
      )
    )
    .orderBy(asc(bookings.startsAt), asc(bookings.id))
    .limit(mostInFeed)
  return rows.map(({ serviceName, ...row }) => ({ ...bookingOf(row), serviceName }))
}
