// The SQL by which an owner replaces his profile, its private side and its services. It touches its tags and tells the
// outbox in the transaction that it is given, in which the calendar is locked first and the profile then.
import { randomUUIDv7 } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { and, eq, inArray } from 'drizzle-orm'
import { services } from '../../../db/schema.ts'
import type { Transaction } from '../../cache/cache.ts'
import { raiseCalendar } from '../../calendar/queries.ts'
import { calendarTag } from '../../calendar/tags.ts'
import { Problem } from '../../http/problem.ts'
import type { Change } from '../../http/written.ts'
import { updateProfile } from '../changes.ts'
import { nothingSaid } from '../schema.ts'
import { findOwnProfile } from './queries.ts'
import type { GivenService, NewOwnProfile, OwnProfile, OwnService } from './schema.ts'

/**
 * Replaces all that its owner may say in a profile. One that says the same already raises no version, empties no cache
 * and is no event.
 * @throws Problem `validation` for a service that is not among those offered
 */
export async function replaceProfile(
  transaction: Transaction,
  current: OwnProfile,
  { services: given, private: details = {}, ...columns }: NewOwnProfile
): Promise<Change<OwnProfile>> {
  const { id } = current
  const hasOtherDetails = !isDeepStrictEqual(current.private, details)
  const hasOtherServices = await replaceServices(transaction, current, given)
  const said = { ...nothingSaid, ...columns }
  const { tags } = await updateProfile(transaction, current, id, said, {
    ...(hasOtherDetails && { private: details }),
    names: [...(hasOtherDetails ? ['private'] : []), ...(hasOtherServices ? ['services'] : [])]
  })
  if (hasOtherServices) await raiseCalendar(transaction, id)
  const replaced = await findOwnProfile(transaction.database, id)
  if (!replaced) throw new Error('the profile just written is not there')
  return { value: replaced, tags: hasOtherServices ? [...tags, calendarTag(id)] : tags }
}

/** @returns whether there was anything to change */
async function replaceServices(
  { database }: Transaction,
  { id: therapistId, currency, services: offered }: OwnProfile,
  given: readonly GivenService[]
): Promise<boolean> {
  const byId = new Map(offered.map((service) => [service.id, service]))
  const wanted = given.map((service, i) => {
    const known = service.id === undefined ? undefined : byId.get(service.id.toLowerCase())
    if (service.id !== undefined && !known) throw noSuchService(i)
    return { known, service: completed(service, known?.id ?? randomUUIDv7(), known?.currency ?? currency) }
  })
  const kept = new Set(wanted.map(({ service }) => service.id))
  if (kept.size < wanted.length) {
    throw new Problem('validation', undefined, {
      errors: [{ pointer: '#/services', detail: 'has an id twice' }]
    })
  }

  const dropped = offered.flatMap(({ id }) => (kept.has(id) ? [] : [id]))
  const others = wanted.filter(({ known, service }) => !isDeepStrictEqual(known, service))
  for (const { known, service } of others) {
    const { id, ...row } = rowOf(service)
    if (known)
      await database
        .update(services)
        .set(row)
        .where(isHis(therapistId, [id]))
    else await database.insert(services).values({ id, therapistId, ...row })
  }
  if (dropped.length > 0) {
    await database.update(services).set({ active: false }).where(isHis(therapistId, dropped))
  }
  return others.length > 0 || dropped.length > 0
}

function completed(
  {
    bufferBeforeMinutes = 0,
    bufferAfterMinutes = 10,
    stepMinutes = 30,
    needsApproval = false,
    ...said
  }: GivenService,
  id: string,
  currency: string
): OwnService {
  return { ...said, id, currency, needsApproval, bufferBeforeMinutes, bufferAfterMinutes, stepMinutes }
}

function rowOf(service: OwnService) {
  const { id, name, durationMinutes, price, currency, mode, needsApproval } = service
  return {
    id,
    name,
    durationMin: durationMinutes,
    bufferBeforeMin: service.bufferBeforeMinutes,
    bufferAfterMin: service.bufferAfterMinutes,
    stepMin: service.stepMinutes,
    price,
    currency,
    mode,
    needsApproval
  }
}

function isHis(therapistId: string, ids: readonly string[]) {
  return and(eq(services.therapistId, therapistId), inArray(services.id, [...ids]))
}

function noSuchService(index: number): Problem {
  return new Problem('validation', undefined, {
    errors: [{ pointer: `#/services/${index}/id`, detail: 'is none of your services' }]
  })
}
