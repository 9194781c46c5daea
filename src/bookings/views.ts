// How bookings are read: one, a page of them, the parts that `expand` asks for, a therapist's calendar file. All private:
// each key begins with whose it is, from the token.
import { type TSchema, Type } from 'typebox'
import { clientTag } from '../clients/tags.ts'
import type { Cursors } from '../http/cursor.ts'
import { Uuid } from '../http/schemas.ts'
import { type View, type ViewDeclaration, view } from '../http/view.ts'
import { profileTag } from '../profiles/tags.ts'
import {
  findBookedClients,
  findBookedServices,
  findBooking,
  findFeed,
  findFeedOwner,
  findPage
} from './queries.ts'
import { BookedClient, BookedService, Booking, BookingPage } from './schema.ts'
import { keyOf, nameOf, type Page, type Party, partyKey, queryOf } from './search.ts'
import { bookingsOfUserTag, bookingsTag, bookingTag, feedTag } from './tags.ts'

const seconds = 1_000
const day = 86_400_000
/** A calendar file begins so long ago. */
const feedBehindMs = 30 * day

type Asked = { therapistId: string; id: string }

export type BookingViews = {
  booking: View<{ party: Party; id: string }, Booking>
  page: View<Page, BookingPage>
  /** For `expand`. */
  service: View<Asked, BookedService>
  client: View<Asked, BookedClient>
  /** Behind the hash of a calendar file's secret. */
  feedOwner: View<{ tokenHash: string }, { therapistId: string }>
  feed: View<{ therapistId: string }, Feed>
}

const Feed = Type.Object(
  {
    data: Type.Array(
      Type.Object({ ...Booking.properties, serviceName: Type.String() }, { additionalProperties: false })
    )
  },
  { additionalProperties: false }
)
type Feed = { data: (Booking & { serviceName: string })[] }

/** @param cursors of the service: a page tells where the next one begins */
export function bookingViews(cursors: Cursors): BookingViews {
  return {
    booking: ownView({
      name: 'booking',
      schema: Booking,
      ttlMs: 120 * seconds,
      key: ({ party, id }) => `${partyKey(party)}:${id}`,
      // An erased client is no longer anybody's: that touches all that the user could read.
      tags: ({ party, id }) => [
        bookingTag(id),
        ...(party.as === 'therapist' ? [] : [bookingsOfUserTag(party.id)])
      ],
      load: (database, { party, id }) => findBooking(database, party, id),
      version: ({ version }) => version,
      otherForms: true
    }),
    page: ownView({
      name: 'bookings',
      schema: BookingPage,
      ttlMs: 120 * seconds,
      key: keyOf,
      tags: ({ party }) => [party.as === 'therapist' ? bookingsTag(party.id) : bookingsOfUserTag(party.id)],
      async load(database, page) {
        const { rows, next } = await findPage(database, page)
        const position = next && [next.startsAt, next.id]
        return {
          data: rows,
          page: { next: position && cursors.seal(nameOf(page.party, page.search), position) }
        }
      },
      next: (asked, { page }) => (page.next === null ? null : `/api/bookings?${queryOf(asked, page.next)}`)
    }),
    service: ownView({
      name: 'booked-service',
      schema: BookedService,
      ttlMs: 300 * seconds,
      key: ({ id }) => id,
      // Services are part of their therapist's profile.
      tags: ({ therapistId }) => [profileTag(therapistId)],
      load: async (database, { id }) => (await findBookedServices(database, [id]))[0] ?? null,
      loadMany: (database, asked) =>
        findBookedServices(
          database,
          asked.map(({ id }) => id)
        )
    }),
    client: ownView({
      name: 'booked-client',
      schema: BookedClient,
      ttlMs: 120 * seconds,
      key: ({ therapistId, id }) => `t:${therapistId}:${id}`,
      tags: ({ id }) => [clientTag(id)],
      load: async (database, asked) => (await findBookedClients(database, [asked]))[0] ?? null,
      loadMany: findBookedClients
    }),
    feedOwner: ownView({
      name: 'calendar-feed-owner',
      schema: Type.Object({ therapistId: Uuid }),
      ttlMs: 300 * seconds,
      key: ({ tokenHash }) => tokenHash,
      tags: ({ tokenHash }) => [feedTag(tokenHash)],
      async load(database, { tokenHash }) {
        const therapistId = await findFeedOwner(database, Buffer.from(tokenHash, 'base64url'))
        return therapistId === null ? null : { therapistId }
      }
    }),
    feed: ownView({
      name: 'calendar-feed',
      schema: Feed,
      ttlMs: 300 * seconds,
      key: ({ therapistId }) => `t:${therapistId}`,
      tags: ({ therapistId }) => [bookingsTag(therapistId), profileTag(therapistId)],
      load: async (database, { therapistId }) => ({
        data: await findFeed(database, therapistId, new Date(Date.now() - feedBehindMs).toISOString())
      }),
      otherForms: true
    })
  }
}

type Own<Parameters, Value> = Omit<
  ViewDeclaration<Parameters, Value>,
  'groups' | 'absentTtlMs' | 'staleBudgetMs' | 'staleIfErrorMs' | 'browser' | 'edge'
> & { schema: TSchema }

/** Its owner's alone, and never older than what was acknowledged: somebody's whereabouts, and what leads to a booking. */
function ownView<Parameters, Value>(declaration: Own<Parameters, Value>): View<Parameters, Value> {
  return view({
    ...declaration,
    groups: () => [],
    absentTtlMs: 30 * seconds,
    staleBudgetMs: 0,
    staleIfErrorMs: 0,
    browser: 'private, no-cache',
    edge: null
  })
}
