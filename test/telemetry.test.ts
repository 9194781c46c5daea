// What is measured and said, and what is not.
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { bareApp, bareSettings } from './bare-app.ts'

async function measured(t: Test) {
  const app = await bareApp()
  t.teardown(() => app.close())
  await app.ready()
  return app
}

/** The lines of a metric. */
async function lines(app: { metrics: { text(): Promise<string> } }, name: string): Promise<string[]> {
  return (await app.metrics.text()).split('\n').filter((line) => line.startsWith(name))
}

t.test('a request is measured by its route, never its URL, and by the layer that answered', async (t) => {
  const app = await measured(t)
  await app.inject('/api/profile/0b7c8f5e-0000-4000-8000-000000000000?fields=name')
  const [counted] = await lines(app, 'http_server_request_duration_seconds_count')
  t.match(counted, 'http_route="/api/profile/:id"')
  t.match(counted, 'http_request_method="GET"')
  t.match(counted, 'http_response_status_code="200"')
  t.match(counted, 'turno_cache_layer="l1"')
  t.match(counted, / 1$/)
  t.notMatch(await app.metrics.text(), /0b7c8f5e|fields/)
})

t.test('each request is counted once, also HEAD, and what there is no route for', async (t) => {
  const app = await measured(t)
  await app.inject({ method: 'HEAD', url: '/fast' })
  await app.inject('/nowhere')
  const counted = await lines(app, 'http_server_request_duration_seconds_count')
  t.equal(counted.length, 2, counted.join('\n'))
  const [head] = counted.filter((line) => line.includes('http_request_method="HEAD"'))
  t.match(head, /http_route="\/fast".* 1$/)
  const [nowhere] = counted.filter((line) => line.includes('http_response_status_code="404"'))
  t.match(nowhere, / 1$/)
  t.notMatch(nowhere, 'http_route')
})

t.test('answers under a millisecond fall into buckets of their own', async (t) => {
  const app = await measured(t)
  await app.inject('/fast')
  const bounds = (await lines(app, 'http_server_request_duration_seconds_bucket')).map((line) =>
    Number(/le="([^"]+)"/.exec(line)?.[1]?.replace('+Inf', 'Infinity'))
  )
  t.ok(bounds.filter((bound) => bound < 0.001).length >= 3, `${bounds}`)
})

t.test('strangers cannot make the number of series grow', async (t) => {
  const app = await measured(t)
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PROPFIND', 'MKCOL', 'PURGE'] as const
  for (let n = 0; n < 3000; n++) {
    const path = n % 2 ? `/${n}/${Math.random()}?x=${n}` : `/api/profile/${n}`
    const method = methods[n % methods.length] ?? 'GET'
    await app.inject({ method: method as 'GET', path, headers: { 'x-request-id': `stranger-${n}` } })
  }
  const series = (await app.metrics.text()).split('\n').filter((line) => line && !line.startsWith('#'))
  t.ok(series.length < 500, `${series.length} series`)
})

t.test('requests under way are counted, also those whose client went away', async (t) => {
  const app = await measured(t)
  const url = await app.listen({ port: 0 })
  const leaving = new AbortController()
  const arrived = new Promise((resolve) => app.server.once('request', resolve))
  const gone = fetch(`${url}/held`, { signal: leaving.signal }).catch(() => {})
  await arrived
  t.strictSame(await lines(app, 'http_server_active_requests '), ['http_server_active_requests 1'])
  leaving.abort()
  await gone
  while (!(await lines(app, 'turno_http_aborted_total ')).includes('turno_http_aborted_total 1'))
    await setImmediate()
  t.strictSame(await lines(app, 'http_server_active_requests '), ['http_server_active_requests 0'])
})

t.test('the runtime is measured: event loop, garbage, memory', async (t) => {
  const app = await measured(t)
  // The delay of the event loop has no figures before it has turned for a while.
  while ((await lines(app, 'nodejs_eventloop_delay_p99')).length === 0) await setImmediate()
  const text = await app.metrics.text()
  for (const name of [
    'nodejs_eventloop_delay_p99_seconds',
    'nodejs_eventloop_utilization_ratio',
    'v8js_memory_heap_used_bytes',
    'process_memory_usage_bytes',
    'process_cpu_time_seconds_total'
  ]) {
    t.match(text, new RegExp(`^${name}[ {]`, 'm'), name)
  }
})

/** An app and what it said. */
async function listening(t: Test, slowRequestMs = '60000') {
  const said: string[] = []
  const app = await bareApp(bareSettings({ LOG_LEVEL: 'info', LOG_SLOW_REQUEST_MS: slowRequestMs }), {
    write: (line) => said.push(line)
  })
  t.teardown(() => app.close())
  return { app, said }
}

t.test('a fast read leaves no line; a write, a failure and a slow one do', async (t) => {
  const { app, said } = await listening(t)
  await app.inject('/api/profile/1')
  await app.inject('/nowhere')
  t.strictSame(said, [])
  await app.inject({ method: 'POST', path: '/written', body: {} })
  t.match(JSON.parse(said.at(-1) ?? ''), {
    method: 'POST',
    route: '/written',
    status: 200,
    requestId: String
  })
  await app.inject('/fails')
  t.match(JSON.parse(said.at(-1) ?? ''), { route: '/fails', status: 500, msg: 'failed request' })
  const impatient = await listening(t, '0')
  await impatient.app.inject('/fast')
  t.match(JSON.parse(impatient.said[0] ?? ''), { msg: 'slow request', route: '/fast', ms: Number })
})

t.test('a line tells the caller’s request and trace', async (t) => {
  const { app, said } = await listening(t)
  const headers = {
    'x-request-id': 'balancer-000042',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  }
  const reply = await app.inject({ method: 'POST', path: '/written', headers })
  t.equal(reply.headers['x-request-id'], 'balancer-000042', 'the client is told it too')
  t.match(JSON.parse(said[0] ?? ''), {
    requestId: 'balancer-000042',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736'
  })
  await app.inject({ method: 'POST', path: '/written', headers: { 'x-request-id': 'a\nforged line' } })
  t.notMatch(said[1], /forged/)
})

t.test('no line holds a secret, a search, a body, an address, or what a database quotes', async (t) => {
  const { app, said } = await listening(t, '0')
  const quoting = Object.assign(new Error("Duplicate entry 'ana@example.es'"), { sqlMessage: '' })
  for (const path of [
    '/fails?q=ansiedad',
    '/written?q=ansiedad',
    '/ansiedad?q=ansiedad',
    '/api/profile/ansiedad'
  ]) {
    for (const method of ['GET', 'POST'] as const) {
      await app.inject({
        method,
        path,
        remoteAddress: '203.0.113.7',
        headers: { authorization: 'Bearer eyJhbGciOi', cookie: 'session=eyJhbGciOi' },
        ...(method === 'POST' && { body: { name: 'Ana Lorente' } })
      })
    }
  }
  app.log.error(
    { headers: { authorization: 'Bearer eyJhbGciOi' }, body: { name: 'Ana Lorente' } },
    'careless'
  )
  app.log.error({ err: quoting })
  app.log.error(quoting)
  t.ok(said.length > 7)
  const everything = said.join('')
  t.match(everything, 'ER_DUP_ENTRY', 'a failure keeps its code')
  t.match(everything, /bare-app\.ts/, 'and where it happened')
  t.notMatch(everything, /ansiedad|eyJhbGciOi|Ana Lorente|203\.0\.113|ana@example/)
})
