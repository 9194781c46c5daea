// What balancers and operators are told.
import t, { type Test } from 'tap'
import { listen } from '../src/server.ts'
import { bareApp, bareSettings } from './bare-app.ts'

async function app(t: Test) {
  const app = await bareApp()
  t.teardown(() => app.close())
  return { health: app.health, inject: (path: string) => app.inject(path) }
}

t.test('an instance that has not started yet is alive but gets no traffic', async (t) => {
  const { inject } = await app(t)
  t.equal((await inject('/health/live')).statusCode, 200)
  t.equal((await inject('/health/ready')).statusCode, 503)
  t.match((await inject('/health')).json(), { status: 'unavailable', readiness: 'starting' })
})

t.test('an instance that drains never becomes ready again', async (t) => {
  const { health, inject } = await app(t)
  health.started()
  t.equal((await inject('/health/ready')).statusCode, 200)
  health.drain()
  health.started()
  const answer = await inject('/health/ready')
  t.equal(answer.statusCode, 503)
  t.ok(answer.headers['retry-after'])
})

t.test(
  'each part is shown with its figures, and one that is down does not take the instance out',
  async (t) => {
    const { health, inject } = await app(t)
    health.started()
    health.add('mysql-primary', () => ({ status: 'up', version: '10.11.14', figures: { busy: 2 } }))
    health.add('mysql-replica-1', () => ({ status: 'down', figures: { lagSeconds: null } }))
    const answer = await inject('/health')
    t.equal(answer.statusCode, 200)
    t.match(answer.json(), {
      status: 'degraded',
      versions: { service: String, node: process.versions.node, tzdb: String, schema: String },
      parts: {
        'mysql-primary': { status: 'up', version: '10.11.14', busy: 2 },
        'mysql-replica-1': { status: 'down', lagSeconds: null }
      }
    })
  }
)

t.test('a part that is switched off by choice is no fault', async (t) => {
  const { health, inject } = await app(t)
  health.started()
  health.add('redis', () => ({ status: 'off' }))
  t.equal((await inject('/health')).json().status, 'ok')
})

t.test('a part whose monitor fails is unknown, and the others are still shown', async (t) => {
  const { health, inject } = await app(t)
  health.add('broken', () => {
    throw new Error('mysql://turno:secret@db.internal/turno')
  })
  health.add('whole', () => ({ status: 'up' }))
  const answer = await inject('/health')
  t.strictSame(answer.json().parts, { broken: { status: 'unknown' }, whole: { status: 'up' } })
  t.notMatch(answer.body, /secret|db\.internal/)
})

t.test('however many ask, the parts are looked at once a second', async (t) => {
  const { health, inject } = await app(t)
  let looks = 0
  health.add('counted', () => {
    looks++
    return { status: 'up' }
  })
  await Promise.all(Array.from({ length: 50 }, () => inject('/health')))
  t.equal(looks, 1)
  health.drain()
  t.match((await inject('/health')).json(), { readiness: 'draining' }, 'but leaving shows at once')
})

t.test('no answer about health is ever stored', async (t) => {
  const { inject } = await app(t)
  for (const path of ['/health', '/health/live', '/health/ready']) {
    t.equal((await inject(path)).headers['cache-control'], 'no-store', path)
  }
})

t.test('operators get metrics and health on a port of their own, the public no metrics', async (t) => {
  const bare = await bareApp(bareSettings())
  const { url, operatorsUrl, close } = await listen(bare)
  t.teardown(close)
  t.equal((await fetch(`${url}/metrics`)).status, 404)
  const metrics = await fetch(`${operatorsUrl}/metrics`)
  t.equal(metrics.status, 200)
  t.match(metrics.headers.get('content-type'), 'text/plain; version=0.0.4')
  t.equal((await fetch(`${operatorsUrl}/health/ready`)).status, 200)
  t.match(await (await fetch(`${operatorsUrl}/health`)).json(), { readiness: 'ready' })
  t.equal((await fetch(`${operatorsUrl}/fast`)).status, 404, 'and nothing of the API')
  t.equal((await fetch(`${operatorsUrl}/metrics`, { method: 'POST' })).status, 405)
})
