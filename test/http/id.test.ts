import t from 'tap'
import { isUuid, requestIds } from '../../src/http/id.ts'
import { validatorCompiler } from '../../src/http/validator.ts'

t.test('a UUID is one in either case, and nothing else is', async (t) => {
  t.ok(isUuid('0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'))
  t.ok(isUuid('0199A3F2-5C1E-7D4A-9B7E-2F6C8A1D3E50'))
  for (const text of [
    '',
    '1',
    '0199a3f25c1e7d4a9b7e2f6c8a1d3e50',
    '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e5g',
    '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50\n',
    '0199a3f25-c1e-7d4a-9b7e-2f6c8a1d3e50',
    '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3-50',
    '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e5G',
    '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e5:',
    '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e5/',
    '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e5@',
    '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e5`',
    'urn:uuid:0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'
  ]) {
    t.notOk(isUuid(text), JSON.stringify(text))
  }
})

t.test('what a schema calls a UUID is that, in paths and in bodies', async (t) => {
  const schema = { type: 'string', format: 'uuid' }
  for (const httpPart of ['params', 'body']) {
    const validate = validatorCompiler()({ schema, httpPart, method: 'GET', url: '/' })
    t.equal(validate('0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'), true, httpPart)
    t.equal(validate('urn:uuid:0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'), false, httpPart)
  }
})

t.test('a request keeps the id it came with, if it is one', async (t) => {
  const requestId = requestIds()
  t.equal(requestId({ headers: { 'x-request-id': 'edge-0199a3f2.17' } }), 'edge-0199a3f2.17')
  for (const given of [
    'short',
    'a'.repeat(65),
    'two words here',
    'line\nbreak-id',
    '"quoted-id"',
    ['a-list-of-ids', 'b']
  ]) {
    t.match(requestId({ headers: { 'x-request-id': given } }), /^[0-9a-f]{12}-[0-9a-z]+$/)
  }
})

t.test('ids differ from request to request and from process to process', async (t) => {
  const [one, other] = [requestIds(), requestIds()]
  const ids = [one({ headers: {} }), one({ headers: {} }), other({ headers: {} }), other({ headers: {} })]
  t.equal(new Set(ids).size, ids.length)
})
