// What is read of a request's lines must be what node reads of them.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { type AskedWith, askedWith } from '../../src/http/asked-with.ts'

const names: readonly (keyof AskedWith)[] = [
  'accept',
  'accept-encoding',
  'authorization',
  'if-none-match',
  'surrogate-capability',
  'traceparent',
  'turno-consistency-token',
  'x-api-key',
  'x-request-id'
]

t.test('each field that decides an answer is found as node finds it, however it is written', async (t) => {
  const server = createServer((request, reply) => {
    const read = askedWith(request)
    const known = Object.fromEntries(names.map((name) => [name, request.headers[name]]))
    reply.end(JSON.stringify({ read: read && { ...known, ...read }, known }))
  })
  t.teardown(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ask = async (lines: readonly string[]) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.write(['GET / HTTP/1.1', 'Host: x', ...lines, 'Connection: close', '', ''].join('\r\n'))
    return JSON.parse((await text(socket)).split('\r\n\r\n')[1]?.replace(/^[^{]*|[^}]*$/g, '') ?? '')
  }

  const capital = (name: string) => name.replaceAll(/(^|-)[a-z]/g, (found) => found.toUpperCase())
  for (const write of [(name: string) => name, capital, (name: string) => name.toUpperCase()]) {
    const { read, known } = await ask([
      'User-Agent: one',
      'Cookie: a',
      ...names.map((name, i) => `${write(name)}: value ${i}`),
      'X-Something-Else: 1'
    ])
    t.same(read, known)
    t.same(
      Object.values(known),
      names.map((_, i) => `value ${i}`)
    )
  }
  const { read, known } = await ask([])
  t.same(read, known)
  for (const name of names) {
    const twice = await ask([`${name}: a`, `${capital(name)}: b`])
    t.equal(twice.read, undefined, `${name} twice is left to node`)
  }
})
