import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { headOf, sendFinished } from '../../src/http/finished.ts'

const body = Buffer.from('{"city":"València"}').toString('latin1')
// What is large is kept as a Buffer.
const large = Buffer.from(`["${'à'.repeat(9_000)}"]`)
const headers = {
  'content-type': 'application/json; charset=utf-8',
  etag: '"7-a"',
  'cache-status': 'turno-l1; hit'
}

/** A service with two answers under two paths each: `/node…` have their heads written by node, `/ours…` by us. */
async function service(t: Test) {
  const app = Fastify({ keepAliveTimeout: 72_000 })
  t.teardown(() => app.close())
  app.decorateRequest('quota', null)
  app.addHook('onRequest', (request, _reply, done) => {
    request.quota = { 'ratelimit-policy': '"default";q=100;w=60', ratelimit: '"default";r=87;t=23' }
    done()
  })
  const same = headOf(304, headers)
  const answered: string[] = []
  app.addHook('onResponse', async (request, reply) => {
    answered.push(`${request.method} ${request.url} ${reply.statusCode}`)
  })
  for (const [path, bytes] of [
    ['/node', body],
    ['/ours', body],
    ['/node-large', large],
    ['/ours-large', large]
  ] as const) {
    const whole = headOf(200, { ...headers, 'content-length': String(bytes.length) })
    app.get(path, (request, reply) => {
      // What anybody sets on node's own reply makes node write it.
      if (path.startsWith('/node')) reply.raw.setHeader('x-by-node', '1')
      reply.header('content-location', '/elsewhere')
      const known = request.headers['if-none-match'] !== undefined
      sendFinished(request, reply, known ? same : whole, known ? '' : bytes, { age: '1' })
    })
  }
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  /** All that comes back for these bytes until the service ends the connection. */
  const say = async (bytes: string) => {
    const socket = connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    socket.write(bytes)
    return text(socket)
  }
  return { say, answered }
}

const asks = {
  GET: 'GET /PATH HTTP/1.1\r\nHost: x\r\n\r\n',
  HEAD: 'HEAD /PATH HTTP/1.1\r\nHost: x\r\n\r\n',
  'a conditional GET': 'GET /PATH HTTP/1.1\r\nHost: x\r\nIf-None-Match: "7-a"\r\n\r\n',
  'GET on a connection that ends': 'GET /PATH HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET of HTTP/1.0': 'GET /PATH HTTP/1.0\r\n\r\n'
}
const last = 'GET /ours HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

/** Lines of heads in any order, without what is of one moment or says who wrote it. */
const lines = (replies: string) =>
  replies
    .replaceAll(/^(?:date|x-request-id|x-by-node): .*\r\n/gim, '')
    .split('\r\n\r\n')
    .map((part) =>
      part.split('\r\n').map((line) => line.replace(/^[\w-]+(?=: )/, (name) => name.toLowerCase()))
    )
    .map((part) => part.sort())

t.test('what we write is what node would have written', async (t) => {
  const { say, answered } = await service(t)
  const each = Object.entries(asks).flatMap(([what, ask]) => [
    { what, ask, size: '' },
    { what: `${what} of much`, ask, size: '-large' }
  ])
  for (const { what, ask, size } of each) {
    const [node, ours] = await Promise.all(
      ['node', 'ours'].map((path) => say(ask.replace('PATH', path + size) + last))
    )
    t.same(lines(ours ?? ''), lines(node ?? ''), what)
    t.match(ours, /x-request-id: \S+\r\n(?:.*\r\n)*Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/)
    for (const line of [
      'ratelimit-policy: "default";q=100;w=60',
      'ratelimit: "default";r=87;t=23',
      'age: 1',
      'content-location: /elsewhere'
    ]) {
      t.ok(lines(node ?? '')[0]?.includes(line), line)
    }
  }
  t.ok(
    answered.includes('GET /ours 304') && answered.includes('HEAD /ours 200'),
    'and the hooks after it have run'
  )
})

t.test('answers to requests sent together come one after the other, whole', async (t) => {
  const { say } = await service(t)
  const reply = await say(asks.GET.replace('PATH', 'ours').repeat(3) + last)
  t.equal(reply.split('HTTP/1.1 200 OK').length - 1, 4)
  t.equal(Buffer.from(reply).toString().split('{"city":"València"}').length - 1, 4)
  const much = await say(asks.GET.replace('PATH', 'ours-large').repeat(2) + last)
  t.equal(much.split(large.toString()).length - 1, 2)
})

t.test('no value can end its line', (t) => {
  t.throws(() => headOf(200, { link: 'a\r\nset-cookie: b' }), /link/)
  t.throws(() => headOf(200, { 'a\r\nb': 'c' }))
  t.end()
})
