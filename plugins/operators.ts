// The operators' listener: metrics and health on a port of their own, which the public never reaches, for the addresses
// that are allowed. A plain HTTP server rather than a second Fastify: a few fixed answers, one of them about an entry of
// the cache.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { addressOf, allowList } from '../src/http/addresses.ts'

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

    // What each layer holds of one entry, and why it is or isn't fresh: /internal/cache/profile/<id>. Never what it says.
    function entryAt(path: string): (() => Promise<Answer>) | undefined {
      const [, view, written] = /^\/internal\/cache\/([\w-]{1,40})\/([^/]{1,600})$/.exec(path) ?? []
      const key = written === undefined ? undefined : decoded(written)
      if (view === undefined || key === undefined || !app.hasDecorator('cache')) return undefined
      return async () => {
        const found = await app.cache.explain(view, key)
        return found ? json(200, { view, key, ...found }) : json(404, { status: 'no layer holds it' })
      }
    }

    const allowed = allowList(app.settings.operators.allow)

    async function answer(request: IncomingMessage, reply: ServerResponse): Promise<void> {
      const { headers, socket } = request
      // No proxy is trusted here: what was forwarded comes from nobody knows where.
      if (!allowed(addressOf({ ip: socket.remoteAddress ?? '', headers }))) {
        return send(reply, json(403, { status: 'not from here: ADMIN_ALLOW does not name this address' }))
      }
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

/** Longer than any key of a view. In characters, once decoded. */
const longestKey = 200

/** A key as it was before it was put into a path; undefined for what no key can be. */
function decoded(written: string): string | undefined {
  try {
    const key = decodeURIComponent(written)
    return key.length <= longestKey ? key : undefined
  } catch {
    return undefined
  }
}

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
