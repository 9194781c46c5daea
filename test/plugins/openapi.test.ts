import { hash } from 'node:crypto'
import { brotliDecompressSync } from 'node:zlib'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import auth from '../../plugins/auth.ts'
import errors from '../../plugins/errors.ts'
import openapi from '../../plugins/openapi.ts'
import securityHeaders from '../../plugins/security-headers.ts'
import { IdParameters, pageOf, pageParameters, problemResponses, Uuid } from '../../src/http/schemas.ts'
import { bareSettings } from '../bare-app.ts'
import { checkExamples } from '../http/examples.ts'

const Pet = Type.Object({ id: Uuid, name: Type.String({ examples: ['Luna'] }) })
const PetChange = Type.Object({ name: Type.String() }, { examples: [{ name: 'Luna' }] })

async function kennel(t: Test) {
  const app = Fastify()
  t.teardown(() => app.close())
  app.decorate('settings', bareSettings())
  await app.register(errors)
  await app.register(securityHeaders)
  await app.register(auth)
  await app.register(openapi)
  app.get(
    '/api/pets',
    { schema: { querystring: Type.Object(pageParameters), response: { 200: pageOf(Pet) } } },
    async () => ({})
  )
  app.get('/api/pets/:id', { schema: { params: IdParameters, response: { 200: Pet } } }, async () => ({}))
  app.patch(
    '/api/pets/:id',
    {
      onRequest: app.authenticate,
      schema: {
        params: IdParameters,
        body: PetChange,
        response: { 200: Pet, ...problemResponses(403, 412, 428) }
      }
    },
    async () => ({})
  )
  await app.ready()
  const { paths, ...document } = (await app.inject('/openapi.json')).json()
  return { app, paths, document }
}

t.test('the document says what a route may answer, without the route having to', async (t) => {
  const { paths, document } = await kennel(t)
  t.equal(document.openapi, '3.1.0')
  t.same(Object.keys(paths['/api/pets'].get.responses), ['200', '304', '400', '406', '500', '503'])
  t.same(Object.keys(paths['/api/pets/{id}'].get.responses), [
    '200',
    '304',
    '400',
    '404',
    '406',
    '500',
    '503'
  ])
  t.same(Object.keys(paths['/api/pets/{id}'].patch.responses), [
    '200',
    '400',
    '401',
    '403',
    '404',
    '408',
    '412',
    '413',
    '415',
    '422',
    '428',
    '500',
    '503'
  ])
  t.same(paths['/api/pets'].get.responses[400], { $ref: '#/components/responses/Problem400' })
  t.match(document.components.responses.Problem400, {
    description: 'Malformed request, or Invalid parameter',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  })
})

t.test('a route asks for a token when its hook does', async (t) => {
  const { paths, document } = await kennel(t)
  t.equal(paths['/api/pets/{id}'].get.security, undefined)
  t.same(paths['/api/pets/{id}'].patch.security, [{ bearer: [] }])
  t.match(document.components.securitySchemes.bearer, { type: 'http', scheme: 'bearer' })
})

t.test('reads are described as conditional and cached, changes as guarded', async (t) => {
  const { paths } = await kennel(t)
  const { get, patch } = paths['/api/pets/{id}']
  const names = (parameters: { name: string }[]) => parameters.map(({ name }) => name)
  t.same(names(get.parameters), ['id', 'If-None-Match', 'turno-consistency-token'])
  t.match(Object.keys(get.responses[200].headers), ['ETag', 'Cache-Control', 'Vary', 'Cache-Status'])
  t.same(names(patch.parameters), ['id', 'If-Match'])
  t.match(patch.parameters[1], { required: true })
  t.same(Object.keys(patch.responses[200].headers), ['turno-consistency-token'])
})

t.test('every reference leads somewhere, and every example is one', async (t) => {
  const { paths, document } = await kennel(t)
  const text = JSON.stringify({ paths, ...document })
  for (const [, pointer = ''] of text.matchAll(/"\$ref":"#([^"]+)"/g)) {
    const found = pointer
      .split('/')
      .slice(1)
      .reduce((node, key) => node?.[key], JSON.parse(text))
    t.ok(found, pointer)
  }
  const { checked, refused } = checkExamples(JSON.parse(text))
  t.same(refused, [])
  t.ok(checked > 5)
  const wrong = JSON.parse(text.replaceAll('"Luna"', '7'))
  t.match(checkExamples(wrong).refused, [/name: 7 .* must be string/], 'and a wrong one would be noticed')
})

t.test('who has the document is not sent it again', async (t) => {
  const { app } = await kennel(t)
  const first = await app.inject({ url: '/openapi.json', headers: { 'accept-encoding': 'br' } })
  t.equal(first.headers['content-type'], 'application/openapi+json;version=3.1')
  t.equal(JSON.parse(brotliDecompressSync(first.rawPayload).toString()).openapi, '3.1.0')
  const again = await app.inject({ url: '/openapi.json', headers: { 'if-none-match': first.headers.etag } })
  t.equal(again.statusCode, 304)
  t.equal(again.headers.etag, first.headers.etag)
  t.equal(again.body, '')
})

t.test('the page comes whole from here and may load nothing from elsewhere', async (t) => {
  const { app } = await kennel(t)
  const page = await app.inject('/docs')
  t.equal(page.statusCode, 200)
  t.notMatch(page.body, /https?:\/\//)
  const policy = String(page.headers['content-security-policy'])
  t.match(policy, /default-src 'none'/)
  t.match(policy, /connect-src 'self'/)
  t.notMatch(policy, /https?:|unsafe-eval|\*/)
  const [, inline = ''] = /<script type="text\/javascript">([\s\S]*?)<\/script>/.exec(page.body) ?? []
  t.ok(policy.includes(`'sha256-${hash('sha256', inline, 'base64')}'`), 'its own script may run')

  const [, src = ''] = /<script src="([^"]+)"/.exec(page.body) ?? []
  const script = await app.inject({ url: src, headers: { 'accept-encoding': 'gzip' } })
  t.equal(script.statusCode, 200)
  t.equal(script.headers['content-encoding'], 'gzip')
})
