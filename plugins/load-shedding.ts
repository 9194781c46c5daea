// When this process cannot keep up, some requests are refused at once so that the others are answered in time: a 503
// in a millisecond can be tried elsewhere, an answer after ten seconds has no reader left. Health checks are never
// refused: a balancer must not take a busy process for a dead one.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../src/http/problem.ts'
import { probeEveryMs } from '../src/telemetry.ts'

/** How often the load is looked at: how fast shedding starts, and ends. */
const sampleMs = 500
/** Of the heap's limit; beyond it the garbage collector takes the processor for itself. */
const heapShare = 0.92

declare module 'fastify' {
  interface FastifyInstance {
    /** What is refused at the moment, but for health checks. */
    load: { readonly tooMuch: boolean }
  }
}

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

    // Not @fastify/under-pressure: it probes every 10 ms, and to be woken is the dearest thing that an idle process does.
    const probes = monitorEventLoopDelay({ resolution: probeEveryMs })
    probes.enable()
    const mostHeapBytes = getHeapStatistics().heap_size_limit * heapShare
    const load = { tooMuch: false }
    app.decorate('load', load)
    const sampling = setInterval(() => {
      // No probe at all in a sample: the loop has stood still for the whole of it.
      const meanDelayMs = probes.count > 0 ? probes.mean / 1e6 - probeEveryMs : Number.POSITIVE_INFINITY
      probes.reset()
      const late = delayMs > 0 && meanDelayMs > delayMs
      load.tooMuch =
        (late || process.memoryUsage().heapUsed > mostHeapBytes) && performance.now() >= settledAt
    }, sampleMs).unref()
    app.addHook('onClose', (_app, done) => {
      clearInterval(sampling)
      probes.disable()
      done()
    })

    app.addHook('onRequest', (request, _reply, done) => {
      if (load.tooMuch && !isHealthCheck(request)) done(overloaded)
      else done()
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
