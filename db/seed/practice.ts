// One practice as it stands before anybody books: the therapist's user and profile, what is offered, when it is open.

import type { Accounts } from './accounts.ts'
import { iso } from './accounts.ts'
import type { Hours } from './calendar.ts'
import { comingOverrides, day, horizonDays, now, weeklyHours } from './calendar.ts'
import { known } from './known.ts'
import type { Person } from './people.ts'
import { fullName, person } from './people.ts'
import type { Region } from './places.ts'
import { cities, regionalLanguage, zoneOf } from './places.ts'
import { bio, headline } from './prose.ts'
import type { Stream } from './random.ts'
import type { Rows } from './rows.ts'
import type { Approach, Specialty } from './vocabulary.ts'
import { approaches, foreignLanguages, specialties } from './vocabulary.ts'

/** One stream for each kind of entity. */
export type Streams = Record<
  | 'user'
  | 'profile'
  | 'service'
  | 'calendar'
  | 'client'
  | 'booking'
  | 'payment'
  | 'review'
  | 'notification'
  | 'document',
  Stream
>

export type Service = Rows['services'][number] & { bufferAfterMin: number; needsApproval: boolean }

export type Practice = {
  id: string
  joinedAt: number
  hours: Hours
  /** The session that most people book, and one of two cells where there is one. */
  usual: Service
  long: Service | undefined
  /** What the sessions will add to: rating and next free cell are not in it yet. */
  profile: Rows['profiles'][number]
}

type Mode = 'online' | 'in_person' | 'either'

type Plan = {
  id: string | undefined
  person: Person
  city: string
  region: Region
  specialties: readonly [Specialty, Specialty, ...Specialty[]]
  approach: Approach
  mode: Mode
}

/** Sets up the practice of a therapist who joined at `joinedAt` (ms), and puts all its rows but the profile in `rows`. */
export function openPractice(
  streams: Streams,
  accounts: Accounts,
  joinedAt: number,
  first: boolean,
  rows: Rows
): Practice {
  const plan = first ? lucia : anyPlan(streams.profile)
  const timeZone = zoneOf(plan.region)
  const user = accounts.user(plan.person, 'therapist', joinedAt, timeZone, plan.id)
  if (first) user.verificationStatus = 'verified'
  rows.users.push(user)

  const offered = offer(streams.service, plan, user.id, joinedAt)
  rows.services.push(...offered)
  const [usual, long] = offered
  if (!usual) throw new Error('a practice offers something')

  const hours = {
    weekly: weeklyHours(streams.calendar),
    overrides: comingOverrides(streams.calendar),
    region: plan.region,
    timeZone,
    stepMin: usual.durationMin + usual.bufferAfterMin,
    durationMin: usual.durationMin
  }
  rows.calendars.push(calendar(streams.calendar, user.id, hours, joinedAt))
  rows.profileTerms.push(...terms(streams.profile, user.id, plan))
  rows.documents.push(...documents(streams.document, user, joinedAt))
  return {
    id: user.id,
    joinedAt,
    hours,
    usual,
    long,
    profile: profile(streams.profile, plan, user, offered, joinedAt)
  }
}

const lucia: Plan = {
  id: known.therapist.id,
  person: { gender: 'f', first: 'Lucía', surnames: ['Fernández', 'Ortega'] },
  city: 'València',
  region: 'ES-VC',
  specialties: ['anxiety', 'self-esteem', 'burnout'],
  approach: 'cbt',
  mode: 'either'
}

function anyPlan(random: Stream): Plan {
  const [city, region] = random.weighted(cities.map((place) => [place, place[2]] as const))
  const first = random.weighted(specialties)
  const others = specialties.filter(([slug]) => slug !== first)
  const second = random.weighted(others)
  const more = random.sample(
    others.map(([slug]) => slug).filter((slug) => slug !== second),
    random.integer(0, 3)
  )
  return {
    id: undefined,
    person: person(random, 0.76),
    city,
    region,
    specialties: [first, second, ...more],
    approach: random.weighted(approaches),
    mode: random.weighted([
      ['either', 55],
      ['in_person', 27],
      ['online', 18]
    ])
  }
}

function profile(
  random: Stream,
  plan: Plan,
  user: Rows['users'][number],
  offered: Service[],
  joinedAt: number
) {
  const shown = user.verificationStatus === 'verified' && (plan.id !== undefined || random.chance(0.97))
  const said = { ...plan, years: random.integer(4, 27) }
  return {
    id: user.id,
    visibility: shown ? 'public' : 'private',
    displayName: fullName(plan.person),
    headline: headline(random, said),
    bio: bio(random, said),
    photoUrl: random.chance(0.8) ? `https://photos.example.com/therapists/${user.id}.jpg` : null,
    city: plan.city,
    region: plan.region,
    online: plan.mode !== 'in_person',
    inPerson: plan.mode !== 'online',
    priceFrom: Math.min(...offered.map((service) => service.price)),
    // Nobody's number: real ones have a province's letter before them.
    private: { licenceNumber: `DEMO-${random.integer(10_000, 99_999)}`, billingName: fullName(plan.person) },
    createdAt: iso(joinedAt),
    updatedAt: iso(joinedAt + random.next() * (now - joinedAt)),
    version: random.integer(1, 9)
  } as const
}

// Session and pause, minutes: most keep the full hour.
const rhythms: readonly [rhythm: readonly [number, number], weight: number][] = [
  [[50, 10], 70],
  [[45, 15], 15],
  [[60, 15], 15]
]

/** The services of a practice: the usual session first, a long one second where there is one. */
function offer(random: Stream, plan: Plan, therapistId: string, joinedAt: number): Service[] {
  const [duration, pause] = random.weighted(rhythms)
  const expensive = plan.region === 'ES-MD' || plan.region === 'ES-CT' || plan.region === 'ES-PV'
  const price = (random.integer(9, 14) + (expensive ? 2 : 0)) * 500
  const service = (name: string, durationMin: number, cost: number): Service => ({
    id: random.uuidv7(joinedAt),
    therapistId,
    name,
    durationMin,
    bufferAfterMin: pause,
    stepMin: duration + pause,
    price: cost,
    mode: plan.mode,
    needsApproval: random.chance(0.12)
  })
  const offered = [service('Sesión individual', duration, price)]
  const couples = plan.specialties.includes('couples')
  if (couples || random.chance(0.3)) {
    offered.push(service(couples ? 'Terapia de pareja' : 'Sesión larga', duration + 30, price + 2500))
  }
  return offered
}

function calendar(random: Stream, therapistId: string, hours: Hours, joinedAt: number) {
  return {
    therapistId,
    timeZone: hours.timeZone,
    weekly: hours.weekly,
    overrides: hours.overrides,
    holidayRegion: hours.region,
    minNoticeMin: random.pick([240, 720, 1440, 1440, 2880]),
    horizonDays,
    maxPerDay: random.chance(0.2) ? random.integer(5, 8) : null,
    updatedAt: iso(joinedAt)
  }
}

function terms(random: Stream, profileId: string, plan: Plan): Rows['profileTerms'] {
  const languages = ['es']
  const regional = regionalLanguage[plan.region]
  if (regional && random.chance(0.6)) languages.push(regional)
  if (random.chance(0.45)) languages.push(random.weighted(foreignLanguages))
  const ways = new Set([plan.approach, ...(random.chance(0.4) ? [random.weighted(approaches)] : [])])
  return [
    ...plan.specialties.map((term) => ({ profileId, kind: 'specialty', term }) as const),
    ...languages.map((term) => ({ profileId, kind: 'language', term }) as const),
    ...[...ways].map((term) => ({ profileId, kind: 'approach', term }) as const),
    ...audiences(plan.specialties).map((term) => ({ profileId, kind: 'audience', term }) as const)
  ]
}

function audiences(treated: readonly Specialty[]): string[] {
  const found = ['adults']
  if (treated.includes('couples')) found.push('couples')
  if (treated.includes('adolescents')) found.push('adolescents')
  if (treated.includes('child-psychology')) found.push('children')
  if (treated.includes('parenting')) found.push('families')
  return found
}

function documents(random: Stream, user: Rows['users'][number], joinedAt: number): Rows['documents'] {
  const document = (kind: 'license' | 'consent', filename: string) => {
    const createdAt = joinedAt + random.next() * day
    const id = random.uuidv7(createdAt)
    return {
      id,
      ownerId: user.id,
      kind,
      filename,
      mediaType: 'application/pdf',
      size: random.integer(60_000, 900_000),
      sha256: random.bytes(32),
      storageKey: `documents/${id}`,
      status: user.verificationStatus === 'pending' ? 'scanning' : 'ready',
      createdAt: iso(createdAt)
    } as const
  }
  const handedIn = [document('license', 'titulo-psicologia.pdf')]
  if (random.chance(0.3)) handedIn.push(document('consent', 'consentimiento-informado.pdf'))
  return handedIn
}
