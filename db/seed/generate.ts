// The data set as a sequence of batches, the same on every machine: a practice at a time, so that the largest needs no
// more memory than the smallest.

import { accounts, administrators } from './accounts.ts'
import { beginning, day, now } from './calendar.ts'
import { known } from './known.ts'
import type { Streams } from './practice.ts'
import { openPractice } from './practice.ts'
import type { Stream } from './random.ts'
import { stream } from './random.ts'
import type { Rows } from './rows.ts'
import { noRows } from './rows.ts'
import { bookSessions, payable, payment } from './sessions.ts'

export type Scale = 'tiny' | 'seed' | 'x10'

/** How much there is of what counts; the rest follows from it. Users are all of them, therapists included. */
export const sizes: Record<
  Scale,
  { users: number; therapists: number; admins: number; bookings: number; payments: number }
> = {
  tiny: { users: 250, therapists: 20, admins: 3, bookings: 2_000, payments: 1_000 },
  seed: { users: 10_000, therapists: 500, admins: 5, bookings: 100_000, payments: 50_000 },
  x10: { users: 100_000, therapists: 5_000, admins: 5, bookings: 1_000_000, payments: 500_000 }
}

const seed = 'turno 1'

/** The rows of a data set; in each batch parents stand before children, also across batches. */
export function* generate(scale: Scale): Generator<Rows> {
  const size = sizes[scale]
  const streams = allStreams()
  const people = accounts(streams.user, size.users - size.therapists - size.admins)
  yield { ...noRows(), users: administrators(people, streams.user, size.admins) }

  const practices = plan(stream(seed, 'practice'), size.therapists)
  const total = practices.reduce((sum, { weight }) => sum + weight, 0)
  let weightSoFar = 0
  let booked = 0
  let paid = 0
  for (const [index, { joinedAt, weight }] of practices.entries()) {
    const rows = noRows()
    const practice = openPractice(streams, people, joinedAt, index === 0, rows)
    // What an earlier practice had no room for, this one gets: the sum comes out.
    weightSoFar += weight
    const wanted = Math.round((size.bookings * weightSoFar) / total) - booked
    const { bookings, ...summary } = bookSessions(streams, people, practice, wanted, rows)
    rows.profiles.push({ ...practice.profile, ...summary })
    booked += bookings.length
    rows.payments.push(
      ...payments(streams.payment, bookings, Math.round((size.payments * booked) / size.bookings) - paid)
    )
    paid += rows.payments.length
    yield rows
  }

  let rows = noRows()
  for (const user of people.idle()) {
    rows.users.push(user)
    if (rows.users.length < 1_000) continue
    yield rows
    rows = noRows()
  }
  yield rows
}

function allStreams(): Streams {
  const of = (kind: string) => stream(seed, kind)
  return {
    user: of('user'),
    profile: of('profile'),
    service: of('service'),
    calendar: of('calendar'),
    client: of('client'),
    booking: of('booking'),
    payment: of('payment'),
    review: of('review'),
    notification: of('notification'),
    document: of('document')
  }
}

/** When each therapist joined (ms) and their share of all bookings: a few have many (Zipf), newcomers fewer. */
function plan(random: Stream, therapists: number): { joinedAt: number; weight: number }[] {
  const ranks = random.sample(
    Array.from({ length: therapists }, (_, rank) => rank),
    therapists
  )
  return ranks.map((rank, index) => {
    const joined = random.chance(0.35)
      ? beginning - random.next() * 730 * day
      : beginning + random.next() * 1000 * day
    const joinedAt = index === 0 ? Date.parse(known.therapist.createdAt) : joined
    const present = (now - Math.max(beginning, joinedAt)) / (now - beginning)
    const popularity = ((index === 0 ? 0.05 * therapists : rank) + 0.016 * therapists) ** -0.6
    return { joinedAt, weight: popularity * present }
  })
}

/** Payments for `count` of the bookings (all that can be paid, where they are fewer), in the order of the bookings. */
function payments(random: Stream, bookings: Rows['bookings'], count: number): Rows['payments'] {
  const open = payable(bookings)
  let left = Math.min(count, open.length)
  return open.flatMap((booking, index) => {
    if (!random.chance(left / (open.length - index))) return []
    left -= 1
    return [payment(random, booking)]
  })
}
