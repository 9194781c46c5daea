// What every route of the API owes its callers, driven by the OpenAPI document: a route that is in the document is
// checked by being there. Each mistake must be refused with a problem document of a status that the document names.

import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'

type Schema = { type?: string; format?: string; properties?: Record<string, Schema> }
type Parameter = { in: string; name: string; required?: boolean; schema: Schema }
type Media = { schema: Schema; example?: unknown }
type Operation = {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
  security?: { bearer: string[] }[]
  responses: Record<string, unknown>
}
export type Contract = { paths: Record<string, Record<string, Operation>> }

type Callers = { current: string; admin: string; expired: string }

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
type Mistake = { what: string; request: InjectOptions; status: number | readonly number[] }

/** A version 7 UUID of the year 10889: there is nothing by it, and there will not be. */
const absentId = 'ffffffff-ffff-7fff-bfff-ffffffffffff'

/**
 * Makes every mistake on every route and checks the refusals.
 *
 * @param callers authorization headers: one that is accepted, one of an administrator, and one that no longer is accepted
 * @param bodyLimitBytes of the service
 */
export async function checkContract(
  t: Test,
  app: FastifyInstance,
  callers: Callers,
  bodyLimitBytes: number
): Promise<void> {
  const contract: Contract = (await app.inject('/openapi.json')).json()
  for (const [path, operations] of Object.entries(contract.paths)) {
    for (const [name, operation] of Object.entries(operations)) {
      const method = name.toUpperCase() as Method
      await t.test(`${method} ${path}`, async (t) => {
        for (const { what, request, status } of mistakesOn(
          method,
          path,
          operation,
          callers,
          bodyLimitBytes
        )) {
          const response = await app.inject({ method, ...request })
          checkRefusal(t, what, response, [status].flat())
          t.ok(response.statusCode in operation.responses, `${what}: ${response.statusCode} is documented`)
        }
      })
    }
    await t.test(`other methods on ${path}`, (t) => checkOtherMethods(t, app, path, Object.keys(operations)))
  }
}

function mistakesOn(
  method: Method,
  path: string,
  operation: Operation,
  callers: Callers,
  bodyLimitBytes: number
): Mistake[] {
  const { parameters = [], requestBody, security = [] } = operation
  const guarded = security.length > 0
  const ofAdmins = security.some(({ bearer }) => bearer.includes('admin'))
  const headers = {
    ...(guarded && { authorization: ofAdmins ? callers.admin : callers.current }),
    ...(parameters.some(({ name }) => name === 'If-Match') && { 'if-match': '*' })
  }
  const url = urlOf(path, absentId)
  const body = requestBody?.content['application/json']
  const sound = body === undefined ? {} : { payload: body.example as object }
  const send = (type: string, payload: string): InjectOptions => ({
    url,
    headers: { ...headers, 'content-type': type },
    payload
  })
  const json = (value: unknown) => send('application/json', JSON.stringify(value))

  const mistakes: Mistake[] = [
    {
      what: 'an unknown parameter',
      request: { url: `${url}?no-such-parameter=1`, headers, ...sound },
      status: 400
    }
  ]
  for (const { name, schema } of parameters.filter((parameter) => parameter.in === 'query')) {
    const twice = `${name}=1&${name}=1`
    if (schema.type !== 'array')
      mistakes.push({
        what: `${name} twice`,
        request: { url: `${url}?${twice}`, headers, ...sound },
        status: 400
      })
    if (schema.type === 'integer' || schema.type === 'number') {
      mistakes.push({
        what: `text for ${name}`,
        request: { url: `${url}?${name}=abc`, headers, ...sound },
        status: 400
      })
    }
  }
  if (parameters.some((parameter) => parameter.in === 'path' && parameter.schema.format === 'uuid')) {
    const status = method === 'GET' ? 404 : [403, 404]
    mistakes.push(
      { what: 'an absent id', request: { url, headers, ...sound }, status },
      { what: 'a malformed id', request: { url: urlOf(path, 'seven'), headers, ...sound }, status: 404 },
      { what: 'an undecodable id', request: { url: urlOf(path, '%zz'), headers, ...sound }, status: 400 }
    )
  }
  if (guarded) {
    const { authorization: _, ...anonymous } = headers
    mistakes.push(
      { what: 'no token', request: { url, headers: anonymous, ...sound }, status: 401 },
      {
        what: 'an expired token',
        request: { url, headers: { ...anonymous, authorization: callers.expired }, ...sound },
        status: 401
      },
      {
        what: 'a token that is none',
        request: { url, headers: { ...anonymous, authorization: 'Bearer x' }, ...sound },
        status: 401
      }
    )
  }
  if (ofAdmins) {
    mistakes.push({
      what: 'no administrator',
      request: { url, headers: { ...headers, authorization: callers.current }, ...sound },
      status: 403
    })
  }
  if (body !== undefined) {
    const example = body.example as Record<string, unknown>
    const [field = ''] = Object.keys(example)
    mistakes.push(
      { what: 'no body', request: { url, headers }, status: 400 },
      { what: 'an empty body', request: send('application/json', ''), status: 400 },
      { what: 'bad JSON', request: send('application/json', '{"a":'), status: 400 },
      {
        what: 'a deep body',
        request: send('application/json', '['.repeat(Math.min(50_000, bodyLimitBytes))),
        status: 400
      },
      { what: 'a prototype', request: send('application/json', '{"__proto__":{}}'), status: 400 },
      { what: 'an oversized body', request: json('x'.repeat(bodyLimitBytes)), status: 413 },
      { what: 'another type of body', request: send('text/plain', 'x'), status: 415 },
      { what: 'a list for an object', request: json([]), status: 422 },
      { what: 'an unknown field', request: json({ ...example, noSuchField: 1 }), status: 422 },
      {
        what: `a wrong type of ${field}`,
        request: json({ ...example, [field]: wrong(example[field]) }),
        status: 422
      }
    )
  }
  return mistakes
}

/** A value that is of no type that this one's field can have. */
function wrong(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? 7 : { not: 'this' }
}

function urlOf(path: string, id: string): string {
  return path.replaceAll(/\{[^}]+\}/g, id)
}

function checkRefusal(
  t: Test,
  what: string,
  response: LightMyRequestResponse,
  statuses: readonly number[]
): void {
  const { statusCode, headers } = response
  t.ok(statuses.includes(statusCode), `${what}: ${statusCode} ${response.body}`)
  t.equal(headers['content-type'], 'application/problem+json', `${what}: a problem document`)
  if (headers['content-encoding'] === undefined) {
    const problem = response.json()
    t.match(
      problem,
      { type: /^https:\/\//, title: /./, status: statusCode, instance: /./ },
      `${what}: complete`
    )
  }
  if (statusCode === 401)
    t.match(headers['www-authenticate'], /^Bearer /, `${what}: says how to authenticate`)
}

async function checkOtherMethods(
  t: Test,
  app: FastifyInstance,
  path: string,
  documented: readonly string[]
): Promise<void> {
  const methods = documented.map((name) => name.toUpperCase())
  const url = urlOf(path, absentId)
  for (const method of (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).filter(
    (one) => !methods.includes(one)
  )) {
    const response = await app.inject({
      method,
      url,
      payload: '{',
      headers: { 'content-type': 'application/json' }
    })
    checkRefusal(t, method, response, [405])
    t.same(
      allowed(response),
      allowed(await app.inject({ method: 'OPTIONS', url })),
      `${method}: OPTIONS says the same`
    )
    for (const one of methods) t.ok(allowed(response).includes(one), `${method}: Allow names ${one}`)
    t.notOk(allowed(response).includes(method), `${method}: and does not name what is refused`)
  }
  if (methods.includes('GET')) {
    const [head, get] = [await app.inject({ method: 'HEAD', url }), await app.inject({ method: 'GET', url })]
    t.equal(head.statusCode, get.statusCode, 'HEAD answers as GET does')
    t.equal(head.body, '', 'without a body')
  }
}

function allowed(response: LightMyRequestResponse): string[] {
  return String(response.headers.allow).split(', ').sort()
}
