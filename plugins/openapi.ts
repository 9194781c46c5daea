// The API's own description: OpenAPI 3.1 at /openapi.json, made from the schemas that the routes validate and
// serialise with; and the page at /docs to read it.

import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { type FixedContent, fixedContent, sendFixed } from '../src/http/fixed-content.ts'
import { completed } from '../src/http/openapi-document.ts'
import { Problem } from '../src/http/problem.ts'
import docs from './docs.ts'

const description = `
Profiles and bookings of therapists' practices.

**Errors** are problem details (RFC 9457): compare \`type\`, show \`detail\`, quote \`instance\`.
**Reads** carry an \`ETag\`; send it in \`If-None-Match\` and an unchanged answer costs nothing. \`Cache-Status\` says which
layer answered. **Changes** take the \`ETag\` in \`If-Match\`, so that nobody overwrites what they have not seen; their reply
carries \`turno-consistency-token\`: send it with later reads and they will see the change, on any instance.
**Unknown** parameters and fields are refused, never ignored.
`

export default fp(
  async (app) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title: 'Turno', version: '1', description: description.trim() },
        servers: [{ url: '/' }],
        tags: [
          { name: 'profiles', description: 'Practices and the people in them.' },
          { name: 'availability', description: 'What can be booked, and the rules behind it.' },
          { name: 'bookings', description: 'Sessions held, asked for and booked; the calendar’s file.' },
          { name: 'accounts', description: 'Who one is: signing in, sessions, passwords.' },
          { name: 'health' }
        ],
        components: {
          securitySchemes: {
            bearer: {
              type: 'http',
              scheme: 'bearer',
              bearerFormat: 'JWT',
              description: 'An access token, RFC 9068.'
            }
          }
        }
      },
      convertConstToEnum: false,
      transform: ({ schema, url, route }) => ({ url, schema: withSecurity(schema, askedOf(app, route)) })
    })
    await app.register(serveDocument)
    await app.register(docs)
  },
  { name: 'openapi', fastify: '5.x', dependencies: ['errors', 'auth'] }
)

/**
 * Not the author's word but the route's own hook says whether it needs a token, and of whom: null, or the roles that
 * a caller must have; none named, any will do.
 */
function askedOf(app: FastifyInstance, route: RouteOptions): readonly string[] | null {
  const hooks: unknown[] = [route.onRequest, route.preHandler].flat()
  if (app.hasDecorator('requireAdmin') && hooks.includes(app.requireAdmin)) return ['admin']
  return hooks.includes(app.authenticate) ? [] : null
}

function withSecurity(schema: FastifySchema, roles: readonly string[] | null): FastifySchema {
  return roles === null ? schema : { ...schema, security: [{ bearer: [...roles] }] }
}

/** Made once, when all routes are known. */
async function serveDocument(app: FastifyInstance): Promise<void> {
  let document: FixedContent | undefined
  app.addHook('onReady', async () => {
    const text = JSON.stringify(completed(JSON.parse(JSON.stringify(app.swagger()))))
    document = await fixedContent(text, 'application/openapi+json;version=3.1')
  })
  app.get('/openapi.json', { schema: { hide: true } }, async (request, reply) => {
    if (document === undefined) throw new Problem('unavailable', 'Still starting.')
    return sendFixed(request, reply, document)
  })
}
