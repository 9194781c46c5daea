// The edge's own behaviour, in front of origins that do as they are told. The whole chain is chain.test.ts.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { problemKinds, problemType } from '../../src/http/problem.ts'
import { until } from '../until.ts'
import { edge, edgeSays, refreshSecret, skip } from './edge.ts'
import { kept, origin } from './origin.ts'

async function behind(t: Test) {
  const [first, second] = await Promise.all([origin(t), origin(t)])
  const front = await edge(t, [first.address, second.address])
  return { front, origins: [first, second], asked: () => [...first.asked, ...second.asked] }
}

const elsewhere = (address: string) => ({ 'x-forwarded-for': address })

t.test(
  'what the service lets edges keep is fetched once, by path, query and encoding',
  { skip },
  async (t) => {
    const { front, origins, asked } = await behind(t)
    for (const one of origins) {
      one.answer = (request, reply) => {
        const encoding = request.headers['accept-encoding'] ?? 'identity'
        reply.writeHead(200, { ...kept(60), etag: `"${encoding}"` }).end(`${request.url} ${encoding}`)
      }
    }
    const ask = async (path: string, encoding: string) => {
      const reply = await front.ask(path, { headers: { 'accept-encoding': encoding } })
      return `${reply.body}: ${edgeSays(reply)}`
    }
    t.equal(await ask('/api/profile/1', 'gzip, deflate, br, zstd'), '/api/profile/1 br: fwd=miss')
    t.equal(await ask('/api/profile/1', 'br;q=1.0'), '/api/profile/1 br: hit', 'the same, put otherwise')
    t.equal(await ask('/api/profile/1', 'br;q=0, gzip'), '/api/profile/1 gzip: fwd=miss')
    t.equal(await ask('/api/profile/2', 'br'), '/api/profile/2 br: fwd=miss', 'another id is another answer')
    t.equal(await ask('/api/profile/1?fields=id', 'br'), '/api/profile/1?fields=id br: fwd=miss')
    t.equal(await ask('/api/profile%2F1', 'br'), '/api/profile%2F1 br: fwd=miss', 'nor is one path decoded')
    t.equal(asked().length, 5)

    const head = await front.ask('/api/profile/1', { method: 'HEAD', headers: { 'accept-encoding': 'br' } })
    t.equal(`${head.status} ${edgeSays(head)} ${head.body}`, '200 hit ', 'HEAD is answered from GET')
    const same = await front.ask('/api/profile/1', {
      headers: { 'accept-encoding': 'br', 'if-none-match': 'W/"x", "br"' }
    })
    t.equal(`${same.status} ${edgeSays(same)}`, '304 hit', 'and a conditional request without the origin')
    const insists = await front.ask('/api/profile/1', {
      headers: { 'accept-encoding': 'br', 'cache-control': 'no-cache' }
    })
    t.equal(edgeSays(insists), 'hit', 'a client cannot make everybody wait')
    t.equal(asked().length, 5)
  }
)

t.test('a crowd that wants one thing that is not there yet costs one question', { skip }, async (t) => {
  const { front, origins, asked } = await behind(t)
  const held = Promise.withResolvers<void>()
  for (const one of origins)
    one.answer = async (_request, reply) => {
      await held.promise
      reply.writeHead(200, kept(60)).end('{}')
    }
  const crowd = Array.from({ length: 40 }, () => front.ask('/api/profiles'))
  await until('somebody asks', () => asked().length > 0)
  // All forty have been accepted before the one answer is let go.
  await until('all wait', async () => (await connections(front.url)) >= 40)
  held.resolve()
  const replies = await Promise.all(crowd)
  t.ok(replies.every(({ status }) => status === 200))
  t.equal(asked().length, 1)
})

t.test('private answers neither come from the cache nor go into it', { skip }, async (t) => {
  const { front, origins, asked } = await behind(t)
  for (const [name, value] of [
    ['authorization', 'Bearer x'],
    ['cookie', 'session=x'],
    ['turno-consistency-token', 'x']
  ] as const) {
    const path = `/api/${name}`
    await front.ask(path)
    const before = asked().length
    const reply = await front.ask(path, { headers: { [name]: value } })
    t.equal(edgeSays(reply), 'fwd=bypass', `${name} is answered by the service`)
    t.equal(asked().length, before + 1)
    await front.ask(`${path}/own`, { headers: { [name]: value } })
  }
  for (const name of ['authorization', 'cookie']) {
    t.not(edgeSays(await front.ask(`/api/${name}/own`)), 'hit', `${name} left nothing behind`)
  }
  const neverKept = {
    'without CDN-Cache-Control': { 'cache-control': 'public, max-age=60, s-maxage=60' },
    'with a cookie': { ...kept(60), 'set-cookie': 'a=b' },
    'said to be stale already': { ...kept(60), 'x-accel-expires': '0' }
  }
  for (const [name, headers] of Object.entries(neverKept)) {
    for (const one of origins) one.answer = (_request, reply) => reply.writeHead(200, headers).end('{}')
    const path = `/api/${encodeURIComponent(name)}`
    await front.ask(path)
    t.not(edgeSays(await front.ask(path)), 'hit', name)
  }
  for (const one of origins) one.answer = (_request, reply) => reply.writeHead(404).end('{}')
  await front.ask('/api/absent')
  t.not(edgeSays(await front.ask('/api/absent')), 'hit', 'an absence is not kept')
})

t.test(
  'what has ended is handed out only where it allows that, and only when nobody answers',
  { skip },
  async (t) => {
    const { front, origins } = await behind(t)
    const ended = kept(-1)
    for (const one of origins)
      one.answer = (request, reply) => {
        const stale = request.url === '/api/patient' ? ', stale-if-error=60' : ''
        reply.writeHead(200, { ...ended, 'cache-control': `public, max-age=30${stale}` }).end('"as it was"')
      }
    for (const path of ['/api/patient', '/api/strict']) {
      await front.ask(path)
      t.equal(edgeSays(await front.ask(path)), 'fwd=stale', `${path} has ended and is asked for again`)
    }
    await Promise.all(origins.map((one) => one.die()))
    const patient = await front.ask('/api/patient')
    t.equal(
      `${patient.status} ${patient.body} ${edgeSays(patient)}`,
      '200 "as it was" hit; detail=stale-if-error'
    )
    const strict = await front.ask('/api/strict')
    t.equal(strict.status, 503)
    t.equal(strict.headers['retry-after'], '2')
    t.match(strict.headers['content-type'], 'application/problem+json')
  }
)

t.test(
  'an instance that breaks a connection costs a reader nothing, and no write is sent twice',
  { skip },
  async (t) => {
    const { front, origins, asked } = await behind(t)
    const [broken] = origins
    if (broken) broken.answer = (request) => request.socket.destroy()
    for (let i = 0; i < 6; i++) t.equal((await front.ask(`/api/profile/${i}`)).status, 200)
    t.ok((broken?.asked.length ?? 0) > 0, 'it was tried')

    for (const one of origins) one.answer = (request) => request.socket.destroy()
    const before = asked().length
    const written = await front.ask('/api/bookings', { method: 'POST', body: '{}' })
    t.equal(written.status, 503)
    t.equal(asked().length, before + 1, 'whether it was done nobody knows: only the client may try again')
  }
)

t.test('who knows the secret renews what is kept; nobody else does', { skip }, async (t) => {
  const { front, origins } = await behind(t)
  let version = 1
  for (const one of origins)
    one.answer = (_request, reply) => reply.writeHead(200, kept(60)).end(String(version))
  const refresh = (secret: string) => front.ask('/api/x', { headers: { 'x-edge-refresh': secret } })
  await front.ask('/api/x')
  version = 2
  t.equal((await refresh('a guess')).body, '1')
  t.equal((await refresh(refreshSecret)).body, '2')
  t.equal((await front.ask('/api/x')).body, '2', 'for everybody')
  t.notOk(
    origins.some((one) => one.asked.some(({ headers }) => headers['x-edge-refresh'])),
    'the service never sees the secret'
  )
})

t.test('the service is told the one address that asks, whatever the client writes', { skip }, async (t) => {
  const { front, asked } = await behind(t)
  await front.ask('/api/a', { headers: elsewhere('198.51.100.7, 203.0.113.9') })
  const [request] = asked()
  t.equal(
    request?.headers['x-forwarded-for'],
    '203.0.113.9',
    'as the trusted proxy saw it, and not what it was told'
  )
  t.equal(request?.headers['x-forwarded-proto'], 'https')
})

t.test('a request keeps its name, from the client to the log', { skip }, async (t) => {
  const { front, asked } = await behind(t)
  await front.ask('/api/calendar/secret-of-a-practice.ics?name=ana', {
    headers: { 'x-request-id': 'a-name-of-the-client', authorization: 'Bearer token-of-ana' }
  })
  await front.ask('/api/profiles?q=ana', { headers: { 'x-request-id': 'not { a name' } })
  t.equal(asked()[0]?.headers['x-request-id'], 'a-name-of-the-client')
  t.match(asked()[1]?.headers['x-request-id'], /^[0-9a-f]{32}$/)

  await until(
    'the log is written',
    async () => (await readFile(front.accessLog, 'utf8')).split('\n').length > 2
  )
  const log = await readFile(front.accessLog, 'utf8')
  const lines = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.match(lines[0], {
    requestId: 'a-name-of-the-client',
    path: '/api/calendar/*',
    status: 200,
    cache: 'BYPASS'
  })
  t.match(lines[1], { path: '/api/profiles', cache: 'MISS' })
  t.notMatch(log, /secret-of-a-practice|ana|token/, 'no secret, no query')
})

t.test('bodies are bounded, those of uploads wider', { skip }, async (t) => {
  const { front, asked } = await behind(t)
  const post = (path: string, bytes: number) => front.ask(path, { method: 'POST', body: Buffer.alloc(bytes) })
  const refused = await post('/api/profiles', 102_401)
  t.equal(refused.status, 413)
  t.match(refused.headers['content-type'], 'application/problem+json')
  t.equal(asked().length, 0, 'and never reaches the service')
  t.equal((await post('/api/profiles', 102_400)).status, 200)
  t.equal((await post('/api/documents/upload', 5_000_000)).status, 200)
})

t.test('an address that floods is held off, and no other', { skip }, async (t) => {
  const { front } = await behind(t)
  const flood = (from: string) =>
    Promise.all(Array.from({ length: 450 }, (_, i) => front.ask(`/api/${i}`, { headers: elsewhere(from) })))
  const replies = await flood('203.0.113.9')
  const refused = replies.filter(({ status }) => status === 429)
  t.ok(refused.length > 0)
  t.match(refused[0]?.headers, { 'retry-after': '1', 'content-type': 'application/problem+json' })
  t.equal((await front.ask('/api/x', { headers: elsewhere('203.0.113.10') })).status, 200)
  t.ok(
    (await Promise.all(Array.from({ length: 450 }, (_, i) => front.ask(`/api/${i}`)))).every(
      ({ status }) => status === 200
    ),
    'our own is not counted'
  )
})

t.test('a client that lets its request drag on is cut off', { skip }, async (t) => {
  const { front } = await behind(t)
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(front.redirectUrl).port) })
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  socket.resume()
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
  await new Promise((resolve) => socket.once('close', resolve))
  t.pass('in seconds, not whenever it likes')
})

t.test('TLS 1.3, HTTP/2, and plain HTTP that only tells where to go', { skip }, async (t) => {
  const { front } = await behind(t)
  const { port } = new URL(front.url)
  const to = { host: '127.0.0.1', port: Number(port), ca: front.certificate }
  const socket = connectTls({ ...to, ALPNProtocols: ['h2', 'http/1.1'] })
  await once(socket, 'secureConnect')
  t.equal(`${socket.getProtocol()} ${socket.alpnProtocol}`, 'TLSv1.3 h2')
  socket.destroy()

  const old = connectTls({ ...to, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' })
  t.equal(
    await Promise.race([
      once(old, 'secureConnect').then(
        () => 'open',
        () => 'refused'
      ),
      once(old, 'error').then(() => 'refused')
    ]),
    'refused'
  )
  old.destroy()

  const session = connectHttp2(front.url, { ca: front.certificate })
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/api/profiles' })
  const [headers] = await once(stream, 'response')
  t.equal(headers[':status'], 200)
  stream.close()

  const response = await fetch(`${front.redirectUrl}/api/profiles?q=a`, {
    method: 'POST',
    redirect: 'manual'
  })
  t.equal(response.status, 308, 'which keeps the method')
  t.equal(response.headers.get('location'), `${front.url}/api/profiles?q=a`)
})

t.test('health is that of now', { skip }, async (t) => {
  const { front, asked } = await behind(t)
  for (let i = 0; i < 3; i++) await front.ask('/health/ready')
  t.equal(asked().length, 3)
})

t.test('what nginx refuses it says in the words of the service', async (t) => {
  for (const kind of [
    'malformed-request',
    'request-timeout',
    'payload-too-large',
    'quota-exceeded',
    'headers-too-large',
    'unavailable'
  ] as const) {
    const { status, title } = problemKinds[kind]
    const file = new URL(`../../nginx/problems/${status}.json`, import.meta.url)
    t.same(JSON.parse(await readFile(file, 'utf8')), { type: problemType(kind), title, status })
  }
})

/** Connections that clients have to this port, as the kernel sees them. */
async function connections(url: string): Promise<number> {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0')
  const table = await readFile('/proc/net/tcp', 'utf8')
  return table.split('\n').filter((line) => line.includes(` 0100007F:${port} 0100007F:`) && / 01 /.test(line))
    .length
}
