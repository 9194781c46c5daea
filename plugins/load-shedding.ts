// When this process cannot keep up, some requests are refused at once so that the others are answered in time: a 503
// in a millisecond can be tried elsewhere, an answer after ten seconds has no reader left. Health checks are never
// refused: a balancer must not take a busy process for a dead one.

import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../src/http/problem.ts'

/** How often the load is looked at: how fast shedding starts, and ends. */
const sampleMs = 500
/** Of the heap's limit; beyond it the garbage collector takes the processor for itself. */
const heapShare = 0.92

/**
 * `delayMs`: mean delay of the event loop over one sample, from which on more work would only make all of it late; 0:
 * whatever it is. The default is well above what a neighbour on the same two cores does to an idle process (seen: 150
 * ms), and well below a client's patience.
 */
export type Options = { delayMs: number }

export default fp<Options>(
  async (app, { delayMs }) => {
    // Loading and compiling the service delays the loop more than load does. That is over when it is ready, but not
    // yet in the samples.
    let settledAt = Number.POSITIVE_INFINITY
    app.addHook('onReady', (done) => {
      settledAt = performance.now() + 2 * sampleMs
      done()
    })

    // In a context without routes: its own hook asks each request for its route's options, which makes an object of them.
    // We want its samples alone.
    await app.register(async (sampling) => {
      await sampling.register(underPressure, {
        sampleInterval: sampleMs,
        maxEventLoopDelay: delayMs,
        maxHeapUsedBytes: Math.floor(getHeapStatistics().heap_size_limit * heapShare)
      })
      const tooMuch = () => sampling.isUnderPressure() && performance.now() >= settledAt
      app.addHook('onRequest', (request, _reply, done) => {
        if (tooMuch() && !isHealthCheck(request)) done(overloaded)
        else done()
      })
    })
  },
  { name: 'load-shedding', fastify: '5.x' }
)

/** Made once: when there is too much to do, no stack is to be captured for each refusal. */
const overloaded = new Problem('unavailable', 'Too much to do at the moment. Try again shortly.')

function isHealthCheck(request: FastifyRequest): boolean {
  const { url } = request.routeOptions
  return url === '/health' || url?.startsWith('/health/') === true
}
