// Puts what is at hand (src/http/at-hand.ts) before Fastify. A route takes part that says so:
//
//   app.get('/api/things/:id', { config: { repeats: true } }, handler)

import type { IncomingMessage } from 'node:http'
import { all, compile } from '@fastify/proxy-addr'
import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { AtHand, type Repeating } from '../src/http/at-hand.ts'
import { slowRequest } from '../src/log.ts'

declare module 'fastify' {
  interface FastifyRequest {
    repeating: Repeating | null
  }
  interface FastifyContextConfig {
    /**
     * The same URL, from the same caller, asks for the same entry of the cache at any time (`serve`), and nothing else
     * happens: nothing is recorded, nothing depends on the moment or on another header than `serve` reads.
     */
    repeats?: true
  }
}

export default fp(
  async (app: FastifyInstance) => {
    const { log, telemetry, http } = app.settings
    const atHand = new AtHand({
      requests: app.requests,
      load: app.load,
      addressOf: addressOf(http.trustProxy),
      idOf: (request) => app.requestIdOf(request),
      recall: app.recall,
      isAlive: app.isAlive,
      // A hit asks nobody: a trace of it is one span, which says what the metrics say. It is made for who traces himself.
      isTraced: (headers) => telemetry.otlpEndpoint !== null && headers.traceparent !== undefined,
      slowMs: log.slowRequestMs,
      slow: (answer) => slowRequest(app.log, answer)
    })
    app.metrics.meter
      .createObservableCounter('turno.http.at_hand', { description: 'Answers given before routing.' })
      .addCallback((result) => result.observe(atHand.answers))
    app.addHook('preClose', async () => atHand.close())

    app.decorateRequest('repeating', null)
    app.addHook('onRoute', (route) => {
      if (route.config?.repeats !== true || route.method !== 'GET') return
      const repeating = atHand.route(app.onlyGuardOf(route), app.requests.durationsOf(route.url))
      const mark: onRequestHookHandler = (request, _reply, done) => {
        request.repeating = repeating
        done()
      }
      route.onRequest = [mark, ...[route.onRequest ?? []].flat()]
    })

    app.addHook('onReady', async () => {
      const { server } = app
      server.removeAllListeners('request')
      server.on('request', (request, reply) => {
        if (!atHand.answer(request, reply, server.keepAliveTimeout)) app.routing(request, reply)
      })
    })
  },
  {
    name: 'at-hand',
    fastify: '5.x',
    dependencies: ['telemetry', 'load-shedding', 'rate-limit', 'auth', 'cache']
  }
)

/** The address that a request is counted for, as Fastify has it in `request.ip`. */
function addressOf(trusted: readonly string[]): (request: IncomingMessage) => string {
  if (trusted.length === 0) return ({ socket }) => socket.remoteAddress ?? ''
  const isTrusted = compile([...trusted])
  return (request) => all(request, isTrusted).at(-1) ?? ''
}
