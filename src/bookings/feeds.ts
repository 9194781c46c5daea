// The SQL of the secret addresses of calendar files. What is kept is a hash: nobody can read an address from it.
import { eq } from 'drizzle-orm'
import { errnoOf, noParentRow } from '../../db/refusal.ts'
import { calendarFeeds } from '../../db/schema.ts'
import type { Transaction } from '../cache/cache.ts'
import { Problem } from '../http/problem.ts'
import { feedTag } from './tags.ts'

/**
 * Gives a therapist's calendar file a new address; the one before leads nowhere from now on.
 * @throws Problem `conflict` without a practice
 */
export async function rotateFeed(
  transaction: Transaction,
  therapistId: string,
  tokenHash: Buffer
): Promise<void> {
  await revokeFeed(transaction, therapistId)
  try {
    await transaction.database
      .insert(calendarFeeds)
      .values({ therapistId, tokenHash, createdAt: new Date().toISOString() })
  } catch (error) {
    if (errnoOf(error) !== noParentRow) throw error
    throw new Problem('conflict', 'Create your profile first.')
  }
  transaction.touch(feedTag(tokenHash.toString('base64url')))
}

/** Ends the address, where there is one. */
export async function revokeFeed(transaction: Transaction, therapistId: string): Promise<void> {
  const { database } = transaction
  const [former] = await database
    .select({ tokenHash: calendarFeeds.tokenHash })
    .from(calendarFeeds)
    .where(eq(calendarFeeds.therapistId, therapistId))
    .for('update')
  if (!former) return
  await database.delete(calendarFeeds).where(eq(calendarFeeds.therapistId, therapistId))
  transaction.touch(feedTag(former.tokenHash.toString('base64url')))
}
