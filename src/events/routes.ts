// A user's own events over HTTP, as they happen: docs/events.md.

import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { callerOf } from '../../plugins/auth.ts'
import { Problem } from '../http/problem.ts'
import { problemResponses } from '../http/schemas.ts'
import { EventStream, streamHeaders } from './stream.ts'

/** A person has a few tabs and a telephone. */
const mostOfOneUser = 8
const longestTimerMs = 2 ** 31 - 1

const acceptable = /(?:^|,)\s*(?:\*\/\*|text\/(?:\*|event-stream))\s*(?:;|,|$)/i

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const streams = new Set<EventStream>()
  const ofUser = new Map<string, number>()
  const { counters, tail } = app.events

  // Before the listener closes: a stream would keep its connection, and with it the instance, for ever.
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.end('drain')
  })

  app.get(
    '/api/events',
    {
      onRequest: app.authenticate,
      // An hour is no slow request here.
      logLevel: 'error',
      schema: {
        tags: ['events'],
        operationId: 'streamEvents',
        summary: 'One’s own events, as they happen',
        description:
          'Server-sent events. Each message has an id, its place in the order of events, and as data an object with `id`, `type`, `subject`, `at` and `data`. After a break `Last-Event-ID` goes on where the stream broke. `event: reset` says that what was missed is too much to tell: read anew what you show. The stream ends with the access token, and when an instance leaves: open it again.',
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({
              pattern: '^\\d{1,15}$',
              description: 'The id of the last message that was received.',
              examples: ['4711']
            })
          )
        }),
        response: {
          200: {
            description: 'Open until one of the two leaves.',
            content: {
              'text/event-stream': {
                schema: Type.Unsafe<Readable>({
                  type: 'string',
                  examples: [
                    'id: 4712\ndata: {"id":"0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50","type":"booking.created","subject":"booking:0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e51","at":"2026-11-23T16:00:00.000Z","data":{"version":1}}\n\n'
                  ]
                })
              }
            }
          },
          ...problemResponses(406, 429, 503)
        }
      }
    },
    async (request, reply) => {
      const { accept } = request.headers
      if (accept !== undefined && !acceptable.test(accept)) throw new Problem('not-acceptable')
      if (request.method === 'HEAD') return reply.headers(streamHeaders).send(Readable.from([]))

      const { id: userId } = callerOf(request)
      const leave = enter(userId)
      const after = request.headers['last-event-id']
      const goesOn = () =>
        app.authenticate(request, reply, (error?: Error) => {
          if (error) stream.end('token')
        })
      const stream = new EventStream(reply.raw, () => void counters.sent++, goesOn)
      const ending = setTimeout(() => stream.end('token'), Math.min(msLeft(request), longestTimerMs))
      let close = () => {}
      stream.onEnd = (reason) => {
        counters.ended[reason]++
        clearTimeout(ending)
        streams.delete(stream)
        leave()
        close()
      }
      streams.add(stream)
      try {
        const opened = await tail.open(userId, after === undefined ? null : Number(after), stream)
        close = opened.close
        stream.at(opened.place)
      } catch (error) {
        stream.end('left')
        throw error
      }
      // It may have ended while the past was being read.
      if (!streams.has(stream)) close()
      return reply.headers(streamHeaders).send(stream.body)
    }
  )

  /** @returns what to call when the stream is over */
  function enter(userId: string): () => void {
    const own = ofUser.get(userId) ?? 0
    if (own >= mostOfOneUser) {
      throw new Problem('quota-exceeded', `You have ${own} streams open here: close one.`, {
        headers: { 'retry-after': '5' }
      })
    }
    if (counters.open >= app.settings.events.streams) {
      throw new Problem('unavailable', 'This instance has as many streams open as it may.')
    }
    ofUser.set(userId, own + 1)
    counters.open++
    return () => {
      counters.open--
      const left = (ofUser.get(userId) ?? 1) - 1
      if (left === 0) ofUser.delete(userId)
      else ofUser.set(userId, left)
    }
  }
}

export default routes

/** Until the access token ends, ms. It was verified: only its end is read here. */
function msLeft({ headers }: FastifyRequest): number {
  const payload = headers.authorization?.split('.')[1] ?? ''
  const { exp }: { exp?: unknown } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return Math.max(0, Number(exp) * 1000 - Date.now())
}
