// What has happened in one practice: who came, what was booked, paid and said of it. Cells are taken without putting
// them back, so no two sessions overlap; only where one was called off in time may somebody else have its cell.

import type { Account, Accounts } from './accounts.ts'
import { iso } from './accounts.ts'
import type { Cell } from './calendar.ts'
import { beginning, day, horizonDays, hour, minute, now, openCells } from './calendar.ts'
import { fullName, person } from './people.ts'
import type { Practice, Service, Streams } from './practice.ts'
import { answer, excuse, opinion } from './prose.ts'
import type { Stream } from './random.ts'
import type { Rows } from './rows.ts'

type Booking = Rows['bookings'][number]
type Status = Booking['status']
type Payment = Rows['payments'][number]

/** Somebody in a therapist's files, while the history is told. */
type Client = {
  id: string
  name: string
  email: string | null
  account: Account | undefined
  /** When the file was opened and when the latest session began, ms. */
  since: number
  lastAt: number
  reviewed: boolean
}

// Some cells stay free even in the busiest practice.
const fullest = 0.7
// Of all bookings, those in the place of one that was called off.
const rebookedShare = 0.03

/** Books `wanted` sessions, fewer where the practice has no room for them; all rows but payments go to `rows`. */
export function bookSessions(
  streams: Streams,
  accounts: Accounts,
  practice: Practice,
  wanted: number,
  rows: Rows
) {
  const random = streams.booking
  const clients = clientele(streams.client, accounts, practice, rows)
  const cells = openCells(
    practice.hours,
    Math.max(beginning, practice.joinedAt + day),
    now + horizonDays * day
  )
  const rebooked = Math.round(wanted * rebookedShare)
  const taken = take(random, cells, Math.min(wanted - rebooked, Math.floor(cells.length * fullest)))

  const bookings: Booking[] = []
  const calledOff: { cell: Cell; service: Service; at: number }[] = []
  for (const [index, cell] of cells.entries()) {
    if (taken[index] !== 'booked') continue
    const roomAfter = cells[index + 1]?.adjoins === true && taken[index + 1] === 'free'
    const service = (roomAfter && random.chance(0.25) && practice.long) || practice.usual
    if (service === practice.long) taken[index + 1] = 'second half'
    const booking = book(random, clients, cell, service, practice, practice.joinedAt)
    bookings.push(booking)
    const at = Date.parse(booking.updatedAt)
    if (booking.status === 'cancelled' && at < bookableUntil(cell) - hour)
      calledOff.push({ cell, service, at })
  }
  for (const { cell, service, at } of random.sample(calledOff, rebooked)) {
    bookings.push(book(random, clients, cell, service, practice, at))
  }

  rows.bookings.push(...bookings)
  rows.clients.push(...clients.files())
  rows.notifications.push(...notifications(streams.notification, bookings, clients))
  const reviews = reviewsOf(streams.review, bookings, clients)
  rows.reviews.push(...reviews)
  const published = reviews.filter((review) => review.status === 'published').map((review) => review.rating)
  const nextFree = cells.find((cell, index) => taken[index] === 'free' && cell.startsAt >= now + day)
  return { bookings, ...rating(published), nextSlotAt: nextFree ? iso(nextFree.startsAt) : null }
}

/** The average of ratings to two decimals, as the database rounds it, and how many they are. */
function rating(published: readonly number[]): { ratingAvg: number | null; ratingCount: number } {
  const sum = published.reduce((total, one) => total + one, 0)
  const count = published.length
  return { ratingAvg: count === 0 ? null : Math.round((sum * 100) / count) / 100, ratingCount: count }
}

/** `count` cells, those more sought more likely (weighted sampling without replacement, Efraimidis and Spirakis 2006). */
function take(random: Stream, cells: readonly Cell[], count: number): ('free' | 'booked' | 'second half')[] {
  const keys = Float64Array.from(cells, ({ weight }) => random.exponential(1) / weight)
  const limit = keys.toSorted()[count] ?? Number.POSITIVE_INFINITY
  return Array.from(keys, (key) => (key < limit ? 'booked' : 'free'))
}

/** The last moment, ms, at which a cell can be booked: half an hour before it, and in the past. */
function bookableUntil(cell: Cell): number {
  return Math.min(cell.startsAt - 30 * minute, now - minute)
}

function book(
  random: Stream,
  clients: Clientele,
  cell: Cell,
  service: Service,
  practice: Practice,
  notBefore: number
): Booking {
  const { startsAt } = cell
  const endsAt = startsAt + service.durationMin * minute
  const latest = bookableUntil(cell)
  const ahead = Math.min(startsAt - 2 * hour - random.exponential(6 * day), now - random.exponential(3 * day))
  const client = clients.visit(Math.min(latest, Math.max(notBefore, ahead)), latest, startsAt)
  const createdAt = Math.min(latest, Math.max(notBefore, ahead, client.since + minute))

  const status =
    endsAt <= now ? random.weighted(past) : random.weighted(service.needsApproval ? asked : future)
  const updatedAt = changedAt(random, status, createdAt, startsAt, endsAt)
  const sequence = random.chance(0.05) ? 1 : 0
  return {
    id: random.uuidv7(createdAt),
    therapistId: practice.id,
    clientId: client.id,
    serviceId: service.id,
    startsAt: iso(startsAt),
    endsAt: iso(endsAt),
    blocksFrom: iso(startsAt),
    blocksTo: iso(endsAt + service.bufferAfterMin * minute),
    timeZone: practice.hours.timeZone,
    utcOffsetMin: cell.utcOffsetMin,
    status,
    holdExpiresAt: status === 'held' || status === 'expired' ? iso(createdAt + 10 * minute) : null,
    price: service.price,
    mode: service.mode === 'either' ? random.pick(['online', 'in_person']) : service.mode,
    sequence,
    cancelReason: status === 'cancelled' && random.chance(0.7) ? excuse(random) : null,
    cancelledBy: status === 'cancelled' ? random.weighted(cancellers) : null,
    version: 1 + sequence + (updatedAt === createdAt ? 0 : 1),
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt)
  }
}

const past: readonly [Status, number][] = [
  ['completed', 86],
  ['cancelled', 9],
  ['no_show', 4],
  ['declined', 1]
]
const future: readonly [Status, number][] = [
  ['confirmed', 92],
  ['cancelled', 7],
  ['held', 0.6],
  ['expired', 0.4]
]
const asked: readonly [Status, number][] = [
  ['confirmed', 66],
  ['pending', 25],
  ['cancelled', 7],
  ['declined', 2]
]
const cancellers: readonly ['client' | 'therapist' | 'system', number][] = [
  ['client', 80],
  ['therapist', 18],
  ['system', 2]
]

function changedAt(
  random: Stream,
  status: Status,
  createdAt: number,
  startsAt: number,
  endsAt: number
): number {
  if (status === 'completed' || status === 'no_show') return Math.min(now, endsAt + random.next() * 20 * hour)
  if (status === 'cancelled' || status === 'declined') {
    return createdAt + random.next() * (Math.min(startsAt, now) - createdAt)
  }
  return createdAt
}

type Clientele = {
  /** Who books at `bookedAt` a session that begins at `startsAt`; nobody whose file is opened after `latest`. */
  visit(bookedAt: number, latest: number, startsAt: number): Client
  of(clientId: string): Client | undefined
  files(): Rows['clients']
}

// Most bookings are made by the few who come for a while; one in ten is somebody's first.
const newcomerShare = 0.095
const seenAtATime = 16

function clientele(random: Stream, accounts: Accounts, practice: Practice, rows: Rows): Clientele {
  const everybody = new Map<string, Client>()
  const current: Client[] = []

  function newcomer(since: number): Client {
    const who = person(random, 0.6)
    const kind = random.weighted([
      ['new', 82],
      ['another', 8],
      ['none', 10]
    ])
    const account =
      (kind === 'another' && accounts.another(since, practice.id)) ||
      (kind === 'none' ? undefined : accounts.open(since, practice.id, practice.hours.timeZone, rows))
    const client = {
      id: random.uuidv7(since),
      name: account?.name ?? fullName(who),
      email: account?.email ?? (random.chance(0.6) ? accounts.addressOf(who) : null),
      account,
      since,
      lastAt: since,
      reviewed: false
    }
    everybody.set(client.id, client)
    current.push(client)
    if (current.length > seenAtATime) current.splice(random.integer(0, current.length - 1), 1)
    return client
  }

  return {
    visit(bookedAt, latest, startsAt) {
      // Those who have come for long come most: the front of the list is drawn more often.
      const known = current[Math.floor(random.next() ** 1.7 * current.length)]
      const isNew = random.chance(newcomerShare) || !known || known.since + minute > latest
      const client = isNew ? newcomer(bookedAt - minute) : known
      client.lastAt = Math.max(client.lastAt, startsAt)
      return client
    },
    of: (clientId) => everybody.get(clientId),
    files: () => Array.from(everybody.values(), (client) => file(random, client, practice.id))
  }
}

function file(random: Stream, client: Client, therapistId: string): Rows['clients'][number] {
  const away = (now - client.lastAt) / day
  const left = away > 500 && random.chance(0.4) ? 'archived' : 'inactive'
  return {
    id: client.id,
    therapistId,
    userId: client.account?.id ?? null,
    name: client.name,
    email: client.email,
    status: away > 180 && random.chance(0.8) ? left : 'active',
    private: random.chance(0.2)
      ? { notes: random.pick(['Prefiere por la tarde.', 'Paga por transferencia.', 'Pide factura.']) }
      : null,
    createdAt: iso(client.since),
    updatedAt: iso(Math.min(now, client.lastAt))
  }
}

// How often each rating is given, five stars first.
const reputations: readonly [shares: readonly number[], weight: number][] = [
  [[78, 14, 4, 2, 2], 5],
  [[70, 17, 6, 3, 4], 4],
  [[54, 22, 10, 6, 8], 1]
]
const stars = [5, 4, 3, 2, 1]

/** Reviews of completed sessions: a client writes one at most, within sixty days; ratings are J-shaped. */
function reviewsOf(random: Stream, bookings: readonly Booking[], clients: Clientele): Rows['reviews'] {
  const reputation = random.weighted(reputations)
  const written: Rows['reviews'] = []
  for (const booking of bookings) {
    const client = clients.of(booking.clientId)
    const endsAt = Date.parse(booking.endsAt)
    if (booking.status !== 'completed' || !client || client.reviewed || !random.chance(0.11)) continue
    const createdAt = endsAt + hour + Math.min(58 * day, random.exponential(5 * day))
    if (createdAt > now) continue
    client.reviewed = true
    const given = random.weighted(stars.map((star, index) => [star, reputation[index] ?? 0] as const))
    const isFresh = createdAt > now - 5 * day
    written.push({
      id: random.uuidv7(createdAt),
      bookingId: booking.id,
      therapistId: booking.therapistId,
      clientId: booking.clientId,
      rating: given,
      body: opinion(random, given),
      status:
        isFresh && random.chance(0.6)
          ? 'pending'
          : random.weighted([
              ['published', 96],
              ['rejected', 4]
            ]),
      reply: random.chance(given <= 3 ? 0.4 : 0.12) ? answer(random, given) : null,
      createdAt: iso(createdAt)
    })
  }
  return written
}

/** What the two parties of a recent booking were told of it. */
function notifications(
  random: Stream,
  bookings: readonly Booking[],
  clients: Clientele
): Rows['notifications'] {
  const told: Rows['notifications'] = []
  for (const { id, therapistId, clientId, status, createdAt, updatedAt } of bookings) {
    if (Date.parse(createdAt) < now - 45 * day || !random.chance(0.3)) continue
    const atMs = status === 'cancelled' ? Date.parse(updatedAt) : Date.parse(createdAt)
    const type = status === 'cancelled' || status === 'pending' ? `booking.${status}` : 'booking.confirmed'
    for (const userId of [therapistId, clients.of(clientId)?.account?.id]) {
      if (userId === undefined) continue
      const readAt = Math.min(now, atMs + random.exponential(8 * hour))
      told.push({
        id: random.uuidv7(atMs),
        userId,
        type,
        data: { bookingId: id },
        readAt: random.chance(0.7) ? iso(readAt) : null,
        createdAt: iso(atMs)
      })
    }
  }
  return told
}

/** The bookings that money can have been asked for. */
export function payable(bookings: readonly Booking[]): Booking[] {
  return bookings.filter(
    ({ status }) => status === 'completed' || status === 'no_show' || status === 'confirmed'
  )
}

const outcomes: readonly [Payment['status'], number][] = [
  ['succeeded', 94],
  ['refunded', 2],
  ['partially_refunded', 0.5],
  ['failed', 2],
  ['processing', 0.5],
  ['requires_action', 1]
]

/** A payment for a booking: at once, or after the session. */
export function payment(random: Stream, booking: Booking): Payment {
  const bookedAt = Date.parse(booking.createdAt)
  const endsAt = Date.parse(booking.endsAt)
  const createdAt = Math.min(now, random.chance(0.6) ? bookedAt : Math.max(bookedAt, endsAt))
  const status = random.weighted(outcomes)
  const isPaid = status === 'succeeded' || status === 'refunded' || status === 'partially_refunded'
  const paidAt = isPaid ? iso(Math.min(now, createdAt + random.exponential(2 * minute))) : null
  return {
    id: random.uuidv7(createdAt),
    bookingId: booking.id,
    therapistId: booking.therapistId,
    clientId: booking.clientId,
    amount: booking.price,
    refunded: status === 'refunded' ? booking.price : status === 'partially_refunded' ? booking.price / 2 : 0,
    currency: 'EUR',
    status,
    provider: random.weighted([
      ['stripe', 80],
      ['redsys', 20]
    ]),
    transactionId: `demo_${random.letters(24)}`,
    paidAt,
    createdAt: iso(createdAt),
    updatedAt: paidAt ?? iso(createdAt)
  }
}
