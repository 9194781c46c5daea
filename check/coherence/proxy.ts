// A TCP proxy on loopback that can cut its clients off from a server, as a network would: the connections stay and
// nothing comes through, or they break and no new one is made.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type TcpProxy = {
  readonly port: number
  /** `silence`: what was sent arrives after `heal`, as TCP has it. `refusal`: connections are reset. */
  cut(how: 'silence' | 'refusal'): void
  heal(): void
  close(): void
}

/** Listens on a free port and passes everything on to `port`. */
export async function proxyTo(port: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let state: 'open' | 'silence' | 'refusal' = 'open'

  const server = createServer((client) => {
    if (state === 'refusal') {
      client.resetAndDestroy()
      return
    }
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    client.setNoDelay(true)
    const pair = [client, upstream] as const
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of pair) socket.on('error', end).on('close', end)
    if (state === 'open') open(pair)
  })

  function open([client, upstream]: readonly [Socket, Socket]): void {
    client.pipe(upstream)
    upstream.pipe(client)
  }

  function silence([client, upstream]: readonly [Socket, Socket]): void {
    client.unpipe(upstream)
    upstream.unpipe(client)
    client.pause()
    upstream.pause()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')

  return {
    port: address.port,
    cut(how) {
      if (state !== 'open') return
      state = how
      for (const pair of [...pairs]) {
        if (how === 'silence') silence(pair)
        else for (const socket of pair) socket.resetAndDestroy()
      }
    },
    heal() {
      if (state === 'silence') for (const pair of pairs) open(pair)
      state = 'open'
    },
    close() {
      server.close()
      for (const pair of pairs) for (const socket of pair) socket.destroy()
    }
  }
}
