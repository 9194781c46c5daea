// Each kind of request: what is sent, and what is a good answer to it. Pure.
import { applicantPrefix, serviceOf } from '../data.ts'

/** Who and what there is to ask for, with tokens. Made by bench/world.ts, read by the drivers. */
export type World = {
  /** Ids of public profiles. */
  profiles: readonly string[]
  /** Paths of searches. */
  lists: readonly string[]
  /** Who have calendars and clients, and a token. */
  therapists: readonly Person[]
  clients: readonly Person[]
  admin: Person
  /** ETags by path, for who has them already. */
  tags: Readonly<Record<string, string>>
  /** The first half hour that nobody has booked, epoch ms. */
  firstStart: number
}
export type Person = { id: string; token: string }

export type Wanted = {
  method: 'GET' | 'POST' | 'PATCH'
  path: string
  token?: string
  body?: string
  ifNoneMatch?: string
  /** Writes that create say it once, as clients should. */
  idempotencyKey?: string
  /** Statuses of a good answer. */
  expected: readonly number[]
  /** What the body of a good answer holds; left out: anything. */
  holds?: string
}

/** What an endpoint draws from: each call another, popular ones more often. */
export type Draws = {
  profile(): string
  list(): string
  therapist(): Person
  client(): Person
  uuid(): string
  /** The same number never twice in a run: an applicant, a slot. There are only so many of them. */
  serial(): number
}

const halfHour = 1_800_000
/** Slots of a therapist that plain bookings take, and contended ones. Within a year. */
const plainSlots = 12_000
const contendedSlots = 4_000
const crowd = 20

const item = (id: string): Wanted => ({
  method: 'GET',
  path: `/api/profile/${id}`,
  expected: [200],
  holds: `"id":"${id}"`
})

const bookingAt = (world: World, client: Person, place: number, offset: number, key: string) => {
  const therapist = world.therapists[place % world.therapists.length]
  const slot = offset + Math.floor(place / world.therapists.length)
  return {
    method: 'POST',
    path: '/api/bookings',
    token: client.token,
    idempotencyKey: key,
    body: JSON.stringify({
      serviceId: serviceOf(therapist?.id ?? ''),
      start: new Date(world.firstStart + slot * halfHour).toISOString(),
      clientName: 'Ada'
    })
  } as const
}

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)

/** How each is made. `reads` are those that a cache may answer. */
export const endpoints = {
  list: (_, draws) => ({ method: 'GET', path: draws.list(), expected: [200], holds: '"data":[' }),
  item: (_, draws) => item(draws.profile()),
  absent: (_, draws) => ({ method: 'GET', path: `/api/profile/${draws.uuid()}`, expected: [404] }),
  revalidate: (world, draws) => {
    const path = `/api/profile/${draws.profile()}`
    const tag = world.tags[path]
    return { method: 'GET', path, ...(tag !== undefined && { ifNoneMatch: tag }), expected: [304] }
  },
  me: (_, draws) => {
    const { id, token } = draws.client()
    return { method: 'GET', path: '/api/auth/me', token, expected: [200], holds: `"id":"${id}"` }
  },
  bookings: (_, draws) => ({
    method: 'GET',
    path: '/api/bookings',
    token: draws.therapist().token,
    expected: [200],
    holds: '"data":['
  }),
  clients: (_, draws) => ({
    method: 'GET',
    path: '/api/clients',
    token: draws.therapist().token,
    expected: [200],
    holds: '"data":['
  }),
  availability: (world, draws) => {
    const { id } = draws.therapist()
    const [from, to] = [day(world.firstStart), day(world.firstStart + 7 * 48 * halfHour)]
    const query = `therapistId=${id}&serviceId=${serviceOf(id)}&from=${from}&to=${to}`
    return { method: 'GET', path: `/api/availability?${query}`, expected: [200], holds: '"days":[' }
  },
  ownProfile: (_, draws) => {
    const { id, token } = draws.therapist()
    return { method: 'GET', path: '/api/profile', token, expected: [200], holds: `"id":"${id}"` }
  },
  createProfile: ({ admin }, draws) => {
    const serial = draws.serial()
    const userId = `${applicantPrefix}${(serial + 1).toString(16).padStart(12, '0')}`
    return {
      method: 'POST',
      path: '/api/profiles',
      token: admin.token,
      body: JSON.stringify({ userId, displayName: `Nora Vidal ${serial}`, city: 'Girona', online: true }),
      expected: [201]
    }
  },
  patchProfile: ({ admin }, draws) => ({
    method: 'PATCH',
    path: `/api/profile/${draws.profile()}`,
    token: admin.token,
    body: JSON.stringify({ headline: `Consulta ${draws.uuid()}` }),
    expected: [200]
  }),
  patchOwnProfile: (_, draws) => {
    const { id, token } = draws.therapist()
    const body = JSON.stringify({ headline: `Consulta ${draws.uuid()}` })
    return { method: 'PATCH', path: `/api/profile/${id}`, token, body, expected: [200] }
  },
  createClient: (_, draws) => ({
    method: 'POST',
    path: '/api/clients',
    token: draws.therapist().token,
    idempotencyKey: draws.uuid(),
    body: JSON.stringify({ name: `Marta Ribas ${draws.uuid()}` }),
    expected: [201]
  }),
  book: (world, draws) => ({
    ...bookingAt(
      world,
      draws.client(),
      draws.serial() % (world.therapists.length * plainSlots),
      0,
      draws.uuid()
    ),
    expected: [201]
  }),
  bookContended: (world, draws) => {
    const place = Math.floor(draws.serial() / crowd) % (world.therapists.length * contendedSlots)
    return { ...bookingAt(world, draws.client(), place, plainSlots, draws.uuid()), expected: [201, 409] }
  }
} satisfies Record<string, (world: World, draws: Draws) => Wanted>

export type EndpointName = keyof typeof endpoints

export const isWrite = ({ method }: Wanted) => method !== 'GET'
