import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import errors from '../../plugins/errors.ts'
import { Problem } from '../../src/http/problem.ts'
import { serverOptions } from '../../src/http/server-options.ts'

const http = {
  trustProxy: [],
  bodyLimitBytes: 2000,
  requestTimeoutMs: 1000,
  shedDelayMs: 0,
  drainMs: 0,
  shutdownMs: 1000
}
const json = { 'content-type': 'application/json' }

const Pet = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  age: Type.Integer(),
  rating: Type.Number()
})
const PetChange = Type.Object({
  name: Type.Optional(Type.String({ minLength: 1 })),
  age: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.Null()])),
  kind: Type.Optional(Type.Union([Type.Literal('cat'), Type.Literal('dog')])),
  owner: Type.Optional(Type.Object({ city: Type.String() }))
})

/** A small service whose routes fail in every way that they can. */
async function kennel(t: Test): Promise<{ app: FastifyInstance; logged: Record<string, unknown>[] }> {
  const logged: Record<string, unknown>[] = []
  const stream = { write: (line: string) => logged.push(JSON.parse(line)) }
  const app = Fastify({ ...serverOptions({ http }), logger: { level: 'warn', stream } })
  t.teardown(() => app.close())
  await app.register(errors)

  const params = Type.Object({ id: Type.String({ format: 'uuid' }) })
  app.get('/pets', {
    schema: {
      querystring: Type.Object({
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
        tag: Type.Optional(Type.Array(Type.String()))
      })
    },
    handler: async (request) => request.query
  })
  app.get('/pets/:id', { schema: { params }, handler: async () => ({}) })
  app.post('/pets', { schema: { body: Type.Required(PetChange) }, handler: async () => ({}) })
  app.patch('/pets/:id', {
    schema: { params, body: PetChange, response: { 200: Pet } },
    handler: async (request) => request.body
  })
  app.get('/open', async () => ({}))
  app.get('/busy', async (_request, reply) => {
    reply.header('etag', '"7"').header('cache-control', 'public, max-age=60')
    throw new Problem('unavailable', 'The database does not answer.', {
      cause: new Error('connect ETIMEDOUT')
    })
  })
  app.get('/broken', async () => {
    throw new Error("ER_PARSE_ERROR: SELECT secret FROM users WHERE email = 'ana@example.com'")
  })
  app.get('/thrown-text', async () => {
    throw 'a bare string'
  })
  await app.ready()
  return { app, logged }
}

const id = '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'

t.test('every refusal is a problem document that names its kind, and is not stored', async (t) => {
  const { app } = await kennel(t)
  const deep = '['.repeat(900)
  const refusals: [
    string,
    {
      method: 'GET' | 'POST' | 'PATCH' | 'PUT'
      url: string
      headers?: Record<string, string>
      payload?: string
    },
    number,
    string
  ][] = [
    ['an unknown path', { method: 'GET', url: '/nowhere' }, 404, 'not-found'],
    ['a path that cannot be decoded', { method: 'GET', url: '/pets/%zz' }, 400, 'malformed-request'],
    ['an id that is none', { method: 'GET', url: '/pets/7' }, 404, 'not-found'],
    ['an endless id', { method: 'GET', url: `/pets/${'7'.repeat(500)}` }, 404, 'not-found'],
    ['an unknown parameter', { method: 'GET', url: '/pets?utm_source=mail' }, 400, 'invalid-parameter'],
    ['one on a route that takes none', { method: 'GET', url: '/open?x=1' }, 400, 'invalid-parameter'],
    ['a parameter out of range', { method: 'GET', url: '/pets?limit=0' }, 400, 'invalid-parameter'],
    ['a parameter of the wrong type', { method: 'GET', url: '/pets?limit=abc' }, 400, 'invalid-parameter'],
    ['a parameter twice', { method: 'GET', url: '/pets?limit=5&limit=6' }, 400, 'invalid-parameter'],
    [
      'bad JSON',
      { method: 'POST', url: '/pets', headers: json, payload: '{"name":' },
      400,
      'malformed-request'
    ],
    ['an empty body', { method: 'POST', url: '/pets', headers: json, payload: '' }, 400, 'malformed-request'],
    ['no body', { method: 'POST', url: '/pets' }, 400, 'malformed-request'],
    [
      'a prototype',
      { method: 'POST', url: '/pets', headers: json, payload: '{"__proto__":{"x":1}}' },
      400,
      'malformed-request'
    ],
    ['a deep body', { method: 'POST', url: '/pets', headers: json, payload: deep }, 400, 'malformed-request'],
    [
      'a large body',
      { method: 'POST', url: '/pets', headers: json, payload: JSON.stringify('x'.repeat(2000)) },
      413,
      'payload-too-large'
    ],
    [
      'another type',
      { method: 'POST', url: '/pets', headers: { 'content-type': 'text/plain' }, payload: 'x' },
      415,
      'unsupported-media-type'
    ],
    ['no type', { method: 'POST', url: '/pets', headers: {}, payload: 'x' }, 415, 'unsupported-media-type'],
    [
      'a type that is none',
      { method: 'POST', url: '/pets', headers: { 'content-type': 'json' }, payload: 'x' },
      415,
      'unsupported-media-type'
    ],
    [
      'a patch where there is nothing to patch',
      {
        method: 'POST',
        url: '/pets',
        headers: { 'content-type': 'application/merge-patch+json' },
        payload: '{}'
      },
      415,
      'unsupported-media-type'
    ],
    [
      'a compressed body',
      { method: 'POST', url: '/pets', headers: { ...json, 'content-encoding': 'gzip' }, payload: '{}' },
      415,
      'unsupported-media-type'
    ],
    [
      'text for a number',
      { method: 'PATCH', url: `/pets/${id}`, headers: json, payload: '{"age":"5"}' },
      422,
      'validation'
    ],
    [
      'an unknown field',
      { method: 'PATCH', url: `/pets/${id}`, headers: json, payload: '{"evil":1}' },
      422,
      'validation'
    ],
    [
      'an unknown field further down',
      { method: 'PATCH', url: `/pets/${id}`, headers: json, payload: '{"owner":{"city":"Vigo","evil":1}}' },
      422,
      'validation'
    ],
    [
      'a read-only field',
      { method: 'PATCH', url: `/pets/${id}`, headers: json, payload: '{"rating":5}' },
      422,
      'read-only-field'
    ],
    [
      'a wrong method',
      { method: 'PUT', url: `/pets/${id}`, headers: json, payload: '{}' },
      405,
      'method-not-allowed'
    ],
    [
      'a wrong method with a bad body',
      { method: 'PUT', url: '/open', headers: json, payload: '{' },
      405,
      'method-not-allowed'
    ],
    [
      'an unknown path with a bad body',
      { method: 'POST', url: '/nowhere', headers: { 'content-type': 'text/plain' }, payload: '{' },
      404,
      'not-found'
    ],
    ['a route that cannot answer', { method: 'GET', url: '/busy' }, 503, 'unavailable'],
    ['a route that breaks', { method: 'GET', url: '/broken' }, 500, 'internal-error'],
    ['a route that throws no error', { method: 'GET', url: '/thrown-text' }, 500, 'internal-error']
  ]
  for (const [what, request, status, kind] of refusals) {
    const response = await app.inject(request)
    const problem = response.json()
    t.equal(response.statusCode, status, what)
    t.equal(problem.type, `https://turno.example/problems/${kind}`, what)
    t.equal(problem.status, status, what)
    t.equal(response.headers['content-type'], 'application/problem+json', what)
    t.equal(response.headers['cache-control'], 'no-store', what)
    t.match(problem.instance, /^\/api\/requests\/[\w-]+$/, what)
  }
})

t.test('what is right is not refused', async (t) => {
  const { app } = await kennel(t)
  t.same((await app.inject('/pets?limit=5&tag=a')).json(), { limit: 5, tag: ['a'] })
  t.same((await app.inject('/pets?tag=a&tag=b')).json(), { tag: ['a', 'b'] })
  t.equal((await app.inject('/open')).statusCode, 200)
  for (const type of [
    'application/json',
    'application/merge-patch+json',
    'application/json; charset=utf-8'
  ]) {
    const headers = { 'content-type': type }
    const response = await app.inject({
      method: 'PATCH',
      url: `/pets/${id}`,
      headers,
      payload: '{"age":null,"kind":"cat"}'
    })
    t.not(response.statusCode, 415, type)
    t.not(response.statusCode, 422, type)
  }
})

t.test('a fault is pointed at, and told in a sentence', async (t) => {
  const { app } = await kennel(t)
  const payload = { age: 'five', kind: 'cow', owner: {}, 'a/b~c é': 1 }
  const response = await app.inject({ method: 'PATCH', url: `/pets/${id}`, payload })
  t.same(response.json().errors, [
    { pointer: '#/a~1b~0c%20%C3%A9', detail: 'is not a known field' },
    { pointer: '#/age', detail: 'must be integer, or must be null' },
    { pointer: '#/kind', detail: 'must be "cat", or must be "dog"' },
    { pointer: '#/owner/city', detail: 'is required' }
  ])
  const query = await app.inject('/pets?limit=101&utm=x')
  t.same(query.json().errors, [
    { parameter: 'utm', detail: 'is not a parameter of this resource' },
    { parameter: 'limit', detail: 'must be <= 100' }
  ])
})

t.test('a thousand faults are not answered with a thousand', async (t) => {
  const { app } = await kennel(t)
  const payload = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, 1]))
  const response = await app.inject({ method: 'PATCH', url: `/pets/${id}`, payload })
  t.equal(response.json().errors.length, 20)
})

t.test('a known path says which methods it has', async (t) => {
  const { app } = await kennel(t)
  const wrong = await app.inject({ method: 'DELETE', url: `/pets/${id}?x=1` })
  t.equal(wrong.statusCode, 405)
  t.equal(wrong.headers.allow, 'GET, HEAD, PATCH, OPTIONS')

  const options = await app.inject({ method: 'OPTIONS', url: `/pets/${id}` })
  t.equal(options.statusCode, 204)
  t.equal(options.headers.allow, 'GET, HEAD, PATCH, OPTIONS')
  t.equal(options.headers['accept-patch'], 'application/merge-patch+json, application/json')
  t.equal((await app.inject({ method: 'OPTIONS', url: '/nowhere' })).statusCode, 404)
  t.equal((await app.inject({ method: 'HEAD', url: '/open' })).statusCode, 200)
})

t.test('who sends another type is told which to send', async (t) => {
  const { app } = await kennel(t)
  const headers = { 'content-type': 'text/plain' }
  const patch = await app.inject({ method: 'PATCH', url: `/pets/${id}`, headers, payload: 'x' })
  t.equal(patch.headers['accept-patch'], 'application/merge-patch+json, application/json')
  const post = await app.inject({ method: 'POST', url: '/pets', headers, payload: 'x' })
  t.equal(post.headers.accept, 'application/json')
})

t.test('nothing of the inside leaves it, and the cause is logged once', async (t) => {
  const { app, logged } = await kennel(t)
  const response = await app.inject({ url: '/broken', headers: { 'x-request-id': 'the-one-we-look-for' } })
  t.notMatch(response.body, /ER_PARSE|SELECT|ana@/)
  t.equal(response.json().instance, '/api/requests/the-one-we-look-for')
  t.equal(logged.length, 1)
  t.match(logged[0], { level: 50, reqId: 'the-one-we-look-for', err: { message: /ER_PARSE_ERROR/ } })
})

t.test('a refusal does not carry what was meant for the answer', async (t) => {
  const { app, logged } = await kennel(t)
  const response = await app.inject('/busy')
  t.equal(response.headers.etag, undefined)
  t.equal(response.headers['retry-after'], '2')
  t.match(logged, [{ level: 40, err: { message: 'connect ETIMEDOUT' } }])
})

t.test("a client's mistakes do not fill the log", async (t) => {
  const { app, logged } = await kennel(t)
  await app.inject('/nowhere')
  await app.inject('/pets?x=1')
  await app.inject({ method: 'POST', url: '/pets', headers: json, payload: '{' })
  t.same(logged, [])
})
