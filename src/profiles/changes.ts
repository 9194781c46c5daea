// The SQL that changes profiles. Each function touches the tags of what it changes and tells the outbox, in the
// transaction that it is given; whatever it throws leaves nothing behind. Whoever changes what a profile shows locks its
// row first (lockProfiles): what is answered, and kept in the cache, is made of what was locked and of what was said.
import { isDeepStrictEqual } from 'node:util'
import { bytesToUuid, uuidToBytes } from '../../db/columns.ts'
import type { Row } from '../../db/pool.ts'
import { duplicateKey, errnoOf, noParentRow } from '../../db/refusal.ts'
import { profiles, profileTerms } from '../../db/schema.ts'
import {
  insertInto,
  type RowChange,
  rowsIn,
  type Statement,
  statement,
  updatesById
} from '../../db/statements.ts'
import type { Outcome } from '../cache/together.ts'
import type { Transaction } from '../cache/transaction.ts'
import { type NewCalendar, newCalendars } from '../calendar/changes.ts'
import { type NewEvent, recordEvents } from '../events/outbox.ts'
import { Problem } from '../http/problem.ts'
import { profilesIn, profilesLocked } from './rows.ts'
import { type NewProfile, nothingKnown, nothingSaid, type Profile, type ProfilePatch } from './schema.ts'
import { profilesTag, profileTag } from './tags.ts'

export type Changed = {
  profile: Profile
  /** What this change touched; none where there was nothing to change. */
  tags: readonly string[]
}

/** A profile that somebody wants: of the therapist with this id, made by this user. */
export type Wish = { id: string; actorId: string; said: Omit<NewProfile, 'userId'> }

/**
 * Creates profiles; public, unless they say otherwise. Refused are those that there are already (`duplicate`) and those of
 * nobody who is a therapist (`validation`).
 * @throws Error where one became so in this very moment: then none is created
 */
export async function createProfiles(
  transaction: Transaction,
  wishes: readonly Wish[]
): Promise<Outcome<Changed>[]> {
  const [result] = await transaction.send([askedFor(wishes)])
  const known = knownIn(result)
  const made = wishes.map((wish) => creation(wish, known))
  const created = made.flatMap((one) => ('refused' in one ? [] : [one]))
  if (created.length > 0) await transaction.send(creating(transaction, created))
  recordEvents(
    transaction,
    created.flatMap(({ events }) => events)
  )
  return made.map((one) => outcomeOf(transaction, one))
}

type Refused = { refused: Problem }
/** A profile that will be there, and what comes with it. */
type Created = Changed & { calendar: NewCalendar; events: NewEvent[] }

/** Who may have a profile, by id: with his time zone, and whether he has one. */
type Known = ReadonlyMap<string, { timeZone: string; hasOne: boolean }>

/** What has to be known before these are created: `knownIn` reads the result. */
function askedFor(wishes: readonly Wish[]): Statement {
  return statement(
    `SELECT users.id, time_zone, profiles.id IS NOT NULL AS taken FROM users LEFT JOIN profiles ON profiles.id = users.id
      WHERE users.id IN (?) AND role = 'therapist' AND erased_at IS NULL`,
    [wishes.map(({ id }) => uuidToBytes(id))]
  )
}

function knownIn(result: unknown): Known {
  const rows = rowsIn<Row & { id: Buffer; time_zone: string; taken: number }>(result)
  return new Map(
    rows.map(({ id, time_zone, taken }) => [bytesToUuid(id), { timeZone: time_zone, hasOne: taken === 1 }])
  )
}

function creation({ id, actorId, said }: Wish, known: Known): Created | Refused {
  const therapist = known.get(id)
  if (therapist === undefined) return { refused: noTherapist() }
  if (therapist.hasOne) return { refused: thereIsOne(id) }
  const at = new Date().toISOString()
  const profile = newProfile(id, said, at)
  return {
    ...changed(profile, profile.visibility),
    calendar: { therapistId: id, timeZone: therapist.timeZone, region: profile.region },
    events: [event('profile.created', id, actorId, { version: 1 }, at)]
  }
}

function creating(transaction: Transaction, created: readonly Created[]): Statement[] {
  const all = created.map(({ profile }) => profile)
  const calendars = created.map(({ calendar }) => calendar)
  return [insertInto(profiles, all.map(rowOf)), ...termsAdded(all), newCalendars(transaction, calendars)]
}

/** What the database's refusal means to whoever wanted this profile. */
export function refusalOf(error: unknown, id: string): unknown {
  const errno = errnoOf(error)
  if (errno === noParentRow) return noTherapist()
  return errno === duplicateKey ? thereIsOne(id) : error
}

/** A merge patch of the profile with this id. `permit` returns the profile as it is if this may be done with it. */
export type Edit = {
  id: string
  actorId: string
  patch: ProfilePatch
  /** @throws Problem where it may not, which refuses this edit and no other */
  permit(current: Profile | null): Profile
}

/**
 * Applies merge patches and creates profiles, each another one, in two round trips: what has to be known is asked for at
 * once, and all that follows goes with COMMIT. A patch that changes nothing raises no version, empties no cache and is no
 * event.
 * @returns what became of each, in their order; refused as `createProfiles` and `permit` say
 */
export async function changeProfiles(
  transaction: Transaction,
  asks: readonly (Edit | Wish)[]
): Promise<Outcome<Changed>[]> {
  const ids = asks.flatMap((ask) => ('patch' in ask ? [ask.id] : []))
  const wishes = asks.flatMap((ask) => ('said' in ask ? [ask] : []))
  const locking = ids.length > 0 ? profilesLocked(ids) : []
  const results = await transaction.send([...locking, ...(wishes.length > 0 ? [askedFor(wishes)] : [])])
  const locked = profilesIn(locking.length > 0 ? results[1] : undefined)
  const known = knownIn(results[locking.length])

  const made = asks.map((ask) =>
    'patch' in ask ? edit(ask, locked.get(ask.id) ?? null) : creation(ask, known)
  )
  const done = made.flatMap((one) => ('refused' in one ? [] : [one]))
  const created = done.flatMap((one) => ('calendar' in one ? [one] : []))
  const edits = done.flatMap((one) => ('changes' in one ? [one] : []))
  const statements = updating(edits)
  if (created.length > 0) statements.push(...creating(transaction, created))
  for (const change of statements) transaction.atEnd(change)
  recordEvents(
    transaction,
    done.flatMap(({ events }) => events)
  )
  return made.map((one) => outcomeOf(transaction, one))
}

function edit({ permit, actorId, patch }: Edit, current: Profile | null): Edited | Refused {
  try {
    return edited(permit(current), actorId, patch)
  } catch (error) {
    if (error instanceof Problem) return { refused: error }
    throw error
  }
}

/** What changes with a patch though no patch can say it: the owner's private details, and what has a table of its own. */
export type Besides = {
  private?: Record<string, unknown>
  /** Names of the fields of the profile that it changes. */
  names: readonly string[]
}

/**
 * Applies a patch to a profile that is locked in this transaction, with what changes besides. It is there to be read when this
 * resolves.
 */
export async function updateProfile(
  transaction: Transaction,
  current: Profile,
  actorId: string,
  patch: ProfilePatch,
  besides: Besides
): Promise<Changed> {
  const { changes, terms, events, ...changed } = edited(current, actorId, patch, besides)
  const statements = updating([{ changes, terms }])
  if (statements.length > 0) await transaction.send(statements)
  recordEvents(transaction, events)
  transaction.touch(...changed.tags)
  return changed
}

/** What makes edits so. */
type Editing = { changes: RowChange<typeof profiles>[]; terms: Statement[] }
/** What an edit makes; nothing makes it so where there is nothing to change. */
type Edited = Changed & Editing & { events: NewEvent[] }

function updating(edits: readonly Editing[]): Statement[] {
  return [
    ...updatesById(
      profiles,
      edits.flatMap(({ changes }) => changes)
    ),
    ...edits.flatMap(({ terms }) => terms)
  ]
}

function edited(
  current: Profile,
  actorId: string,
  patch: ProfilePatch,
  besides: Besides = { names: [] }
): Edited {
  const { id } = current
  const said = sorted(patch)
  const names = [...differing(current, said), ...besides.names]
  if (names.length === 0) return { profile: current, tags: [], changes: [], terms: [], events: [] }

  const version = current.version + 1
  const updatedAt = new Date().toISOString()
  const profile = { ...current, ...said, version, updatedAt }
  const { specialties, languages, approaches, ...columns } = said
  const row = { ...columns, ...(besides.private && { private: besides.private }), version, updatedAt }
  return {
    ...changed(profile, current.visibility),
    changes: [{ id, row }],
    terms: termsReplaced(profile, names),
    events: [event('profile.updated', id, actorId, { version, changed: names }, updatedAt)]
  }
}

// The touches go with the outcome: what is refused touches nothing.
function outcomeOf(transaction: Pick<Transaction, 'touch'>, made: Changed | Refused): Outcome<Changed> {
  if ('refused' in made) return made
  const { profile, tags } = made
  transaction.touch(...tags)
  return { result: { profile, tags }, tags }
}

/** What this change made old. */
function changed(profile: Profile, visibilityBefore: Profile['visibility']): Changed {
  // Lists show, find or order by everything that may be written; those that are private are in none.
  const listed = visibilityBefore === 'public' || profile.visibility === 'public'
  return { profile, tags: listed ? [profileTag(profile.id), profilesTag] : [profileTag(profile.id)] }
}

function newProfile(id: string, said: Omit<NewProfile, 'userId'>, at: string): Profile {
  return { ...nothingKnown, ...nothingSaid, ...sorted(said), id, version: 1, createdAt: at, updatedAt: at }
}

/** What is in a table of its own left out. */
function rowOf({ services: _, specialties: __, languages: ___, approaches: ____, ...row }: Profile) {
  return row
}

/** The order of a list of terms says nothing: they are told in theirs. */
function sorted<Said extends ProfilePatch>(said: Said): Said {
  const ordered = { ...said }
  for (const name of Object.values(kinds)) {
    const terms = said[name]
    if (terms !== undefined) ordered[name] = terms.toSorted()
  }
  return ordered
}

/** The names of the fields that the patch would change. */
function differing(current: Profile, patch: ProfilePatch): string[] {
  const before: Record<string, unknown> = current
  return Object.entries(patch)
    .filter(([name, value]) => !isDeepStrictEqual(before[name], value))
    .map(([name]) => name)
}

const kinds = { specialty: 'specialties', language: 'languages', approach: 'approaches' } as const
const kindNames = ['specialty', 'language', 'approach'] as const

type Termed = Pick<Profile, 'id' | 'specialties' | 'languages' | 'approaches'>

function termsAdded(
  profiles: readonly Termed[],
  which: readonly (keyof typeof kinds)[] = kindNames
): Statement[] {
  const rows = profiles.flatMap((profile) =>
    which.flatMap((kind) => profile[kinds[kind]].map((term) => ({ profileId: profile.id, kind, term })))
  )
  return rows.length > 0 ? [insertInto(profileTerms, rows)] : []
}

function termsReplaced(profile: Termed, names: readonly string[]): Statement[] {
  const replaced = kindNames.filter((kind) => names.includes(kinds[kind]))
  if (replaced.length === 0) return []
  const former = statement('DELETE FROM profile_terms WHERE kind IN (?) AND profile_id = ?', [
    replaced,
    uuidToBytes(profile.id)
  ])
  return [former, ...termsAdded([profile], replaced)]
}

// What changed, by name alone: whoever may see the values can read them.
function event(
  type: 'profile.created' | 'profile.updated',
  id: string,
  actorId: string,
  data: Record<string, unknown>,
  at: string
): NewEvent {
  return { type, subject: `profile:${id}`, actorId, recipients: [id], data, at }
}

function thereIsOne(id: string): Problem {
  return new Problem('duplicate', 'This therapist has a profile.', {
    headers: { location: `/api/profile/${id}` }
  })
}

function noTherapist(): Problem {
  return new Problem('validation', 'There is no therapist with this id.', {
    errors: [{ pointer: '#/userId', detail: 'is no therapist’s' }]
  })
}
