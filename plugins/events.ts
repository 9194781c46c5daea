// Events of this instance: the tail that follows their order, and its announcements to and from the others.
import type { FastifyInstance, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { Redis } from 'ioredis'
import type { Ending } from '../src/events/stream.ts'
import { Tail } from '../src/events/tail.ts'

export type EventCounters = { open: number; sent: number; ended: Record<Ending, number> }

declare module 'fastify' {
  interface FastifyInstance {
    events: {
      tail: Tail
      /** Tells the other instances how far the order has come. */
      announce(head: number): void
      counters: EventCounters
    }
  }
}

const channel = 'turno:events'

export default fp(
  async (app: FastifyInstance) => {
    const { primary, primaryReads, replicas } = app.mysql
    const counters: EventCounters = { open: 0, sent: 0, ended: { left: 0, slow: 0, token: 0, drain: 0 } }
    const ear =
      app.settings.redis.url === null ? null : listen(app.settings.redis.url, (head) => tail.heard(head))
    // Not being heard loses nothing: everybody looks for himself once a second.
    const announce = (head: number) => void app.redis?.publish(channel, String(head)).catch(() => {})
    const tail = new Tail({
      primary,
      primaryReads,
      replicas,
      announce,
      hears: () => ear?.hears() ?? false,
      failed: (error) => app.log.debug({ err: error }, 'the order of events could not be followed')
    })
    app.decorate('events', { tail, announce, counters })

    // Whatever changed something may have recorded an event. After the answer: nobody waits for its place.
    app.addHook('onRoute', (route) => {
      if (!changes(route)) return
      route.onResponse = [route.onResponse ?? [], committed].flat()
    })
    function committed(_request: unknown, reply: { statusCode: number }, done: () => void): void {
      if (reply.statusCode < 400) tail.committed()
      done()
    }

    const { meter } = app.metrics
    meter
      .createObservableUpDownCounter('turno.events.streams', { description: 'Streams of events open.' })
      .addCallback((result) => result.observe(counters.open))
    meter
      .createObservableCounter('turno.events.sent', { description: 'Events written to streams.' })
      .addCallback((result) => result.observe(counters.sent))
    meter
      .createObservableCounter('turno.events.ended', { description: 'Streams that ended, by reason.' })
      .addCallback((result) => {
        for (const [reason, count] of Object.entries(counters.ended)) {
          result.observe(count, { 'turno.events.reason': reason })
        }
      })

    app.addHook('onClose', async () => {
      ear?.close()
      await tail.close()
    })
  },
  { name: 'events', dependencies: ['mysql', 'redis', 'telemetry'] }
)

/** A connection of its own: the cache's carries proofs, and its replies must not wait behind ours. */
function listen(url: string, heard: (head: number) => void) {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    connectTimeout: 1_000,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000)
  })
  redis.on('error', () => {})
  redis.on('message', (_channel: string, head: string) => {
    if (/^\d{1,15}$/.test(head)) heard(Number(head))
  })
  redis.subscribe(channel).catch(() => {})
  return { hears: () => redis.status === 'ready', close: () => redis.disconnect() }
}

function changes({ method }: RouteOptions): boolean {
  return [method].flat().some((one) => one !== 'GET' && one !== 'HEAD' && one !== 'OPTIONS')
}
