// The SQL that changes profiles. Each function touches the tags of what it changes and tells the outbox, in the
// transaction that it is given; whatever it throws leaves nothing behind.
import { isDeepStrictEqual } from 'node:util'
import { and, eq, isNull } from 'drizzle-orm'
import { duplicateKey, errnoOf, noParentRow } from '../../db/refusal.ts'
import { profiles, profileTerms, users } from '../../db/schema.ts'
import type { Transaction } from '../cache/cache.ts'
import type { Database } from '../cache/view.ts'
import { createCalendar } from '../calendar/changes.ts'
import { recordEvent } from '../events/outbox.ts'
import { Problem } from '../http/problem.ts'
import { lockProfile } from './queries.ts'
import type { NewProfile, Profile, ProfilePatch } from './schema.ts'
import { profilesTag, profileTag } from './tags.ts'

export type Changed = {
  profile: Profile
  /** What this change touched; none where there was nothing to change. */
  tags: readonly string[]
}

/**
 * Creates the profile of a therapist; public, unless it says otherwise.
 * @param id of the therapist's user, and so of the profile
 * @param actorId of the user who does it
 * @throws Problem `duplicate` when there is one, `validation` when no therapist has this id
 */
export async function createProfile(
  transaction: Transaction,
  id: string,
  actorId: string,
  { userId: _, specialties, languages, approaches, ...columns }: NewProfile
): Promise<Changed> {
  const { database } = transaction
  const at = new Date().toISOString()
  const [therapist] = await database
    .select({ timeZone: users.timeZone })
    .from(users)
    .where(and(eq(users.id, id), eq(users.role, 'therapist'), isNull(users.erasedAt)))
  if (!therapist) throw noTherapist()
  await database
    .insert(profiles)
    .values({ visibility: 'public', ...columns, id, createdAt: at, updatedAt: at })
    .catch((error: unknown) => {
      throw refusalOf(error, id)
    })
  await replaceTerms(database, id, { specialties, languages, approaches })
  await createCalendar(transaction, id, { timeZone: therapist.timeZone, region: columns.region ?? '' })
  await tell(transaction, 'profile.created', id, actorId, { version: 1 }, at)
  return changed(transaction, id, columns.visibility ?? 'public')
}

/** What changes with a patch though no patch can say it: the owner's private details, and what has a table of its own. */
export type Besides = {
  private?: Record<string, unknown>
  /** Names of the fields of the profile that it changes. */
  names: readonly string[]
}

/**
 * Applies a merge patch to a profile that `lockProfile` has locked in this transaction. A patch that changes nothing
 * raises no version, empties no cache and is no event.
 */
export async function updateProfile(
  transaction: Transaction,
  current: Profile,
  actorId: string,
  patch: ProfilePatch,
  besides: Besides = { names: [] }
): Promise<Changed> {
  const { database } = transaction
  const { id, version } = current
  const names = [...differing(current, patch), ...besides.names]
  if (names.length === 0) return { profile: current, tags: [] }

  const { specialties, languages, approaches, ...columns } = patch
  const at = new Date().toISOString()
  const [result] = await database
    .update(profiles)
    .set({
      ...columns,
      ...(besides.private && { private: besides.private }),
      version: version + 1,
      updatedAt: at
    })
    .where(and(eq(profiles.id, id), eq(profiles.version, version)))
  // The lock makes this impossible. Without the lock it is what keeps two writers from overwriting each other.
  if (result.affectedRows !== 1) throw new Problem('precondition-failed')
  await replaceTerms(database, id, { specialties, languages, approaches })
  await tell(transaction, 'profile.updated', id, actorId, { version: version + 1, changed: names }, at)
  return changed(transaction, id, current.visibility)
}

/** Touches what the change made old, and reads what it made. */
async function changed(
  transaction: Transaction,
  id: string,
  visibilityBefore: Profile['visibility']
): Promise<Changed> {
  const profile = await lockProfile(transaction.database, id)
  if (!profile) throw new Error('the profile just written is not there')
  // Lists show, find or order by everything that may be written; those that are private are in none.
  const listed = visibilityBefore === 'public' || profile.visibility === 'public'
  const tags = listed ? [profileTag(id), profilesTag] : [profileTag(id)]
  transaction.touch(...tags)
  return { profile, tags }
}

/** The names of the fields that the patch would change. The order of a list of terms says nothing. */
function differing(current: Profile, patch: ProfilePatch): string[] {
  const before: Record<string, unknown> = current
  return Object.entries(patch)
    .filter(([name, value]) => {
      const after = Array.isArray(value) ? value.toSorted() : value
      return !isDeepStrictEqual(before[name], after)
    })
    .map(([name]) => name)
}

type GivenTerms = { [Name in 'specialties' | 'languages' | 'approaches']?: string[] | undefined }

async function replaceTerms(
  database: Database,
  profileId: string,
  { specialties, languages, approaches }: GivenTerms
): Promise<void> {
  const given = { specialty: specialties, language: languages, approach: approaches }
  for (const kind of ['specialty', 'language', 'approach'] as const) {
    const terms = given[kind]
    if (terms === undefined) continue
    await database
      .delete(profileTerms)
      .where(and(eq(profileTerms.kind, kind), eq(profileTerms.profileId, profileId)))
    if (terms.length > 0) {
      await database.insert(profileTerms).values(terms.map((term) => ({ profileId, kind, term })))
    }
  }
}

// What changed, by name alone: whoever may see the values can read them.
function tell(
  transaction: Transaction,
  type: 'profile.created' | 'profile.updated',
  id: string,
  actorId: string,
  data: Record<string, unknown>,
  at: string
): Promise<void> {
  return recordEvent(transaction, { type, subject: `profile:${id}`, actorId, recipients: [id], data, at })
}

function refusalOf(error: unknown, id: string): unknown {
  const errno = errnoOf(error)
  if (errno === noParentRow) return noTherapist()
  if (errno !== duplicateKey) return error
  return new Problem('duplicate', 'This therapist has a profile.', {
    headers: { location: `/api/profile/${id}` }
  })
}

function noTherapist(): Problem {
  return new Problem('validation', 'There is no therapist with this id.', {
    errors: [{ pointer: '#/userId', detail: 'is no therapist’s' }]
  })
}
