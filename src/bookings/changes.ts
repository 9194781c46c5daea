// The SQL that changes bookings. Whatever takes, moves or frees time locks the calendar's row first: no two bookings of
// one therapist are decided at once, and the row's version, which caches go by, rises with success alone
// (docs/decisions/0006-the-calendar-row-is-the-lock.md). Each change touches its tags and records its event.
import { randomUUIDv7 } from 'node:crypto'
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm'
import { instantToSql, uuidToBytes } from '../../db/columns.ts'
import { duplicateKey, errnoOf } from '../../db/refusal.ts'
import { bookings, clients } from '../../db/schema.ts'
import type { Transaction } from '../cache/cache.ts'
import type { Database } from '../cache/view.ts'
import { findCalendar, findService, lockCalendar, raiseCalendar } from '../calendar/queries.ts'
import { type BookableService, type Calendar, whyUnavailable } from '../calendar/rules.ts'
import { clientsTag, clientTag } from '../clients/tags.ts'
import { recordEvent } from '../events/outbox.ts'
import { Problem } from '../http/problem.ts'
import { toLocal } from '../time/zones.ts'
import {
  type ClientRecord,
  countHolds,
  countOnDay,
  findBooking,
  findEmail,
  findOffered,
  findRecordOf,
  findStanding,
  findTherapist,
  isPublic,
  isTaken,
  lockClient,
  type Standing
} from './queries.ts'
import { refusalOf, slotTaken, slotUnavailable } from './refusals.ts'
import type { Booking, NewBooking } from './schema.ts'
import type { Party } from './search.ts'
import { bookingsOfUserTag, bookingsTag, bookingTag } from './tags.ts'
import {
  type Actor,
  beginning,
  type Change,
  effective,
  type Status,
  transition,
  type Wish
} from './transition.ts'
import { askedFor, saysWhen, type When } from './when.ts'

const minute = 60_000
const mostHolds = 2

/**
 * Books a session, or holds its slot. A client is held to the therapist's rules; a therapist may pass them over in the
 * own calendar. Nobody overlaps.
 * @param now epoch ms
 * @throws Problem `slot-taken`, `slot-unavailable`, `limit-reached`, and what is wrong with the body
 */
export async function createBooking(
  transaction: Transaction,
  party: Party,
  body: NewBooking,
  now: number
): Promise<Booking> {
  const { database } = transaction
  const { calendar, service, start } = await whatIsWanted(database, party, body)
  const { therapistId, timeZone } = calendar
  if (start <= now) throw inThePast()
  if (party.as === 'client') {
    const reason = whyUnavailable(calendar, service, start, now)
    if (reason !== null) throw await slotUnavailable(database, calendar, service, start, now, reason)
    if (body.status === 'held' && (await countHolds(database, party.id)) >= mostHolds) {
      throw new Problem('limit-reached', `Confirm or cancel one of your ${mostHolds} holds first.`, {
        extension: { limit: mostHolds }
      })
    }
  }
  const price = priceOf(party, service, body.amount)
  const mode = modeOf(service, body.mode)
  const block = blockOf(service, start)
  // What is taken already can be refused without the lock: a crowd at one slot does not queue up for it.
  if (await isTaken(database, therapistId, Date.parse(block.blocksFrom), Date.parse(block.blocksTo))) {
    throw await slotTaken(database, calendar, service, start, now, calendar.version)
  }

  const version = await lockCalendar(database, therapistId)
  if (version === null) throw noCalendar()
  const client = await clientFor(transaction, party, therapistId, body)
  if (party.as === 'client') await keepToDailyLimit(database, calendar, service, start, now, undefined)

  const id = randomUUIDv7()
  const at = new Date(now).toISOString()
  const { status, holdExpiresAt } = beginning(
    body.status ?? 'booked',
    start,
    party.as,
    service.needsApproval,
    now
  )
  const inserted = await insertWhereFree(database, {
    id,
    therapistId,
    clientId: client.id,
    serviceId: service.id,
    ...block,
    timeZone,
    utcOffsetMin: toLocal(start, timeZone).offsetMinutes,
    status,
    holdExpiresAt: holdExpiresAt === null ? null : new Date(holdExpiresAt).toISOString(),
    price,
    currency: service.currency,
    mode,
    at
  })
  if (!inserted) throw await slotTaken(database, calendar, service, start, now, version)
  return told(transaction, party, id, therapistId, client.userId, {
    type: 'booking.created',
    actorId: party.id,
    data: { therapistId, version: 1, sequence: 0 },
    at
  })
}

/** What a body wishes for, worked out under the lock, when it is known what the booking is. */
export type Request = {
  body: { status?: Status; cancelReason?: string } & When
  /** The body says all that may be changed: what is as it was is not wished for. */
  whole: boolean
  /** Lets through only who has seen this version. @throws Problem */
  precondition(booking: Booking): void
}

/**
 * Changes the state or the time of a booking.
 * @param now epoch ms
 * @throws Problem `not-found`, what `precondition` throws, `invalid-transition`, `outside-policy-window`,
 *   `limit-reached`, `slot-taken`, `slot-unavailable`
 */
export async function changeBooking(
  transaction: Transaction,
  party: Party,
  id: string,
  request: Request,
  now: number
): Promise<Booking> {
  const { database } = transaction
  const therapistId = party.as === 'therapist' ? party.id : await findTherapist(database, party, id)
  const version = therapistId === null ? null : await lockCalendar(database, therapistId)
  const standing = await findStanding(database, party, id)
  const calendar = therapistId === null ? null : await findCalendar(database, therapistId)
  if (!standing || !calendar || version === null) throw new Problem('not-found')
  request.precondition(standing.booking)
  const wish = wishOf(request, standing.booking, calendar)
  if (wish === null) return standing.booking
  const decision = transition(standing.state, wish, party.as, now, calendar)
  if (decision.kind !== 'change') throw refusalOf(decision, effective(standing.state, now))
  const { change } = decision
  if (change.start !== undefined) {
    await keepToRules(database, party, calendar, standing, change.start, now, version)
  }
  return apply(transaction, standing, change, { party, actor: party.as, actorId: party.id }, now)
}

/**
 * Writes down what has fallen due with a booking: a hold or a request that has run out, a session that has taken place.
 * @returns whether there was anything to write
 */
export async function settleBooking(
  transaction: Transaction,
  { id, therapistId }: { id: string; therapistId: string },
  to: 'expired' | 'completed',
  now: number
): Promise<boolean> {
  const { database } = transaction
  await lockCalendar(database, therapistId)
  const standing = await findStanding(database, 'system', id)
  const calendar = await findCalendar(database, therapistId)
  if (!standing || !calendar) return false
  const decision = transition(standing.state, { status: to }, 'system', now, calendar)
  if (decision.kind !== 'change') return false
  const party: Party = { as: 'therapist', id: therapistId }
  await apply(transaction, standing, decision.change, { party, actor: 'system', actorId: null }, now)
  return true
}

type Wanted = { calendar: Calendar; service: BookableService; start: number }

async function whatIsWanted(database: Database, party: Party, body: NewBooking): Promise<Wanted> {
  const named =
    body.serviceId === undefined ? null : await findService(database, body.serviceId.toLowerCase())
  const therapistId =
    party.as === 'therapist' ? party.id : (body.therapistId?.toLowerCase() ?? named?.therapistId)
  if (therapistId === undefined) {
    throw body.serviceId === undefined
      ? invalid('#/therapistId', 'is required, unless there is a serviceId')
      : noService()
  }
  if (party.as === 'therapist' && (body.therapistId ?? party.id).toLowerCase() !== party.id) {
    throw invalid('#/therapistId', 'is not you: therapists book in their own calendar')
  }
  const calendar = await findCalendar(database, therapistId)
  if (!calendar) throw noCalendar()
  const { start, minutes } = askedFor(body, calendar.timeZone)
  const service = named ?? (await serviceFor(database, therapistId, body.therapyType, minutes))
  if (service.therapistId !== therapistId || !service.active) throw noService()
  if (minutes !== null && minutes !== service.durationMin) {
    throw new Problem('invalid-interval', `This service takes ${service.durationMin} minutes.`, {
      errors: [{ pointer: '#/endTime', detail: `is not ${service.durationMin} minutes after startTime` }]
    })
  }
  return { calendar, service, start }
}

/** Who names no service means the one of that name, or the one that lasts so long; the cheapest of several. */
async function serviceFor(
  database: Database,
  therapistId: string,
  name: string | undefined,
  minutes: number | null
): Promise<BookableService> {
  const offered = await findOffered(database, therapistId)
  const service = offered.find((one) =>
    name === undefined ? minutes === one.durationMin : one.name.toLowerCase() === name.trim().toLowerCase()
  )
  if (service) return service
  if (name !== undefined) throw invalid('#/therapyType', 'is no service of this therapist')
  throw minutes === null
    ? invalid('#/serviceId', 'is required, unless therapyType or endTime tells which service')
    : invalid('#/endTime', 'is when none of this therapist’s services would end')
}

function priceOf({ as }: Party, service: BookableService, amount: number | undefined): number {
  if (amount === undefined) return service.price
  const price = Math.round(amount * 100)
  if (as === 'therapist' || price === service.price) return price
  throw invalid('#/amount', `is not the price, which is ${service.price / 100} ${service.currency}`)
}

function modeOf(service: BookableService, asked: Booking['mode'] | undefined): Booking['mode'] {
  if (service.mode === 'either') return asked ?? 'online'
  if (asked === undefined || asked === service.mode) return service.mode
  throw invalid('#/mode', `is not how this service is given: ${service.mode}`)
}

/** Under the lock, which keeps two first bookings of one user from making two records. */
async function clientFor(
  transaction: Transaction,
  party: Party,
  therapistId: string,
  { clientId, clientName }: NewBooking
): Promise<ClientRecord> {
  const { database } = transaction
  if (party.as === 'therapist') {
    if (clientId === undefined) throw invalid('#/clientId', 'is required: for whom?')
    const client = await lockClient(database, therapistId, clientId.toLowerCase())
    if (!client) throw invalid('#/clientId', 'is none of your clients')
    return client
  }
  const known = await findRecordOf(database, therapistId, party.id)
  if (clientId !== undefined && clientId.toLowerCase() !== known?.id) {
    throw invalid('#/clientId', 'is not you: leave it out')
  }
  // Whoever knows them already may go on; for everybody else a private practice is not there.
  if (!known && !(await isPublic(database, therapistId))) throw noCalendar()
  return known ?? makeClient(transaction, therapistId, party.id, clientName)
}

async function makeClient(
  transaction: Transaction,
  therapistId: string,
  userId: string,
  name: string | undefined
): Promise<ClientRecord> {
  const { database } = transaction
  const email = await findEmail(database, userId)
  if (email === null) throw new Problem('forbidden', 'There is no such account any more.')
  const id = randomUUIDv7()
  const at = new Date().toISOString()
  const row = {
    id,
    therapistId,
    userId,
    name: name?.trim() ?? email.slice(0, email.indexOf('@')),
    createdAt: at,
    updatedAt: at
  }
  try {
    await database.insert(clients).values({ ...row, email })
  } catch (error) {
    if (errnoOf(error) !== duplicateKey) throw error
    // The therapist has a record with this address. That it is the same person nobody has shown: an address proves
    // nothing until its owner has confirmed it, and that record may tell of sessions.
    await database.insert(clients).values({ ...row, email: null })
  }
  transaction.touch(clientTag(id), clientsTag(therapistId))
  recordEvent(transaction, {
    type: 'client.created',
    subject: `client:${id}`,
    actorId: userId,
    recipients: [therapistId],
    data: { version: 1 },
    at
  })
  return { id, userId }
}

/** What a move has to keep to besides the policy: the rules, for a client; and what is free, for everybody. */
async function keepToRules(
  database: Database,
  party: Party,
  calendar: Calendar,
  standing: Standing,
  start: number,
  now: number,
  version: number
): Promise<void> {
  const { booking, service } = standing
  if (start <= now) throw inThePast()
  if (party.as === 'client') {
    const reason = whyUnavailable(calendar, service, start, now)
    if (reason !== null) {
      throw await slotUnavailable(database, calendar, service, start, now, reason, booking.id)
    }
    await keepToDailyLimit(database, calendar, service, start, now, booking.id)
  }
  const { blocksFrom, blocksTo } = shifted(standing, start)
  const taken = await isTaken(
    database,
    calendar.therapistId,
    Date.parse(blocksFrom),
    Date.parse(blocksTo),
    booking.id
  )
  if (taken) throw await slotTaken(database, calendar, service, start, now, version, booking.id)
}

async function keepToDailyLimit(
  database: Database,
  calendar: Calendar,
  service: BookableService,
  start: number,
  now: number,
  exceptBookingId: string | undefined
): Promise<void> {
  const { maxPerDay, therapistId, timeZone } = calendar
  if (maxPerDay === null) return
  if ((await countOnDay(database, therapistId, start, timeZone, exceptBookingId)) < maxPerDay) return
  throw await slotUnavailable(database, calendar, service, start, now, 'day-full', exceptBookingId)
}

type NewRow = Pick<
  typeof bookings.$inferInsert,
  'id' | 'therapistId' | 'clientId' | 'serviceId' | 'startsAt' | 'endsAt' | 'blocksFrom' | 'blocksTo'
> & {
  timeZone: string
  utcOffsetMin: number
  status: Status
  holdExpiresAt: string | null
  price: number
  currency: string
  mode: Booking['mode']
  at: string
}

// The check and the insert in one statement. It is the lock that makes them one moment: alone, under READ COMMITTED, two
// of these double-book (28 of 120 rounds). The lower bound is what keeps the search to one entry of the index.
async function insertWhereFree(database: Database, row: NewRow): Promise<boolean> {
  const { id, therapistId, clientId, serviceId, startsAt, endsAt, timeZone, utcOffsetMin, status } = row
  const [therapist, from, to] = [
    uuidToBytes(therapistId),
    instantToSql(row.blocksFrom),
    instantToSql(row.blocksTo)
  ]
  const at = instantToSql(row.at)
  const holdExpiresAt = row.holdExpiresAt === null ? null : instantToSql(row.holdExpiresAt)
  try {
    const [result] = await database.execute(sql`
      INSERT INTO bookings (id, therapist_id, client_id, service_id, starts_at, ends_at, blocks_from, blocks_to, time_zone,
                            utc_offset_min, status, hold_expires_at, price, currency, mode, created_at, updated_at)
      SELECT ${uuidToBytes(id)}, ${therapist}, ${uuidToBytes(clientId)}, ${uuidToBytes(serviceId)},
             ${instantToSql(startsAt)}, ${instantToSql(endsAt)}, ${from}, ${to}, ${timeZone}, ${utcOffsetMin}, ${status},
             ${holdExpiresAt}, ${row.price}, ${row.currency}, ${row.mode}, ${at}, ${at}
      FROM DUAL WHERE NOT EXISTS (
        SELECT 1 FROM bookings AS taken WHERE taken.therapist_id = ${therapist} AND taken.blocking = 1
          AND taken.blocks_from < ${to} AND taken.blocks_from > ${from} - INTERVAL 12 HOUR AND taken.blocks_to > ${from}
          AND (taken.status <> 'held' OR taken.hold_expires_at > UTC_TIMESTAMP(3)))`)
    return result.affectedRows === 1
  } catch (error) {
    // ux_bk_backstop: somebody wrote without the lock. What it guards holds all the same.
    if (errnoOf(error) === duplicateKey) return false
    throw error
  }
}

type Doer = { party: Party; actor: Actor; actorId: string | null }

/** Compare and swap: the version and the state are those that the decision was made on. */
async function apply(
  transaction: Transaction,
  standing: Standing,
  change: Change,
  { party, actor, actorId }: Doer,
  now: number
): Promise<Booking> {
  const { booking, state, clientUserId } = standing
  const { id, therapistId, version } = booking
  const at = new Date(now).toISOString()
  const { start, holdExpiresAt, cancelledBy, cancelReason } = change
  const [result] = await transaction.database
    .update(bookings)
    .set({
      status: change.status,
      sequence: change.sequence,
      holdExpiresAt: holdExpiresAt === null ? null : new Date(holdExpiresAt).toISOString(),
      ...(cancelledBy !== undefined && { cancelledBy }),
      ...(cancelReason !== undefined && { cancelReason }),
      ...(start !== undefined && shifted(standing, start)),
      version: version + 1,
      updatedAt: at
    })
    .where(
      and(
        eq(bookings.id, id),
        eq(bookings.version, version),
        inArray(bookings.status, [booking.status]),
        staysLive(booking.status, actor)
      )
    )
  if (result.affectedRows !== 1) throw refusalOf({ kind: 'not-possible', allowed: [] }, 'expired')
  const changed = [
    ...(start === undefined ? ['status'] : ['start', 'end']),
    ...(change.sequence === state.sequence ? [] : ['sequence']),
    ...(cancelReason === undefined ? [] : ['cancelReason'])
  ]
  return told(transaction, party, id, therapistId, clientUserId, {
    type: start === undefined ? `booking.${change.status}` : 'booking.rescheduled',
    actorId,
    data: { therapistId, version: version + 1, sequence: change.sequence, changed },
    at
  })
}

// Holds run out by the clock of the database, which others judged by when they took the slot: this instance's clock may
// be behind it.
function staysLive(status: Status, actor: Actor): SQL | undefined {
  return status === 'held' && actor !== 'system'
    ? sql`${bookings.holdExpiresAt} > UTC_TIMESTAMP(3)`
    : undefined
}

type Happened = {
  type: `booking.${string}`
  actorId: string | null
  data: Record<string, unknown>
  at: string
}

/** Says what has changed to whom it concerns, and reads what it has become. */
async function told(
  transaction: Transaction,
  party: Party,
  id: string,
  therapistId: string,
  clientUserId: string | null,
  happened: Happened
): Promise<Booking> {
  await raiseCalendar(transaction, therapistId)
  transaction.touch(bookingTag(id), bookingsTag(therapistId))
  if (clientUserId !== null) transaction.touch(bookingsOfUserTag(clientUserId))
  recordEvent(transaction, {
    ...happened,
    subject: `booking:${id}`,
    recipients: clientUserId === null ? [therapistId] : [therapistId, clientUserId]
  })
  const booking = await findBooking(transaction.database, party, id)
  if (!booking) throw new Error('the booking just written is not there')
  return booking
}

function wishOf({ body, whole }: Request, booking: Booking, calendar: Calendar): Wish | null {
  const start = saysWhen(body) ? startIn(body, booking, calendar) : undefined
  const { status, cancelReason } = body
  const moves = start !== undefined && !(whole && start === Date.parse(booking.start))
  const turns = status !== undefined && !(whole && status === booking.status)
  if (moves && turns) throw invalid('#/status', 'changes in one request, and the time in another')
  if (cancelReason !== undefined && !turns) {
    if (whole && cancelReason === booking.cancelReason) return null
    throw invalid('#/cancelReason', 'goes with a status that ends the booking')
  }
  if (turns) return { status, ...(cancelReason !== undefined && { reason: cancelReason }) }
  if (moves) return { start }
  if (whole) return null
  throw invalid('#', 'says neither a status nor a time')
}

/** The length of a session stays: where an end is said, it has to agree. */
function startIn(body: When, booking: Booking, calendar: Calendar): number {
  const { start, minutes } = askedFor(body, calendar.timeZone)
  const lasts = (Date.parse(booking.end) - Date.parse(booking.start)) / minute
  if (minutes === null || minutes === lasts) return start
  throw new Problem('invalid-interval', `This session takes ${lasts} minutes.`, {
    errors: [{ pointer: '#/endTime', detail: `is not ${lasts} minutes after startTime` }]
  })
}

/** The session, and with its buffers what it blocks. ISO 8601. */
function blockOf({ durationMin, bufferBeforeMin, bufferAfterMin }: BookableService, start: number) {
  const at = (minutes: number) => new Date(start + minutes * minute).toISOString()
  return {
    startsAt: at(0),
    endsAt: at(durationMin),
    blocksFrom: at(-bufferBeforeMin),
    blocksTo: at(durationMin + bufferAfterMin)
  }
}

/** A session keeps its length and its buffers, whatever its service has become since. ISO 8601. */
function shifted({ booking, blocks }: Standing, start: number) {
  const by = start - Date.parse(booking.start)
  const at = (epochMs: number) => new Date(epochMs + by).toISOString()
  return {
    startsAt: at(Date.parse(booking.start)),
    endsAt: at(Date.parse(booking.end)),
    blocksFrom: at(blocks.from),
    blocksTo: at(blocks.to),
    utcOffsetMin: toLocal(start, booking.timeZone).offsetMinutes
  }
}

function inThePast(): Problem {
  return new Problem('invalid-interval', 'That has gone by.', {
    errors: [{ pointer: '#/start', detail: 'is not in the future' }]
  })
}

function noCalendar(): Problem {
  return invalid('#/therapistId', 'is no therapist who can be booked')
}

function noService(): Problem {
  return invalid('#/serviceId', 'is no service of this therapist')
}

function invalid(pointer: string, detail: string): Problem {
  return new Problem('validation', 'One part of the body is not valid.', { errors: [{ pointer, detail }] })
}
