// What recording an entry adds to a request: pairs of requests, with and without, in turn and in random order, to one
// instance over connections that stay open.
import Fastify from 'fastify'
import { Agent, request } from 'undici'
import { type Estimate, estimate, median } from '../../bench/hit-path/statistics.ts'
import type { Stack } from '../../db/stack/stack.ts'
import audit from '../../plugins/audit.ts'
import health from '../../plugins/health.ts'
import mysql from '../../plugins/mysql.ts'
import { readSettings } from '../../src/config.ts'

const rounds = 40
const pairs = 50

export type Latency = {
  /** Median of a request without and with an entry, µs. */
  bareUs: number
  auditedUs: number
  /** With over without, of the medians of each round. */
  ratio: Estimate
}

export async function checkLatency(
  stack: Stack,
  spoolDirectory: string,
  signal: AbortSignal
): Promise<Latency> {
  const settings = readSettings({
    NODE_ENV: 'test',
    MYSQL_PRIMARY_URL: stack.mysql.primary.url,
    REDIS_URL: stack.redis.url,
    JWT_SECRET: 'for the checks of this checkout, and nobody else',
    AUDIT_SPOOL_DIR: spoolDirectory,
    // As in a fleet, where others do most of the writing; what an instance does itself is no part of a request.
    AUDIT_CONSUMER: 'off'
  })
  const app = Fastify()
  app.decorate('settings', settings)
  app.decorateRequest('caller', null)
  await app.register(health)
  await app.register(mysql)
  await app.register(audit)
  const body = JSON.stringify({ status: 'x'.repeat(1_000) })
  app.get('/bare', (_request, reply) => reply.type('application/json').send(body))
  app.get('/audited', (asked, reply) => {
    app.audit.record({ action: 'client.read', resource: 'client', resourceId: asked.id }, asked)
    return reply.type('application/json').send(body)
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const agent = new Agent({ connections: 1 })
  const timed = async (path: string) => {
    const startedAt = performance.now()
    const reply = await request(url + path, { dispatcher: agent })
    await reply.body.arrayBuffer()
    return (performance.now() - startedAt) * 1000
  }
  try {
    for (let n = 0; n < pairs * 4; n++) await timed(n % 2 ? '/bare' : '/audited')
    const bare: number[] = []
    const audited: number[] = []
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted()
      const times = { '/bare': [] as number[], '/audited': [] as number[] }
      for (let n = 0; n < pairs; n++) {
        const order =
          Math.random() < 0.5 ? (['/bare', '/audited'] as const) : (['/audited', '/bare'] as const)
        for (const path of order) times[path].push(await timed(path))
      }
      bare.push(median(times['/bare']))
      audited.push(median(times['/audited']))
    }
    const ratio = estimate(audited.map((us, round) => us / (bare[round] ?? Number.NaN)))
    return { bareUs: median(bare), auditedUs: median(audited), ratio }
  } finally {
    await agent.destroy()
    await app.close()
  }
}
