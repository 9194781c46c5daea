// Health over HTTP: is the process alive, may it get traffic, how is each part. The answers come from memory
// (src/health.ts): these routes never wait for a part.
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import Type from 'typebox'
import { Health } from '../src/health.ts'
import { Problem } from '../src/http/problem.ts'

declare module 'fastify' {
  interface FastifyInstance {
    health: Health
  }
}

const Live = Type.Object({ status: Type.Literal('live') }, { examples: [{ status: 'live' }] })
const Ready = Type.Object({ status: Type.Literal('ready') }, { examples: [{ status: 'ready' }] })

const Part = Type.Object(
  { status: Type.Enum(['up', 'degraded', 'down', 'off', 'unknown']), version: Type.Optional(Type.String()) },
  { additionalProperties: Type.Union([Type.Number(), Type.Boolean(), Type.Null()]) }
)

const Report = Type.Object(
  {
    status: Type.Enum(['ok', 'degraded', 'unavailable']),
    readiness: Type.Enum(['starting', 'ready', 'draining']),
    uptimeSeconds: Type.Integer({ minimum: 0 }),
    versions: Type.Record(Type.String(), Type.String()),
    parts: Type.Record(Type.String(), Part)
  },
  {
    examples: [
      {
        status: 'degraded',
        readiness: 'ready',
        uptimeSeconds: 5120,
        versions: { service: '0.1.0', node: '26.10.0', tzdb: '2026b', schema: '0000_domain_model' },
        parts: {
          'mysql-primary': { status: 'up', busy: 1, waiting: 0 },
          'mysql-replica-1': { status: 'down', lagSeconds: null }
        }
      }
    ]
  }
)

const readJson = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
const service: { version: string } = readJson('../package.json')
const migrations: { entries: { tag: string }[] } = readJson('../db/migrations/meta/_journal.json')

const versions = {
  service: service.version,
  node: process.versions.node,
  // Rules of wall-clock time differ between releases of the time zone database.
  tzdb: process.versions.tz ?? 'unknown',
  // The newest migration this program knows; it does not serve a database that lacks it (src/server.ts).
  schema: migrations.entries.at(-1)?.tag ?? 'none'
}

const headers = { 'cache-control': 'no-store' }

// Probes come every second from every balancer: none of their answers is worth a log line.
const logLevel = 'silent'
// Nor is a balancer ever told to ask less often.
const config = { limits: [] }

export default fp(
  async (app: FastifyInstance) => {
    const health = new Health(versions)
    app.decorate('health', health)

    app.get(
      '/health/live',
      {
        logLevel,
        config,
        schema: {
          operationId: 'getLiveness',
          summary: 'Is the process alive?',
          description: 'Answers as long as the process runs its event loop; looks at no part.',
          tags: ['health'],
          response: { 200: Live }
        }
      },
      (_request, reply) => {
        reply.headers(headers).send({ status: 'live' })
      }
    )

    app.get(
      '/health/ready',
      {
        logLevel,
        config,
        schema: {
          operationId: 'getReadiness',
          summary: 'May this instance get traffic?',
          description: 'For load balancers: 503 while the instance starts and from the moment it drains.',
          tags: ['health'],
          response: { 200: Ready }
        }
      },
      (_request, reply) => {
        if (health.readiness !== 'ready') {
          throw new Problem('unavailable', `This instance is ${health.readiness}.`, { headers })
        }
        reply.headers(headers).send({ status: 'ready' })
      }
    )

    app.get(
      '/health',
      {
        logLevel,
        config,
        schema: {
          operationId: 'getHealth',
          summary: 'How is each part?',
          description:
            'The last known state of each part, at most a second old. 503 only when the instance takes no traffic: ' +
            'a dead part makes it `degraded`, for the others answer in its place.',
          tags: ['health'],
          response: { 200: Report, 503: Report }
        }
      },
      (_request, reply) => {
        const report = health.report()
        reply
          .code(report.status === 'unavailable' ? 503 : 200)
          .headers(headers)
          .send(report)
      }
    )
  },
  { name: 'health' }
)
