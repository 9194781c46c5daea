// Compression while sending, for replies that are made each time. What the cache serves was compressed once, when
// it was stored; those routes must not pay for this plugin, so a route is compressed only where it says so, with
// `compress: {}`, or where it takes a body: its answers are its own, and a long list of faults compresses well.

import compress from '@fastify/compress'
import type { RouteOptions } from 'fastify'
import fp from 'fastify-plugin'

/** Below this a reply fits a packet anyway. In bytes. */
const threshold = 1024

export default fp(
  async (app) => {
    // Before the plugin's own hook, which would otherwise add one to every route to decorate its reply.
    app.addHook('onRoute', (route) => {
      route.compress ??= takesBody(route) ? {} : false
    })
    await app.register(compress, {
      global: false,
      // Requests are not inflated: a small one could become a large one.
      globalDecompression: false,
      threshold,
      // Made for one reader: the fast ones first, where for stored bytes the smallest come first.
      encodings: ['zstd', 'gzip', 'br']
    })
  },
  { name: 'compress', fastify: '5.x' }
)

function takesBody({ method }: RouteOptions): boolean {
  return [method].flat().some((one) => one === 'POST' || one === 'PUT' || one === 'PATCH')
}
