// The operators' listener: metrics and health on a port of their own, which the public never reaches. A plain HTTP
// server rather than a second Fastify: a few fixed answers, one of them about an entry of the cache.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    operators: {
      /** Opens the listener. Resolves with its URL; rejects when the port is taken. */
      listen(): Promise<string>
    }
  }
}

type Answer = { status: number; type: string; body: string }

/** The type of Prometheus's text format, version 0.0.4. */
const prometheusText = 'text/plain; version=0.0.4; charset=utf-8'

export default fp(
  async (app: FastifyInstance) => {
    const json = (status: number, value: unknown): Answer => ({
      status,
      type: 'application/json',
      body: JSON.stringify(value)
    })

    const answers: Record<string, () => Answer | Promise<Answer>> = {
      '/metrics': async () => ({ status: 200, type: prometheusText, body: await app.metrics.text() }),
      '/health/live': () => json(200, { status: 'live' }),
      '/health/ready': () =>
        json(app.health.readiness === 'ready' ? 200 : 503, { status: app.health.readiness }),
      '/health': () => {
        const report = app.health.report()
        return json(report.status === 'unavailable' ? 503 : 200, report)
      }
    }

    // What each layer holds of one entry, and why it is or isn't fresh: /internal/cache/profile/<id>
    function entryAt(path: string): (() => Promise<Answer>) | undefined {
      const [, view, key] = /^\/internal\/cache\/([a-z]{1,40})\/([\w-]{1,64})$/.exec(path) ?? []
      if (view === undefined || key === undefined || !app.hasDecorator('cache')) return undefined
      return async () => {
        const found = await app.cache.explain(view, key)
        return found ? json(200, { view, key, ...found }) : json(404, { status: 'no layer holds it' })
      }
    }

    async function answer(request: IncomingMessage, reply: ServerResponse): Promise<void> {
      const path = request.url?.split('?', 1)[0] ?? ''
      const find = Object.hasOwn(answers, path) ? answers[path] : entryAt(path)
      if (!find) return send(reply, json(404, { status: 'not found' }))
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        reply.setHeader('allow', 'GET, HEAD')
        return send(reply, json(405, { status: 'method not allowed' }))
      }
      send(reply, await find())
    }

    const server = createServer({ requestTimeout: 5000, headersTimeout: 5000 }, (request, reply) => {
      answer(request, reply).catch((error: unknown) => {
        app.log.error({ err: error }, 'an operators’ endpoint failed')
        if (!reply.headersSent) send(reply, json(500, { status: 'failed' }))
      })
    })

    app.decorate('operators', {
      listen: () => {
        const { host, port } = app.settings.operators
        return new Promise<string>((resolve, reject) => {
          server.once('error', reject)
          server.listen({ host, port }, () => {
            server.removeListener('error', reject)
            resolve(urlOf(server.address() as AddressInfo))
          })
        })
      }
    })

    // Closes after the public listener has, so that the state of a drain can be watched to its end.
    app.addHook('onClose', async () => {
      if (!server.listening) return
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    })
  },
  { name: 'operators', dependencies: ['health', 'telemetry'] }
)

function send(reply: ServerResponse, { status, type, body }: Answer): void {
  reply.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store'
  })
  reply.end(body)
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
