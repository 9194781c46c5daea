// An origin that does what a test of the edge needs to see: answers as told, counts, delays, drops connections, dies.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export type Origin = {
  /** `host:port`, for nginx. */
  address: string
  /** What it has been asked, in order. */
  asked: IncomingMessage[]
  answer: (request: IncomingMessage, reply: ServerResponse) => void
  die(): Promise<void>
}

/** What the service says of a public answer that an edge may keep for so many seconds from now. */
export const kept = (seconds: number) => ({
  'content-type': 'application/json',
  'cache-control': 'public, max-age=30',
  'cdn-cache-control': 'max-age=300',
  'x-accel-expires': `@${Math.floor(Date.now() / 1000) + seconds}`
})

/** An origin that answers everything with what edges may keep for a minute, and its path. */
export async function origin(t: Pick<Test, 'teardown'>): Promise<Origin> {
  const asked: IncomingMessage[] = []
  const server = createServer((request, reply) => {
    asked.push(request)
    request.resume()
    request.on('end', () => self.answer(request, reply))
    request.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const die = async () => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  t.teardown(die)
  const self: Origin = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (request, reply) => reply.writeHead(200, kept(60)).end(JSON.stringify({ path: request.url })),
    die
  }
  return self
}
