// The process on real engines: when it refuses to serve, and what it shows of them.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import mysql from 'mysql2/promise'
import t from 'tap'
import { known } from '../db/seed/known.ts'
import { engines } from './engines.ts'
import { operatorsUrl, runService, serviceUrl } from './node.ts'

const profile = `/api/profile/${known.therapist.id}`

t.test('a service on its engines', { timeout: 120_000 }, async (t) => {
  const { settings, mysql: databases } = await engines(t, { replicas: 1 })

  t.test('shows each part and tells which layer answered', async (t) => {
    const { kill, ended, found } = runService(t, settings)
    const url = await found(serviceUrl)
    const operators = await found(operatorsUrl)
    // A replica first, and again where the machine holds the process up for longer than a proof lives; at last L1.
    const told: (string | null)[] = []
    while (told.at(-1) !== 'turno-l1; hit' && told.length < 50) {
      told.push((await fetch(url + profile)).headers.get('cache-status'))
    }
    const loads = told.filter((status) => status?.includes('detail=replica')).length
    t.ok(loads > 0)

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
    t.match(
      line('http_server_request_duration_seconds_count', route, 'layer="replica"'),
      new RegExp(` ${loads}$`)
    )
    t.match(line('http_server_request_duration_seconds_count', route, 'layer="l1"'), / 1$/)
    t.match(line('turno_cache_answers_total', 'view="profile"', 'layer="l1"'), / 1$/)
    t.match(line('turno_cache_entries'), / 1$/)
    t.match(line('turno_cache_size_bytes'), / [1-9]\d*$/)
    t.match(line('turno_cache_link_trusted'), / [01]$/)
    t.ok(line('db_client_connection_max', 'pool_name="primary"'))
    t.match(line('turno_replica_serving', 'replica-1'), / 1$/)
    t.ok(line('turno_replica_lag_seconds', 'replica-1'))

    kill('SIGTERM')
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
    const { kill, ended, found } = runService(t, settings, {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_TRACES_SAMPLER_ARG: '1'
    })
    const url = await found(serviceUrl)
    // Until Redis takes part: on a busy machine a fresh process may answer first without it.
    let layers: string | null = null
    for (let limit = 1; limit <= 100 && !layers?.includes('turno-redis'); limit++) {
      layers = (await fetch(`${url}/api/profiles?q=ansiedad&limit=${limit}`)).headers.get('cache-status')
    }
    kill('SIGTERM')
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
    const { ended } = runService(t, settings)
    const { code, err } = await ended
    t.equal(code, 1)
    t.match(err, /^turno: the database schema is behind by \d+ migrations?: run npm run migrate\n$/)
  })

  t.test('refuses to serve when the primary is not there', async (t) => {
    await databases.primary.kill()
    const { ended } = runService(t, settings)
    const { code, err } = await ended
    t.equal(code, 1)
    t.match(err, /^turno: the primary database cannot be asked for its schema: .*\n$/)
  })
})
