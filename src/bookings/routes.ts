// Bookings over HTTP: list, one, create, change; and the calendar file that a therapist subscribes to.
import { createHash, randomBytes } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { type Caller, callerOf } from '../../plugins/auth.ts'
import { entityTag, requireMatch } from '../http/conditional.ts'
import { consistencyHeader } from '../http/consistency.ts'
import { cursors } from '../http/cursor.ts'
import { IdempotencyHeaders, type Outcome, writeOnce } from '../http/idempotency.ts'
import { Problem } from '../http/problem.ts'
import { IdParameters, problemResponses } from '../http/schemas.ts'
import { find, serve, serveForm } from '../http/serve.ts'
import { changeBooking, createBooking } from './changes.ts'
import { expanding, partsOf } from './expand.ts'
import { revokeFeed, rotateFeed } from './feeds.ts'
import { calendarFile, calendarType, prefersCalendar } from './icalendar.ts'
import {
  Booking,
  BookingPatch,
  BookingQuery,
  BookingReplacement,
  CalendarFeed,
  ExpandedBooking,
  ExpandedBookingPage,
  expandParameter,
  NewBooking
} from './schema.ts'
import { type Party, pageOf } from './search.ts'
import { Turns } from './turns.ts'
import { bookingViews } from './views.ts'
import watch from './watch.ts'

const tags = ['bookings']
const ItemQuery = Type.Object(expandParameter, { additionalProperties: false })
const WriteHeaders = Type.Object({
  'if-match': Type.Optional(Type.String({ maxLength: 400 })),
  ...IdempotencyHeaders
})

const pathOf = (id: string) => `/api/bookings/${id}`
const jsonType = 'application/json; charset=utf-8'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(watch)
  const positions = cursors(app.settings.auth.secret)
  const views = bookingViews(positions)
  const expand = expanding(views)
  const turns = new Turns()

  app.get(
    '/api/bookings',
    {
      onRequest: app.authenticate,
      config: { repeats: true },
      schema: {
        tags,
        operationId: 'listBookings',
        summary: 'List bookings',
        description:
          'A therapist’s own calendar, or what a user has booked: by day, span, status and client. Without `expand` the ids alone.',
        querystring: BookingQuery,
        response: { 200: ExpandedBookingPage, ...problemResponses(406, 503) }
      }
    },
    async (request, reply) => {
      const page = pageOf(partyOf(request.caller), request.query, positions.open)
      const parts = partsOf(request.query.expand)
      if (parts === null) {
        serve(request, reply, views.page, page)
        return reply
      }
      return serveForm(request, reply, views.page, page, {
        type: jsonType,
        async write({ data, page }) {
          return JSON.stringify({ data: await expand(request, data, parts), page })
        },
        again: `&expand=${parts.join(',')}`
      })
    }
  )

  app.get(
    '/api/bookings/:id',
    {
      onRequest: app.authenticate,
      config: { repeats: true },
      schema: {
        tags,
        operationId: 'getBooking',
        summary: 'Get one booking',
        description:
          'For those who are in it. With `Accept: text/calendar` as a file for a calendar, RFC 5545.',
        params: IdParameters,
        querystring: ItemQuery,
        response: {
          200: {
            description: 'The booking, or the file.',
            content: {
              'application/json': { schema: ExpandedBooking },
              'text/calendar': { schema: Type.String({ description: 'One VEVENT.' }) }
            }
          },
          ...problemResponses(404, 406, 503)
        }
      }
    },
    async (request, reply) => {
      const asked = { party: partyOf(request.caller), id: request.params.id.toLowerCase() }
      if (prefersCalendar(request.headers.accept)) {
        return serveForm(request, reply, views.booking, asked, {
          type: calendarType,
          async write(booking) {
            const [expanded] = await expand(request, [booking], ['service'])
            return calendarFile([{ ...booking, summary: expanded?.service?.name ?? 'Turno' }])
          }
        })
      }
      const parts = partsOf(request.query.expand)
      if (parts === null) {
        serve(request, reply, views.booking, asked)
        return reply
      }
      return serveForm(request, reply, views.booking, asked, {
        type: jsonType,
        write: async (booking) => JSON.stringify((await expand(request, [booking], parts))[0])
      })
    }
  )

  app.post(
    '/api/bookings',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'createBooking',
        summary: 'Book a session, or hold its slot',
        description:
          'A client books with a therapist, a therapist for one of the own clients. When: `start` with an offset, or `date` and `startTime`. A therapist may pass over the own rules; nobody may overlap.',
        headers: Type.Object(IdempotencyHeaders),
        body: NewBooking,
        response: { 201: Booking, ...problemResponses(403, 409, 422, 503) }
      }
    },
    (request, reply) => {
      const party = bookerOf(request.caller)
      const { body } = request
      const line = party.as === 'therapist' ? party.id : (body.serviceId ?? body.therapistId ?? party.id)
      return turns.take(line.toLowerCase(), () =>
        writeOnce(app, request, reply, async (transaction): Promise<Outcome> => {
          const booking = await createBooking(transaction, party, body, Date.now())
          return outcome(booking, 201, 'booking.create', { location: pathOf(booking.id) })
        })
      )
    }
  )

  const change = (
    request: FastifyRequest<{ Params: { id: string }; Body: BookingPatch }>,
    reply: FastifyReply,
    whole: boolean
  ): Promise<void> => {
    const party = bookerOf(request.caller)
    const id = request.params.id.toLowerCase()
    const ifMatch = request.headers['if-match']
    return turns.take(party.id, () =>
      writeOnce(app, request, reply, async (transaction): Promise<Outcome> => {
        const precondition = (current: Booking) =>
          requireMatch(ifMatch, current.version, true, () => tagOf(current))
        const booking = await changeBooking(
          transaction,
          party,
          id,
          { body: request.body, whole, precondition },
          Date.now()
        )
        return outcome(booking, 200, 'booking.update')
      })
    )
  }
  const refusals = problemResponses(403, 404, 409, 412, 422, 428, 503)

  app.patch(
    '/api/bookings/:id',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'updateBooking',
        summary: 'Confirm, cancel, decline, complete or move a booking',
        description:
          'A merge patch (RFC 7396) of the version that If-Match names: a `status`, or a time. A booking that is moved stays the same one.',
        params: IdParameters,
        headers: WriteHeaders,
        body: BookingPatch,
        response: { 200: Booking, ...refusals }
      }
    },
    (request, reply) => change(request, reply, false)
  )

  app.put(
    '/api/bookings/:id',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'replaceBooking',
        summary: 'Say what a booking shall be',
        description: 'As PATCH, but what is said and already so is left as it is.',
        params: IdParameters,
        headers: WriteHeaders,
        body: BookingReplacement,
        response: { 200: Booking, ...refusals }
      }
    },
    (request, reply) => change(request, reply, true)
  )

  app.get(
    '/api/calendar/:file',
    {
      schema: {
        tags,
        operationId: 'getCalendarFeed',
        summary: 'A therapist’s sessions as a calendar file',
        description:
          'To subscribe to in a calendar; the address is the secret. Names of services and no names of people, from thirty days ago on.',
        params: Type.Object({ file: Type.String({ maxLength: 64 }) }),
        response: {
          200: {
            description: 'The file, RFC 5545.',
            content: { 'text/calendar': { schema: Type.String() } }
          },
          ...problemResponses(404, 503)
        }
      }
    },
    async (request, reply) => {
      const token = /^([\w-]{43})\.ics$/.exec(request.params.file)?.[1]
      if (token === undefined) throw new Problem('not-found')
      const { content } = await find(request, views.feedOwner, {
        tokenHash: hashOf(token).toString('base64url')
      })
      if (content.absent) throw new Problem('not-found')
      return serveForm(request, reply, views.feed, JSON.parse(content.text), {
        type: calendarType,
        write: ({ data }) =>
          calendarFile(data.map(({ serviceName, ...booking }) => ({ ...booking, summary: serviceName })))
      })
    }
  )

  app.post(
    '/api/calendar-feed',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'rotateCalendarFeed',
        summary: 'Make a secret address for one’s calendar file',
        description:
          'For therapists. The address before it is good no longer. Takes no Idempotency-Key: an answer that is kept would be a secret that is kept.',
        response: { 201: CalendarFeed, ...problemResponses(403, 409, 503) }
      }
    },
    async (request, reply) => {
      const therapistId = therapist(request.caller)
      const token = randomBytes(32).toString('base64url')
      const { stamp } = await app.cache.write((transaction) =>
        rotateFeed(transaction, therapistId, hashOf(token))
      )
      const act = { action: 'calendar-feed.rotate', resource: 'calendar', resourceId: therapistId }
      app.audit.record(act, request)
      const url = `/api/calendar/${token}.ics`
      return reply
        .code(201)
        .headers({
          'cache-control': 'no-store',
          location: url,
          [consistencyHeader]: app.consistency.of(stamp)
        })
        .send({ url })
    }
  )

  app.delete(
    '/api/calendar-feed',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'revokeCalendarFeed',
        summary: 'End the secret address of one’s calendar file',
        response: {
          204: Type.Null({ description: 'There is none any more.' }),
          ...problemResponses(403, 503)
        }
      }
    },
    (request, reply) => {
      const therapistId = therapist(request.caller)
      return writeOnce(app, request, reply, async (transaction): Promise<Outcome> => {
        await revokeFeed(transaction, therapistId)
        const act = { action: 'calendar-feed.revoke', resource: 'calendar', resourceId: therapistId }
        return { status: 204, headers: {}, body: '', act }
      })
    }
  )

  /** The ETag of the representation that a GET would answer with, uncompressed. */
  function tagOf(booking: Booking): string {
    return entityTag(views.booking.represent(booking).tag, 'identity')
  }

  function outcome(
    booking: Booking,
    status: number,
    action: string,
    headers: Record<string, string> = {}
  ): Outcome {
    const content = views.booking.represent(booking)
    return {
      status,
      act: { action, resource: 'booking', resourceId: booking.id },
      headers: {
        ...headers,
        'content-type': jsonType,
        'cache-control': 'private, no-cache',
        'content-location': pathOf(booking.id),
        etag: entityTag(content.tag, 'identity')
      },
      body: content
    }
  }
}

export default routes

/** Whose bookings somebody sees: a therapist the own calendar, everybody else what they have booked themselves. */
function partyOf(caller: Caller | null): Party {
  const { id, role } = callerOf({ caller })
  return { as: role === 'therapist' ? 'therapist' : 'client', id }
}

function bookerOf(caller: Caller | null): Party {
  if (callerOf({ caller }).role === 'admin') {
    throw new Problem('forbidden', 'Bookings are made and changed by those who are in them.')
  }
  return partyOf(caller)
}

function therapist(caller: Caller | null): string {
  const { id, role } = callerOf({ caller })
  if (role !== 'therapist') throw new Problem('forbidden', 'Calendars belong to therapists.')
  return id
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
