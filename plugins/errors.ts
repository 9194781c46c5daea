// Errors of every origin as problem details, RFC 9457; what a body may be; which methods a path has. Register it
// first of all plugins: it looks at every route as it is added.

import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import FindMyWay, { type HTTPMethod } from 'find-my-way'
import { mergePatchType, patchTypes, problemOf, unsupportedMediaType } from '../src/http/failures.ts'
import { parseJson } from '../src/http/json.ts'
import { Problem } from '../src/http/problem.ts'
import { sendProblem } from '../src/http/problem-reply.ts'
import { answeredFields, closed } from '../src/http/route-schema.ts'
import { validatorCompiler } from '../src/http/validator.ts'

export default fp(
  async (app) => {
    parseBodies(app)
    app.setValidatorCompiler(validatorCompiler())
    const methodsOf = collectMethods(app)

    app.addHook('onRoute', (route) => {
      if (route.schema?.hide !== true) route.schema = closed(route.schema)
    })

    app.setErrorHandler((error, request, reply) => {
      // A body that could not be read is no matter where there is nobody to read it.
      if (request.is404) return sendProblem(request, reply, nothingHere(request, methodsOf(request.url)))
      const answered = answeredFields(request.routeOptions.schema)
      const problem = problemOf(error, { method: request.method, body: request.body, answered })
      report(request, problem)
      return sendProblem(request, reply, problem)
    })

    app.setNotFoundHandler((request, reply) => {
      const methods = methodsOf(request.url)
      if (request.method === 'OPTIONS' && methods.length > 0) {
        if (methods.includes('PATCH')) reply.header('accept-patch', patchTypes)
        return reply.code(204).header('allow', allow(methods)).send()
      }
      return sendProblem(request, reply, nothingHere(request, methods))
    })
  },
  { name: 'errors', fastify: '5.x' }
)

/** JSON alone, and merge patches where there is something to patch; read strictly. */
function parseBodies(app: FastifyInstance): void {
  const parse = async (request: FastifyRequest, body: Buffer) => {
    const coding = request.headers['content-encoding'] ?? 'identity'
    if (coding !== 'identity') {
      throw new Problem('unsupported-media-type', 'Send the body without a content coding.', {
        headers: { 'accept-encoding': 'identity' }
      })
    }
    return parseJson(body)
  }
  // A body that is not there has ended before it began (optimizeEmptyRequests in src/http/server-options.ts), and whoever
  // waits for its end waits for ever. Fastify does where a type is told, as by `curl -X POST -H 'Content-Type: …'`; the
  // type of nothing says nothing.
  app.addHook('onRequest', ({ method, raw }, _reply, done) => {
    if (method !== 'GET' && raw.readableEnded) delete raw.headers['content-type']
    done()
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, parse)
  app.addContentTypeParser(
    mergePatchType,
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      if (request.method !== 'PATCH') throw unsupportedMediaType(request.method)
      return parse(request, body)
    }
  )
}

/**
 * Which methods there are for a path. Fastify's router does not say, so a second one with the same routes is kept;
 * it is asked only where no route was found.
 */
function collectMethods(app: FastifyInstance): (url: string) => HTTPMethod[] {
  const router = FindMyWay()
  const known = new Set<HTTPMethod>()
  const add = ({ method, url }: RouteOptions) => {
    for (const one of [method].flat()) {
      const name = one.toUpperCase() as HTTPMethod
      known.add(name)
      if (!router.hasRoute(name, url)) router.on(name, url, () => {})
    }
  }
  app.addHook('onRoute', add)
  return (url) => [...known].filter((method) => router.find(method, pathOf(url)) !== null)
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}

/** Allow, RFC 9110 §10.2.1; OPTIONS is answered for every path that there is. */
function allow(methods: readonly string[]): string {
  return [...new Set([...methods, 'OPTIONS'])].join(', ')
}

function nothingHere(request: FastifyRequest, methods: readonly string[]): Problem {
  if (methods.length === 0) return new Problem('not-found', 'There is nothing here.')
  const allowed = allow(methods)
  return new Problem('method-not-allowed', `${request.method} is not for this path; it has ${allowed}.`, {
    headers: { allow: allowed }
  })
}

/**
 * A client's mistake is its own affair. Ours is told once, with its cause, and the client learns the request's id.
 * Unavailable without a cause is a decision, such as shedding load: a line for each would add to the load.
 */
function report(request: FastifyRequest, problem: Problem): void {
  if (problem.kind === 'internal-error') {
    request.log.error({ err: problem.cause ?? problem }, 'request failed')
  } else if (problem.status >= 500 && problem.cause !== undefined) {
    request.log.warn({ err: problem.cause }, 'could not answer for now')
  }
}
