// The SQL that changes clients. Each function touches the tags of what it changes and records its event, in the
// transaction that it is given.
import { randomUUIDv7 } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { and, eq, gt, inArray, sql } from 'drizzle-orm'
import { duplicateKey, errnoOf, noParentRow } from '../../db/refusal.ts'
import { bookings, clients } from '../../db/schema.ts'
import { bookingsOfUserTag } from '../bookings/tags.ts'
import type { Transaction } from '../cache/cache.ts'
import { recordEvent } from '../events/outbox.ts'
import { Problem } from '../http/problem.ts'
import { findByEmail, findClient } from './queries.ts'
import type { Client, ClientPatch, NewClient } from './schema.ts'
import { clientsTag, clientTag } from './tags.ts'

/**
 * Creates a record in a therapist's practice.
 * @throws Problem `duplicate`, with the other's Location, when one has this address; `conflict` without a practice
 */
export async function createClient(
  transaction: Transaction,
  therapistId: string,
  { notes, ...columns }: NewClient
): Promise<Client> {
  const id = randomUUIDv7()
  const at = new Date().toISOString()
  const kept = notes === undefined || notes === null ? null : { notes }
  await transaction.database
    .insert(clients)
    .values({ ...columns, id, therapistId, private: kept, createdAt: at, updatedAt: at })
    .catch(refused(transaction, therapistId, columns.email))
  return changed(transaction, id, therapistId, { type: 'client.created', data: { version: 1 }, at })
}

/**
 * Applies a merge patch to a record that `lockClient` has locked in this transaction. A patch that changes nothing
 * raises no version, empties no cache and is no event.
 * @throws Problem `duplicate`, with the other's Location, when another record has the address
 */
export async function updateClient(
  transaction: Transaction,
  current: Client,
  therapistId: string,
  patch: ClientPatch
): Promise<Client> {
  const names = differing(current, patch)
  if (names.length === 0) return current
  const { notes, ...columns } = patch
  const { id } = current
  const version = current.version + 1
  const at = new Date().toISOString()
  const [result] = await transaction.database
    .update(clients)
    .set({
      ...columns,
      ...(notes !== undefined && {
        private: sql`JSON_MERGE_PATCH(COALESCE(${clients.private}, '{}'), ${JSON.stringify({ notes })})`
      }),
      version,
      updatedAt: at
    })
    .where(
      and(eq(clients.id, id), eq(clients.therapistId, therapistId), eq(clients.version, current.version))
    )
    .catch(refused(transaction, therapistId, columns.email))
  // The lock makes this impossible. Without the lock it is what keeps two writers from overwriting each other.
  if (result.affectedRows !== 1) throw new Problem('precondition-failed')
  return changed(transaction, id, therapistId, {
    type: 'client.updated',
    data: { version, changed: names },
    at
  })
}

/**
 * Erases who a client is from a record that `lockClient` has locked in this transaction. What was booked and paid
 * stays, and is nobody's: docs/decisions/0005.
 * @throws Problem `conflict` while sessions are to come
 */
export async function eraseClient(
  transaction: Transaction,
  current: Client,
  therapistId: string
): Promise<void> {
  const { database } = transaction
  const { id } = current
  const at = new Date().toISOString()
  const [ahead] = await database
    .select({ id: bookings.id })
    .from(bookings)
    .where(
      and(
        eq(bookings.clientId, id),
        gt(bookings.startsAt, at),
        inArray(bookings.status, ['held', 'pending', 'confirmed'])
      )
    )
    .limit(1)
  if (ahead) throw new Problem('conflict', 'This client has sessions to come: cancel them first.')
  const version = current.version + 1
  await database
    .update(clients)
    .set({
      userId: null,
      name: '',
      email: null,
      phone: null,
      private: null,
      status: 'archived',
      version,
      updatedAt: at,
      erasedAt: at
    })
    .where(and(eq(clients.id, id), eq(clients.therapistId, therapistId)))
  transaction.touch(clientTag(id), clientsTag(therapistId))
  // What was booked is no longer found by the account that booked it.
  if (current.userId !== null) transaction.touch(bookingsOfUserTag(current.userId))
  await tell(transaction, id, therapistId, { type: 'client.erased', data: { version }, at })
}

type Change = {
  type: 'client.created' | 'client.updated' | 'client.erased'
  data: Record<string, unknown>
  at: string
}

async function changed(
  transaction: Transaction,
  id: string,
  therapistId: string,
  change: Change
): Promise<Client> {
  transaction.touch(clientTag(id), clientsTag(therapistId))
  tell(transaction, id, therapistId, change)
  const client = await findClient(transaction.database, id, therapistId)
  if (!client) throw new Error('the record just written is not there')
  return client
}

// To the therapist alone: that there is a record of somebody is for nobody else to learn.
function tell(transaction: Transaction, id: string, therapistId: string, change: Change): void {
  recordEvent(transaction, {
    ...change,
    subject: `client:${id}`,
    actorId: therapistId,
    recipients: [therapistId]
  })
}

/** The names of the fields that the patch would change. */
function differing(current: Client, patch: ClientPatch): string[] {
  const before: Record<string, unknown> = current
  return Object.entries(patch)
    .filter(([name, value]) => !isDeepStrictEqual(before[name], value))
    .map(([name]) => name)
}

/** What a refusal of the database means to the caller. */
function refused({ database }: Transaction, therapistId: string, email: string | null | undefined) {
  return async (error: unknown): Promise<never> => {
    const errno = errnoOf(error)
    if (errno === noParentRow) throw new Problem('conflict', 'Create your profile first.')
    if (errno !== duplicateKey || email === null || email === undefined) throw error
    const other = await findByEmail(database, therapistId, email)
    throw new Problem('duplicate', 'One of your clients has this e-mail address.', {
      ...(other !== null && { headers: { location: `/api/clients/${other}` } })
    })
  }
}
