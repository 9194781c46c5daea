// Serves until SIGTERM, on a free port of loopback, and says where.
import type { Server } from 'node:http'
import { createServer, type RequestListener } from 'node:http'

/** Fastify's own, for all: no peer closes connections that another keeps. */
const keepAliveMs = 72_000

/** For what is a plain listener, as an Express application is. */
export function listen(listener: RequestListener, close: () => Promise<unknown>): void {
  const server: Server = createServer({ keepAliveTimeout: keepAliveMs }, listener)
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') announce(`http://127.0.0.1:${address.port}`)
  })
  endWith(async () => {
    server.close()
    server.closeAllConnections()
    await close()
  })
}

/** `bench/subjects/peer.ts` waits for this line. */
export function announce(url: string): void {
  console.log(`listening on ${url}`)
}

export function endWith(close: () => Promise<unknown>): void {
  process.once('SIGTERM', () => {
    close().then(
      () => process.exit(0),
      () => process.exit(1)
    )
  })
}
