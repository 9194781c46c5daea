import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import Fastify, { type LightMyRequestResponse } from 'fastify'
import t from 'tap'
import errors from '../../plugins/errors.ts'
import loadShedding from '../../plugins/load-shedding.ts'

/** Keeps the event loop busy, as a computation in it would. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

t.test('a process that cannot keep up refuses at once, except for health checks, and recovers', async (t) => {
  const logged: string[] = []
  const app = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => logged.push(line) } } })
  t.teardown(() => app.close())
  await app.register(errors)
  await app.register(loadShedding, { delayMs: 300 })
  for (const url of ['/api', '/health', '/health/live', '/health/ready']) app.get(url, async () => ({}))
  await app.ready()
  t.equal((await app.inject('/api')).statusCode, 200)

  const until = async (
    status: number,
    meanwhile: () => Promise<unknown>
  ): Promise<LightMyRequestResponse | null> => {
    const deadline = performance.now() + 20_000
    while (performance.now() < deadline) {
      await meanwhile()
      const response = await app.inject('/api')
      if (response.statusCode === status) return response
    }
    return null
  }
  // Well beyond the limit: what the sampler sees of a block is shorter than the block by up to its own resolution.
  const busy = async () => {
    block(1000)
    await turn()
  }

  const shed = await until(503, busy)
  t.equal(shed?.json().type, 'https://turno.example/problems/unavailable')
  t.equal(shed?.headers['retry-after'], '2')
  for (const url of ['/health', '/health/live', '/health/ready']) {
    t.equal((await app.inject(url)).statusCode, 200, url)
  }
  t.ok(await until(200, () => pause(20)), 'it recovers')
  t.same(logged, [], 'and has not added to the load by writing about it')
})
