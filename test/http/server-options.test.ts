import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import errors from '../../plugins/errors.ts'
import type { Settings } from '../../src/config.ts'
import { serverOptions } from '../../src/http/server-options.ts'

const http: Settings['http'] = {
  trustProxy: [],
  bodyLimitBytes: 1000,
  requestTimeoutMs: 400,
  shedDelayMs: 0,
  drainMs: 0,
  shutdownMs: 1000
}

/** A listening service with short limits; returns what it says to bytes on a raw socket until it closes it. */
async function listening(t: Test, settings: Partial<Settings['http']> = {}) {
  const app = Fastify(serverOptions({ http: { ...http, ...settings } }))
  t.teardown(() => app.close())
  await app.register(errors)
  const handled: string[] = []
  app.post('/echo', async (request) => {
    handled.push(request.url)
    return { body: request.body }
  })
  app.get('/address', async (request) => ({ address: request.ip }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo

  const say = async (...parts: string[]) => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    // The service may close while we still write: that is what is being tested, not a failure.
    socket.on('error', () => {})
    for (const part of parts) socket.write(part)
    return text(socket)
  }
  return { say, handled }
}

const head = (...headers: string[]) => `POST /echo HTTP/1.1\r\nHost: turno\r\n${headers.join('\r\n')}\r\n\r\n`

function problemIn(answer: string): { status: number } {
  const [headers = '', body = ''] = answer.split('\r\n\r\n')
  t.match(headers, /content-type: application\/problem\+json/i)
  t.match(headers, /connection: close/i)
  return JSON.parse(body)
}

t.test('whoever sends headers too slowly is cut off', async (t) => {
  const { say } = await listening(t)
  const answer = await say('POST /echo HTTP/1.1\r\nHost: turno\r\n')
  t.match(answer, /^HTTP\/1\.1 408 /)
  t.equal(problemIn(answer).status, 408)
})

t.test('whoever sends a body too slowly is cut off', async (t) => {
  const { say, handled } = await listening(t)
  const answer = await say(head('Content-Type: application/json', 'Content-Length: 100'), '{"a":')
  t.match(answer, /^HTTP\/1\.1 408 /)
  t.equal(problemIn(answer).status, 408)
  t.same(handled, [])
})

t.test('who says what his body is and then sends none is answered', async (t) => {
  const { say, handled } = await listening(t)
  const without = ['Content-Type: application/json', 'Connection: close']
  t.match(await say(head(...without)), /^HTTP\/1\.1 200 /)
  t.same(handled, ['/echo'])
  const nowhere = head(...without).replace('/echo', '/nowhere')
  t.match(await say(nowhere), /^HTTP\/1\.1 404 /)
  t.match(await say(head(...without, 'Content-Length: 0')), /^HTTP\/1\.1 400 /, 'an empty body is no JSON')
})

t.test('a flood of headers is refused', async (t) => {
  const { say } = await listening(t)
  const answer = await say(
    head(...Array.from({ length: 400 }, (_, index) => `X-${index}: ${'a'.repeat(50)}`))
  )
  t.match(answer, /^HTTP\/1\.1 431 /)
  t.equal(problemIn(answer).status, 431)
})

t.test('a body that announces itself too large is refused before it is read', async (t) => {
  const { say, handled } = await listening(t)
  const answer = await say(head('Content-Type: application/json', 'Content-Length: 1000000000'))
  t.match(answer, /^HTTP\/1\.1 413 /)
  t.equal(problemIn(answer).status, 413)
  t.same(handled, [])
})

t.test('a chunked body is refused once it is too large', async (t) => {
  const { say, handled } = await listening(t)
  const chunk = `400\r\n${'1'.repeat(0x400)}\r\n`
  const answer = await say(head('Content-Type: application/json', 'Transfer-Encoding: chunked'), chunk)
  t.match(answer, /^HTTP\/1\.1 413 /)
  t.same(handled, [])
})

t.test('a request that could be read in two ways is read in none', async (t) => {
  const { say, handled } = await listening(t)
  const smuggled = '0\r\n\r\nPOST /echo?smuggled HTTP/1.1\r\nHost: turno\r\nContent-Length: 0\r\n\r\n'
  for (const ambiguous of [
    head('Content-Type: application/json', 'Content-Length: 5', 'Transfer-Encoding: chunked') + smuggled,
    head('Content-Type: application/json', 'Transfer-Encoding: chunked', 'Content-Length: 5') + smuggled,
    head('Content-Type: application/json', 'Content-Length: 5', 'Content-Length: 6') + smuggled,
    head('Content-Type: application/json', 'Transfer-Encoding: identity, chunked-ish') + smuggled,
    head('Content-Type: application/json', 'Content-Length : 5') + smuggled
  ]) {
    const answer = await say(ambiguous)
    t.match(answer, /^HTTP\/1\.1 400 /)
    t.equal(answer.match(/HTTP\/1\.1/g)?.length, 1, 'one answer, and the connection is closed')
  }
  t.same(handled, [])
})

t.test('what is not HTTP is told so', async (t) => {
  const { say } = await listening(t)
  t.equal(problemIn(await say('\x16\x03\x01 hello\r\n\r\n')).status, 400)
  t.equal(problemIn(await say('GET /address HTTP/1.1\r\nHost: a\r\nX-Bad: a\x00b\r\n\r\n')).status, 400)
})

t.test('an address is believed only from a proxy that we know', async (t) => {
  const request =
    'GET /address HTTP/1.1\r\nHost: turno\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n'
  const strangers = await listening(t)
  t.match(await strangers.say(request), '"address":"127.0.0.1"')
  const behindProxy = await listening(t, { trustProxy: ['127.0.0.0/8'] })
  t.match(await behindProxy.say(request), '"address":"203.0.113.9"')
})
