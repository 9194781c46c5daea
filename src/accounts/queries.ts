// The SQL that reads accounts and sessions. A password's hash leaves this file only for who verifies it.
import { and, asc, eq, gt, inArray, isNull } from 'drizzle-orm'
import { alias } from 'drizzle-orm/mysql-core'
import { sessions, users } from '../../db/schema.ts'
import type { SessionKey } from '../../plugins/auth.ts'
import type { Database } from '../cache/view.ts'
import type { Account, Session } from './schema.ts'

export type Credentials = { id: string; email: string; passwordHash: string }

const credentials = { id: users.id, email: users.email, passwordHash: users.passwordHash }

/** Of the user with this address in any case; null where there is none. */
export async function findCredentials(database: Database, email: string): Promise<Credentials | null> {
  const [row] = await database
    .select(credentials)
    .from(users)
    .where(and(eq(users.emailNorm, email.toLowerCase()), isNull(users.erasedAt)))
  return row ?? null
}

/** Of the user with this id. */
export async function findCredentialsOf(database: Database, id: string): Promise<Credentials | null> {
  const [row] = await database
    .select(credentials)
    .from(users)
    .where(and(eq(users.id, id), isNull(users.erasedAt)))
  return row ?? null
}

const account = {
  id: users.id,
  email: users.email,
  role: users.role,
  verificationStatus: users.verificationStatus,
  locale: users.locale,
  timeZone: users.timeZone,
  version: users.version,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt
}

export async function findAccount(database: Database, id: string): Promise<Account | null> {
  const [row] = await database
    .select(account)
    .from(users)
    .where(and(eq(users.id, id), isNull(users.erasedAt)))
  return row ?? null
}

/** A user with his row locked until the transaction ends: the lock of all his sessions. */
export async function lockUser(
  database: Database,
  id: string
): Promise<{ role: Account['role']; passwordHash: string; version: number } | null> {
  const [row] = await database
    .select({ role: users.role, passwordHash: users.passwordHash, version: users.version })
    .from(users)
    .where(and(eq(users.id, id), isNull(users.erasedAt)))
    .for('update')
  return row ?? null
}

/** Which of these sessions live, in their order. One statement, however many. */
export async function findLiving(database: Database, keys: readonly SessionKey[]): Promise<boolean[]> {
  const rows = await database
    .select({ id: sessions.id, userId: sessions.userId })
    .from(sessions)
    .where(
      and(
        inArray(
          sessions.id,
          keys.map(({ id }) => id)
        ),
        eq(sessions.familyId, sessions.id),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, new Date().toISOString())
      )
    )
  const owners = new Map(rows.map(({ id, userId }) => [id, userId]))
  return keys.map(({ id, userId }) => owners.get(id) === userId)
}

/** The living sessions of a user, the one that was refreshed longest ago first: at most as many as a user may have. */
export async function findSessions(database: Database, userId: string): Promise<Omit<Session, 'current'>[]> {
  const first = alias(sessions, 'first')
  return database
    .select({
      id: sessions.familyId,
      device: sessions.device,
      createdAt: first.createdAt,
      refreshedAt: sessions.createdAt,
      expiresAt: sessions.expiresAt
    })
    .from(sessions)
    .innerJoin(first, eq(first.id, sessions.familyId))
    .where(
      and(
        eq(sessions.userId, userId),
        isNull(sessions.usedAt),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, new Date().toISOString())
      )
    )
    .orderBy(asc(sessions.createdAt), asc(sessions.id))
}

/** Who was given this token. Not locked: see `findToken`. */
export async function findTokenOwner(database: Database, digest: Buffer): Promise<string | null> {
  const [row] = await database
    .select({ userId: sessions.userId })
    .from(sessions)
    .where(eq(sessions.tokenHash, digest))
  return row?.userId ?? null
}

export type RefreshToken = {
  id: string
  sessionId: string
  device: string
  usedAt: string | null
  expiresAt: string
  /** When its session was ended. */
  endedAt: string | null
}

/** One token. Read it after `lockUser`, in whose transaction it then stays as it is. */
export async function findToken(database: Database, digest: Buffer): Promise<RefreshToken | null> {
  const first = alias(sessions, 'first')
  const [row] = await database
    .select({
      id: sessions.id,
      sessionId: sessions.familyId,
      device: sessions.device,
      usedAt: sessions.usedAt,
      expiresAt: sessions.expiresAt,
      endedAt: first.revokedAt
    })
    .from(sessions)
    .innerJoin(first, eq(first.id, sessions.familyId))
    .where(eq(sessions.tokenHash, digest))
  return row ?? null
}
