// How accounts are read: each for its owner alone, and whether a session lives, which is asked with every request.

import type { SessionView } from '../../plugins/auth.ts'
import { Content } from '../cache/content.ts'
import { type View, view } from '../http/view.ts'
import { findAccount, findLiving, findSessions } from './queries.ts'
import { Account, Sessions } from './schema.ts'
import { sessionsTag, userTag } from './tags.ts'

const seconds = 1_000

const living = Content.of('{}', 'living')

/**
 * Whether a session lives: present or absent. Nobody may be believed longer than he should, so when neither Redis nor
 * MySQL can tell there is no answer but 503; what is private would have none without them either.
 */
export const livingSession: SessionView = {
  // The owner first, from the same token.
  key: ({ userId, id }) => `${userId}/${id}`,
  cached: {
    name: 'session',
    revision: '1',
    tags: ({ userId }) => [sessionsTag(userId)],
    load: async (database, key) => contentOf((await findLiving(database, [key]))[0]),
    loadMany: async (database, keys) => (await findLiving(database, keys)).map(contentOf),
    ttlMs: 300 * seconds,
    absentTtlMs: 30 * seconds,
    staleBudgetMs: 0,
    staleIfErrorMs: 0
  }
}

function contentOf(lives: boolean | undefined): Content {
  return lives ? living : Content.absence()
}

const forItsOwner = {
  absentTtlMs: 30 * seconds,
  staleBudgetMs: 0,
  staleIfErrorMs: 0,
  browser: 'private, no-cache',
  edge: null
} as const

export const accountView: View<{ id: string }, Account> = view({
  ...forItsOwner,
  name: 'account',
  schema: Account,
  key: ({ id }) => id,
  tags: ({ id }) => [userTag(id)],
  groups: ({ id }) => [userTag(id)],
  load: (database, { id }) => findAccount(database, id),
  version: ({ version }) => version,
  ttlMs: 300 * seconds
})

/** `current` is the session that asks; undefined where a token of development does. */
export const sessionsView: View<{ userId: string; current: string | undefined }, Sessions> = view({
  ...forItsOwner,
  name: 'sessions',
  schema: Sessions,
  key: ({ userId, current = '' }) => `${userId}/${current}`,
  tags: ({ userId }) => [sessionsTag(userId)],
  groups: ({ userId }) => [sessionsTag(userId)],
  load: async (database, { userId, current }) => {
    const found = await findSessions(database, userId)
    return { data: found.map((session) => ({ ...session, current: session.id === current })) }
  },
  // An entry does not see a session run out.
  ttlMs: 60 * seconds
})
