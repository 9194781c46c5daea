// Who may operate the service over the public listener: administrators, and from an allowed address alone. Both, for a
// stolen token is no use elsewhere, and an address alone is nobody.
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { addressOf, allowList } from '../src/http/addresses.ts'
import { Problem } from '../src/http/problem.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * `onRequest` hook of operators' routes. From an address that is not allowed there is nothing here (404, whoever
     * asks); without a token 401; for anybody but an administrator 403, and an entry in the trail.
     */
    requireAdmin(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void
  }
}

export default fp(
  async (app) => {
    const allowed = allowList(app.settings.operators.allow)
    app.decorate('requireAdmin', (request, reply, done) => {
      if (!allowed(addressOf(request))) {
        done(new Problem('not-found', 'There is nothing here.'))
        return
      }
      app.authenticate(request, reply, (error) => {
        if (error) done(error)
        else if (request.caller?.role === 'admin') done()
        else {
          const route = request.routeOptions.url ?? null
          app.audit.record(
            { action: 'operate', resource: 'route', resourceId: route, outcome: 'refused' },
            request
          )
          done(new Problem('forbidden', 'This is for administrators.'))
        }
      })
    })
  },
  { name: 'admin', fastify: '5.x', dependencies: ['auth', 'audit'] }
)
