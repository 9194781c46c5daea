// The SQL that reads what only the owner of a profile may see. Whoever calls it has the id from a token.
import { and, asc, eq } from 'drizzle-orm'
import { profiles, services } from '../../../db/schema.ts'
import type { Database } from '../../cache/view.ts'
import { findProfile } from '../queries.ts'
import type { OwnProfile, OwnService } from './schema.ts'

/** The profile of this user, of either visibility, with its private side; null where there is none. */
export async function findOwnProfile(database: Database, ownerId: string): Promise<OwnProfile | null> {
  const profile = await findProfile(database, ownerId)
  if (!profile) return null
  const [row] = await database
    .select({ private: profiles.private })
    .from(profiles)
    .where(eq(profiles.id, ownerId))
  return { ...profile, services: await findOwnServices(database, ownerId), private: row?.private ?? {} }
}

/** What this therapist offers, the cheapest first. */
export function findOwnServices(database: Database, ownerId: string): Promise<OwnService[]> {
  return database
    .select({
      id: services.id,
      name: services.name,
      durationMinutes: services.durationMin,
      price: services.price,
      currency: services.currency,
      mode: services.mode,
      needsApproval: services.needsApproval,
      bufferBeforeMinutes: services.bufferBeforeMin,
      bufferAfterMinutes: services.bufferAfterMin,
      stepMinutes: services.stepMin
    })
    .from(services)
    .where(and(eq(services.therapistId, ownerId), eq(services.active, true)))
    .orderBy(asc(services.price), asc(services.id))
}
