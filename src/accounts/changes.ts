// The SQL that changes accounts and sessions. All that begins or ends a session locks its user's row first: without it a
// session could be refreshed past its end, or an eleventh begin while the tenth does.
import { randomUUIDv7 } from 'node:crypto'
import { and, eq, inArray, isNull, or } from 'drizzle-orm'
import { duplicateKey, errnoOf } from '../../db/refusal.ts'
import { sessions, users } from '../../db/schema.ts'
import type { SessionKey } from '../../plugins/auth.ts'
import type { Transaction } from '../cache/cache.ts'
import type { Database } from '../cache/view.ts'
import { Problem } from '../http/problem.ts'
import {
  type Credentials,
  findAccount,
  findLiving,
  findSessions,
  findToken,
  findTokenOwner,
  lockUser
} from './queries.ts'
import type { Account, Registration } from './schema.ts'
import { sessionsTag, userTag } from './tags.ts'

/** A user signs in anew at least so often, whatever he does: NIST SP 800-63B-4 §2.1.3. */
const sessionMs = 30 * 24 * 3_600_000
/** Of one user at once; the one that was refreshed longest ago makes room. */
export const mostSessions = 10
/** For so long the same device may send a used token again: its other tab, or the same request after a lost reply. */
const repeatMs = 10_000

export type Opened = {
  userId: string
  role: Account['role']
  sessionId: string
  /** The end of the session, ISO 8601. */
  expiresAt: string
}

/**
 * Begins a session.
 * @param credentials as they were when the password was verified
 * @param rehashed the same password hashed anew, where its hash was outdated
 * @returns null when they have changed meanwhile
 */
export async function openSession(
  transaction: Transaction,
  credentials: Credentials,
  rehashed: string | null,
  first: { digest: Buffer; device: string }
): Promise<Opened | null> {
  const { database } = transaction
  const { id: userId } = credentials
  const user = await lockUser(database, userId)
  if (user?.passwordHash !== credentials.passwordHash) return null

  const living = await findSessions(database, userId)
  const surplus = living.slice(0, Math.max(0, living.length - mostSessions + 1))
  await end(database, surplus)

  const sessionId = randomUUIDv7()
  const now = Date.now()
  const expiresAt = new Date(now + sessionMs).toISOString()
  const createdAt = new Date(now).toISOString()
  await database.insert(sessions).values({
    id: sessionId,
    familyId: sessionId,
    userId,
    tokenHash: first.digest,
    device: first.device,
    expiresAt,
    createdAt
  })
  await database
    .update(users)
    .set({ lastLoginAt: createdAt, ...(rehashed !== null && { passwordHash: rehashed }) })
    .where(eq(users.id, userId))
  transaction.touch(sessionsTag(userId))
  return { userId, role: user.role, sessionId, expiresAt }
}

export type Refreshed = Opened & {
  /** `reused`: somebody else has, or had, this token. The session has been ended. */
  outcome: 'refreshed' | 'repeated' | 'reused'
}

/**
 * Uses a refresh token up and puts its successor in its place (RFC 9700 §4.14.2). A token that comes again ends its
 * session, for thief and owner cannot be told apart; unless it comes at once, from the same device, and its successor
 * is unused: then it gets the same successor, so that there is still but one token to go on with.
 * @returns null for a token of no living session
 */
export async function refreshSession(
  transaction: Transaction,
  used: { digest: Buffer; device: string },
  successorDigest: Buffer
): Promise<Refreshed | null> {
  const { database } = transaction
  const userId = await findTokenOwner(database, used.digest)
  const user = userId === null ? null : await lockUser(database, userId)
  if (userId === null || user === null) return null
  const token = await findToken(database, used.digest)
  const now = Date.now()
  if (token === null || token.endedAt !== null || Date.parse(token.expiresAt) <= now) return null

  const { sessionId, expiresAt } = token
  const session = { userId, role: user.role, sessionId, expiresAt }
  if (token.usedAt === null) {
    const createdAt = new Date(now).toISOString()
    await database.update(sessions).set({ usedAt: createdAt }).where(eq(sessions.id, token.id))
    await database.insert(sessions).values({
      id: randomUUIDv7(),
      familyId: sessionId,
      userId,
      tokenHash: successorDigest,
      device: used.device,
      expiresAt,
      createdAt
    })
    transaction.touch(sessionsTag(userId))
    return { ...session, outcome: 'refreshed' }
  }

  const successor = await findToken(database, successorDigest)
  const isRepetition =
    now - Date.parse(token.usedAt) <= repeatMs &&
    successor !== null &&
    successor.usedAt === null &&
    successor.device === used.device
  if (isRepetition) return { ...session, outcome: 'repeated' }
  await end(database, [{ id: sessionId }])
  transaction.touch(sessionsTag(userId))
  return { ...session, outcome: 'reused' }
}

/** Ends a session of its user. False where there is none that lives. */
export async function endSession(transaction: Transaction, key: SessionKey): Promise<boolean> {
  const { database } = transaction
  await lockUser(database, key.userId)
  const [lives] = await findLiving(database, [key])
  if (!lives) return false
  await end(database, [key])
  transaction.touch(sessionsTag(key.userId))
  return true
}

/** Ends all sessions of a user but one; all of them where that is undefined. */
export async function endOtherSessions(
  transaction: Transaction,
  userId: string,
  spared: string | undefined
): Promise<void> {
  await lockUser(transaction.database, userId)
  await endOthers(transaction, userId, spared)
}

/**
 * Creates the account of a client or a therapist.
 * @throws Problem `duplicate` when the address has one
 */
export async function createAccount(
  transaction: Transaction,
  { password: _, ...columns }: Registration,
  passwordHash: string
): Promise<Account> {
  const { database } = transaction
  const id = randomUUIDv7()
  const at = new Date().toISOString()
  await database
    .insert(users)
    .values({ ...columns, id, passwordHash, createdAt: at, updatedAt: at })
    .catch((error: unknown) => {
      throw isDuplicate(error) ? new Problem('duplicate', 'This address has an account.') : error
    })
  transaction.touch(userTag(id))
  return accountJustWritten(database, id)
}

/**
 * Puts a new password in the place of the one that was verified, and ends every session but `spared`.
 * @returns false when the password has changed meanwhile
 */
export async function changePassword(
  transaction: Transaction,
  { id, passwordHash }: Credentials,
  newHash: string,
  spared: string | undefined
): Promise<boolean> {
  const { database } = transaction
  const user = await lockUser(database, id)
  if (user?.passwordHash !== passwordHash) return false
  await database
    .update(users)
    .set({ passwordHash: newHash, version: user.version + 1, updatedAt: new Date().toISOString() })
    .where(eq(users.id, id))
  await endOthers(transaction, id, spared)
  transaction.touch(userTag(id))
  return true
}

/**
 * Gives a user another role, and ends all his sessions: their tokens say the former one.
 * @throws Problem `not-found` where there is no such user
 */
export async function changeRole(
  transaction: Transaction,
  id: string,
  role: Account['role']
): Promise<Account> {
  const { database } = transaction
  const user = await lockUser(database, id)
  if (user === null) throw new Problem('not-found', 'There is no such user.')
  if (user.role !== role) {
    await database
      .update(users)
      .set({ role, version: user.version + 1, updatedAt: new Date().toISOString() })
      .where(eq(users.id, id))
    await endOthers(transaction, id, undefined)
    transaction.touch(userTag(id))
  }
  return accountJustWritten(database, id)
}

// Under the user's lock.
async function endOthers(
  transaction: Transaction,
  userId: string,
  spared: string | undefined
): Promise<void> {
  const living = await findSessions(transaction.database, userId)
  await end(
    transaction.database,
    living.filter(({ id }) => id !== spared)
  )
  transaction.touch(sessionsTag(userId))
}

// The first token's row says whether the session lives, the unused one's whether it is listed. Those between stay: they
// must be known when somebody comes with them.
async function end(database: Database, ended: readonly { id: string }[]): Promise<void> {
  if (ended.length === 0) return
  const ids = ended.map(({ id }) => id)
  await database
    .update(sessions)
    .set({ revokedAt: new Date().toISOString() })
    .where(
      and(
        inArray(sessions.familyId, ids),
        isNull(sessions.revokedAt),
        or(isNull(sessions.usedAt), eq(sessions.id, sessions.familyId))
      )
    )
}

async function accountJustWritten(database: Database, id: string): Promise<Account> {
  const account = await findAccount(database, id)
  if (account === null) throw new Error('the account just written is not there')
  return account
}

function isDuplicate(error: unknown): boolean {
  return errnoOf(error) === duplicateKey
}
