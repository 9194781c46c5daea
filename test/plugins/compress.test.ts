import { gunzipSync } from 'node:zlib'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import compress from '../../plugins/compress.ts'
import errors from '../../plugins/errors.ts'

const long = { text: 'a'.repeat(4000) }

async function service(t: Test) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(errors)
  await app.register(compress)
  app.get('/made', { compress: {} }, async () => long)
  app.get('/short', { compress: {} }, async () => ({ text: 'a' }))
  app.get('/kept', async () => long)
  app.post('/taken', { schema: { body: Type.Object({}) } }, async () => long)
  await app.ready()
  return app
}

const headers = { 'accept-encoding': 'gzip' }

t.test('a route that asks for it is compressed', async (t) => {
  const app = await service(t)
  const response = await app.inject({ url: '/made', headers })
  t.equal(response.headers['content-encoding'], 'gzip')
  t.match(response.headers.vary, /accept-encoding/i)
  t.same(JSON.parse(gunzipSync(response.rawPayload).toString()), long)
  t.equal((await app.inject('/made')).headers['content-encoding'], undefined, 'not for who cannot read it')
  t.equal(
    (await app.inject({ url: '/short', headers })).headers['content-encoding'],
    undefined,
    'not for a packet'
  )
})

t.test('a route that keeps its bytes is left alone', async (t) => {
  const app = await service(t)
  t.equal((await app.inject({ url: '/kept', headers })).headers['content-encoding'], undefined)
})

t.test('a long list of faults is compressed, and is still a problem document', async (t) => {
  const app = await service(t)
  const payload = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`unknown-field-${index}`, 1]))
  const response = await app.inject({ method: 'POST', url: '/taken', headers, payload })
  t.equal(response.statusCode, 422)
  t.equal(response.headers['content-encoding'], 'gzip')
  t.equal(response.headers['content-type'], 'application/problem+json')
  t.equal(JSON.parse(gunzipSync(response.rawPayload).toString()).errors.length, 20)
})
