// The process on real engines: when it refuses to serve, and what it shows of them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as elapsed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import mysql from 'mysql2/promise'
import t, { type Test } from 'tap'
import { known } from '../db/seed/known.ts'
import type { Settings } from '../src/config.ts'
import { engines } from './engines.ts'

const profile = `/api/profile/${known.therapist.id}`

/** `node src/server.ts` with these settings; `line` resolves with its first output that matches. */
function run(t: Test, { mysql, redis, auth }: Settings, environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../src/server.ts', import.meta.url))], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'test',
      PORT: '0',
      MYSQL_PRIMARY_URL: mysql.primaryUrl,
      MYSQL_REPLICA_URLS: mysql.replicaUrls.join(','),
      REDIS_URL: redis.url ?? '',
      JWT_SECRET: auth.secret,
      DRAIN_MS: '0',
      ...environment
    },
    stdio: 'pipe'
  })
  t.teardown(() => child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  const ended = once(child, 'close').then(([code]) => ({ code, ...said }))
  const found = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const match = pattern.exec(said.out)?.[1]
      if (match !== undefined) return match
      if (child.exitCode !== null) throw new Error(said.err)
      await elapsed(10)
    }
  }
  return { child, ended, found }
}

t.test('a service on its engines', { timeout: 120_000 }, async (t) => {
  const { settings, mysql: databases } = await engines(t, { replicas: 1 })

  t.test('shows each part and tells which layer answered', async (t) => {
    const { child, ended, found } = run(t, settings)
    const url = await found(/serving on (http:[^"]+)/)
    const operators = await found(/operators on (http:[^"]+)/)
    for (let n = 0; n < 2; n++) t.equal((await fetch(url + profile)).status, 200)

    const health = await (await fetch(`${url}/health`)).json()
    t.match(health, {
      readiness: 'ready',
      parts: { 'mysql-primary': { status: 'up' }, 'mysql-replica-1': { status: 'up' } }
    })
    t.notMatch(JSON.stringify(health), /127\.0\.0\.1|mysql:|redis:/)

    const metrics = await (await fetch(`${operators}/metrics`)).text()
    const line = (name: string, ...labels: string[]) =>
      metrics
        .split('\n')
        .find((line) => line.startsWith(name) && labels.every((label) => line.includes(label)))
    const route = 'http_route="/api/profile/:id"'
    t.match(line('http_server_request_duration_seconds_count', route, 'layer="replica"'), / 1$/)
    t.match(line('http_server_request_duration_seconds_count', route, 'layer="l1"'), / 1$/)
    t.match(line('turno_cache_answers_total', 'view="profile"', 'layer="l1"'), / 1$/)
    t.ok(line('db_client_connection_max', 'pool_name="primary"'))
    t.match(line('turno_replica_serving', 'replica-1'), / 1$/)
    t.ok(line('turno_replica_lag_seconds', 'replica-1'))

    child.kill('SIGTERM')
    t.match(await ended, { code: 0, err: '' })
  })

  t.test('traces a request through MySQL and Redis, with no value of any statement', async (t) => {
    let traces = ''
    const collector = createServer(async (asked, reply) => {
      for await (const chunk of asked) if (asked.url === '/v1/traces') traces += chunk
      reply.end('{}')
    })
    collector.listen(0, '127.0.0.1')
    await once(collector, 'listening')
    t.teardown(() => collector.close())
    const { port } = collector.address() as AddressInfo
    const { child, ended, found } = run(t, settings, {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_TRACES_SAMPLER_ARG: '1'
    })
    const url = await found(/serving on (http:[^"]+)/)
    await fetch(`${url}/api/profiles?q=ansiedad`)
    child.kill('SIGTERM')
    t.match(await ended, { code: 0 })
    t.match(traces, 'GET /api/profiles')
    t.match(traces, '"mysql"')
    t.match(traces, '"redis"')
    t.notMatch(traces, 'ansiedad')
  })

  t.test('refuses to serve a schema that is behind', async (t) => {
    const connection = await mysql.createConnection(databases.primary.url)
    await connection.query('DELETE FROM __drizzle_migrations')
    await connection.end()
    const { ended } = run(t, settings)
    const { code, err } = await ended
    t.equal(code, 1)
    t.match(err, /^turno: the database schema is behind by \d+ migrations?: run npm run migrate\n$/)
  })

  t.test('refuses to serve when the primary is not there', async (t) => {
    await databases.primary.kill()
    const { ended } = run(t, settings)
    const { code, err } = await ended
    t.equal(code, 1)
    t.match(err, /^turno: the primary database cannot be asked for its schema: .*\n$/)
  })
})
