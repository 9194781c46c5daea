// `expand=client,service`: the things themselves beside their ids. They are entries of the cache in their own right, with
// their own tags; what is missing of one kind is loaded with one statement, however many bookings there are.
import type { FastifyRequest } from 'fastify'
import { find } from '../http/serve.ts'
import type { View } from '../http/view.ts'
import type { Booking, ExpandedBooking } from './schema.ts'
import type { BookingViews } from './views.ts'

export type Part = 'client' | 'service'

/** What is to be shown, in one order whatever the spelling; null where nothing is. */
export function partsOf(expand: string | undefined): readonly Part[] | null {
  if (expand === undefined) return null
  const named = expand.split(',')
  return (['client', 'service'] as const).filter((part) => named.includes(part))
}

/** Gives what shows bookings with their parts. A part that is gone is null. */
export function expanding(views: BookingViews) {
  return async (
    request: FastifyRequest,
    bookings: readonly Booking[],
    parts: readonly Part[]
  ): Promise<ExpandedBooking[]> => {
    const client = parts.includes('client')
      ? load(
          request,
          views.client,
          bookings.map(({ therapistId, clientId: id }) => ({ therapistId, id }))
        )
      : null
    const service = parts.includes('service')
      ? load(
          request,
          views.service,
          bookings.map(({ therapistId, serviceId: id }) => ({ therapistId, id }))
        )
      : null
    const [clients, services] = await Promise.all([client, service])
    return bookings.map((booking) => ({
      ...booking,
      ...(clients && { client: clients.get(booking.clientId) ?? null }),
      ...(services && { service: services.get(booking.serviceId) ?? null })
    }))
  }
}

type Asked = { therapistId: string; id: string }

/** Asked for in one tick, so that those which no layer has share a query. */
async function load<Value>(
  request: FastifyRequest,
  view: View<Asked, Value>,
  asked: readonly Asked[]
): Promise<Map<string, Value>> {
  const distinct = [...new Map(asked.map((one) => [one.id, one])).values()]
  const found = await Promise.all(distinct.map((one) => find(request, view, one)))
  const values = new Map<string, Value>()
  distinct.forEach(({ id }, i) => {
    const content = found[i]?.content
    if (content && !content.absent) values.set(id, JSON.parse(content.text))
  })
  return values
}
