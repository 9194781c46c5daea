// Somebody who receives webhooks: a real HTTP server that answers as it is told, and checks signatures by an
// implementation of its own, written from Standard Webhooks 1.0.0.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export type Received = { headers: IncomingHttpHeaders; body: string; path: string; at: number }

export type Receiver = {
  url: string
  received: Received[]
  /** Statuses of the next answers; 204 when there are no more. */
  answers: (number | 'silence')[]
}

export async function receiver(t: Pick<Test, 'teardown'>): Promise<Receiver> {
  const received: Received[] = []
  const answers: Receiver['answers'] = []
  const server = createServer((request, reply) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      received.push({ headers: request.headers, body, path: request.url ?? '', at: Date.now() })
      const status = answers.shift() ?? 204
      if (status === 'silence') return
      reply.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/elsewhere' } : {}).end('ok')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?of=mine`, received, answers }
}

/** Whether one of the signatures is by this secret, and the message is of now. */
export function verifies(secret: string, { headers, body }: Received): boolean {
  const id = String(headers['webhook-id'])
  const timestamp = String(headers['webhook-timestamp'])
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
  return String(headers['webhook-signature'])
    .split(' ')
    .some((one) => {
      const [version, signature = ''] = one.split(',')
      const given = Buffer.from(signature, 'base64')
      return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
    })
}
