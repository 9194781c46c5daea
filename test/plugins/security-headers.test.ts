import Fastify from 'fastify'
import t from 'tap'
import errors from '../../plugins/errors.ts'
import securityHeaders, { headersOf } from '../../plugins/security-headers.ts'

const expected = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-resource-policy': 'cross-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY'
}

t.test('every reply carries them, an error too', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(errors)
  await app.register(securityHeaders)
  app.get('/', async () => ({}))
  app.get('/broken', async () => {
    throw new Error('broken')
  })
  for (const url of ['/', '/broken', '/nowhere', '/?x=1']) {
    t.match((await app.inject(url)).headers, expected, url)
  }
})

t.test('they are helmet’s, and no others', async (t) => {
  t.match(await headersOf({ contentSecurityPolicy: false, xFrameOptions: { action: 'sameorigin' } }), {
    'x-frame-options': 'SAMEORIGIN',
    'content-security-policy': undefined,
    date: undefined,
    connection: undefined
  })
})
