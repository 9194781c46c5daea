// Security headers on every reply, as @fastify/helmet makes them. They are the same for every request, so helmet is
// asked once, at boot; run on each request it would cost more than a cache hit does.

import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import type { Headers } from '../src/http/finished.ts'

/**
 * What an API needs of helmet. Its JSON is never a document, so nothing may be loaded, framed or guessed by one; the
 * headers of helmet that only a document heeds (opener policy, download options, DNS prefetch …) are left out, for
 * each is sent with every hit.
 */
const ofApi: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] }
  },
  // The public API is there for other origins' pages to read.
  crossOriginResourcePolicy: { policy: 'cross-origin' },
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: true },
  xFrameOptions: { action: 'deny' },
  referrerPolicy: { policy: 'no-referrer' },
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false
}

declare module 'fastify' {
  interface FastifyInstance {
    /** For answers that do not pass through Fastify's reply. */
    securityHeaders: Headers
  }
}

export default fp(
  async (app) => {
    const headers = await headersOf(ofApi)
    app.decorate('securityHeaders', headers)
    // At the end, for what a route says itself counts; and not for answers that have them in a head made before.
    app.addHook('onSend', (_request, reply, payload, done) => {
      for (const name in headers) if (!reply.hasHeader(name)) reply.header(name, headers[name])
      done(null, payload)
    })
  },
  { name: 'security-headers', fastify: '5.x' }
)

/**
 * The headers that helmet sets with these options, for a plugin that serves documents to override ours with.
 *
 * @returns names in lower case
 */
export async function headersOf(options: FastifyHelmetOptions): Promise<Record<string, string>> {
  const probe = Fastify()
  await probe.register(helmet, options)
  probe.get('/', (_request, reply) => reply.send())
  const { headers } = await probe.inject('/')
  await probe.close()

  const ofHttp = new Set(['connection', 'content-length', 'date'])
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' && !ofHttp.has(name) ? [[name, value]] : []
    )
  )
}
