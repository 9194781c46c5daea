// Availability over HTTP: what can be booked, and the rules behind it for their owner.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { callerOf } from '../../plugins/auth.ts'
import { findCalendar, lockCalendar } from '../calendar/queries.ts'
import { entityTag, requireMatch } from '../http/conditional.ts'
import { Problem } from '../http/problem.ts'
import { problemResponses } from '../http/schemas.ts'
import { find, serve, serveMade } from '../http/serve.ts'
import { answerWritten } from '../http/written.ts'
import { openCalendar, replaceRules, rulesAreThere } from './changes.ts'
import { type MonthAsked, monthsBetween } from './month.ts'
import { Offers, offered } from './offers.ts'
import { hasProfile } from './queries.ts'
import { type Question, questionOf } from './question.ts'
import { columnsOf, rulesOf } from './rules.ts'
import { Availability, AvailabilityQuery, NewRules, Rules } from './schema.ts'
import { heldMonthView, monthView, ownHoldView, rulesView } from './views.ts'

const tags = ['availability']
/** No practice takes bookings further ahead: later months hold nothing for anybody and are not looked for. */
const longestHorizonMs = 366 * 86_400_000

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const offers = new Offers()

  app.get(
    '/api/availability',
    {
      // A hold is somebody's: who asks about one has to say who he is.
      preHandler: (request, reply, done) =>
        request.query.holdId === undefined ? done() : app.authenticate(request, reply, done),
      schema: {
        tags,
        operationId: 'getAvailability',
        summary: 'Find what can be booked',
        description:
          'Slots of one service of a therapist, 31 days at most, by the days of the viewer’s zone. Only that they are free is told, never why others are not. With `holdId` it needs the token of whose hold it is.',
        querystring: AvailabilityQuery,
        response: { 200: Availability, ...problemResponses(401, 404, 406, 422, 503) }
      }
    },
    async (request, reply) => {
      const question = questionOf(request.query)
      const { therapistId } = question
      const now = Date.now()
      const months = monthsOf(question, now)
      const { holdId } = request.query
      if (holdId === undefined) {
        return serveMade(request, reply, monthView, months, (contents) => offers.of(question, contents, now))
      }
      const ofCaller = { userId: callerOf(request).id, therapistId, holdId: holdId.toLowerCase() }
      const hold = await find(request, ownHoldView, ofCaller)
      const ownHoldId = hold.content.absent ? undefined : ofCaller.holdId
      return serveMade(
        request,
        reply,
        heldMonthView,
        months,
        (contents) => offered(question, contents, now, ownHoldId).content
      )
    }
  )

  app.get(
    '/api/availability/rules',
    {
      onRequest: app.authenticate,
      config: { repeats: true },
      schema: {
        tags,
        operationId: 'getRules',
        summary: 'Get your rules',
        description: 'When the therapist who calls can be booked.',
        response: { 200: Rules, ...problemResponses(404, 406, 503) }
      }
    },
    (request, reply) => serve(request, reply, rulesView, { therapistId: callerOf(request).id })
  )

  app.put(
    '/api/availability/rules',
    {
      onRequest: app.authenticate,
      schema: {
        tags,
        operationId: 'replaceRules',
        summary: 'Replace your rules',
        description:
          'All of them at once, from the version that If-Match names. What is booked stays booked. A therapist who has none yet sends `If-None-Match: *` instead.',
        headers: Type.Object({
          'if-match': Type.Optional(Type.String({ maxLength: 400 })),
          'if-none-match': Type.Optional(Type.String({ maxLength: 400 }))
        }),
        body: NewRules,
        response: { 200: Rules, 201: Rules, ...problemResponses(404, 412, 428, 503) }
      }
    },
    async (request, reply) => {
      const { id } = callerOf(request)
      const rules = columnsOf(request.body)
      const creates = request.headers['if-none-match']?.trim() === '*'
      const { result, stamp } = await app.cache.write(async (transaction) => {
        const { database } = transaction
        const version = await lockCalendar(database, id)
        if (version === null) {
          if (!creates || !(await hasProfile(database, id)))
            throw new Problem('not-found', 'You have no rules yet.')
          await openCalendar(transaction, id, rules.timeZone)
        } else if (creates) {
          throw rulesAreThere()
        } else {
          const current = await findCalendar(database, id)
          const tag = () => (current ? entityTag(rulesView.represent(rulesOf(current)).tag, 'identity') : '')
          requireMatch(request.headers['if-match'], version, true, tag)
        }
        return { created: version === null, change: await replaceRules(transaction, id, rules) }
      })
      if (result.created || result.change.tags.length > 0) {
        app.audit.record({ action: 'calendar.replace', resource: 'calendar', resourceId: id }, request)
      }
      return answerWritten(reply.code(result.created ? 201 : 200), rulesView, result.change, stamp)
    }
  )
}

export default routes

/** The entries that an answer is made of: those of one month at least, for even of nothing it is said whose it is. */
function monthsOf({ therapistId, serviceId, around }: Question, now: number): [MonthAsked, ...MonthAsked[]] {
  const from = Math.max(around.from, now)
  const to = Math.min(around.to, now + longestHorizonMs)
  const [first = '', ...others] = to > from ? monthsBetween(from, to) : monthsBetween(now, now + 1)
  const asked = (month: string) => ({ therapistId, serviceId, month })
  return [asked(first), ...others.map(asked)]
}
