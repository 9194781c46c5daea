// Leaving without losing a request, and dying when there is nothing better to do.
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { listen } from '../src/server.ts'
import { bareApp, bareSettings } from './bare-app.ts'
import { runNode } from './node.ts'

type Answer = { status: number | undefined; connection: string | undefined; body: string }

async function get(url: string, agent?: Agent): Promise<Answer> {
  const sent = request(url, { agent: agent ?? new Agent({ keepAlive: false }) }).end()
  const [answer]: IncomingMessage[] = await once(sent, 'response')
  if (!answer) throw new Error('no answer')
  let body = ''
  for await (const chunk of answer) body += chunk
  return { status: answer.statusCode, connection: answer.headers.connection, body }
}

async function served(t: Test, environment: Record<string, string> = {}) {
  const app = await bareApp(bareSettings(environment))
  const serving = await listen(app)
  t.teardown(() => serving.close(0))
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  return { app, agent, ...serving }
}

/** Resolves when the server holds a request for this path. */
async function underWay(app: { server: import('node:http').Server }, path: string): Promise<void> {
  for (;;) {
    const [asked]: IncomingMessage[] = await once(app.server, 'request')
    if (asked?.url === path) return
  }
}

t.test('a balancer hears of the leaving while everything is still served', async (t) => {
  const { url, operatorsUrl, agent, close } = await served(t, { DRAIN_MS: '400' })
  t.equal((await get(`${url}/health/ready`)).status, 200)
  t.not((await get(`${url}/fast`, agent)).connection, 'close', 'before, connections are kept')

  const closing = close()
  t.equal((await get(`${url}/health/ready`)).status, 503)
  t.equal((await get(`${operatorsUrl}/health/ready`)).status, 503)
  t.equal((await get(`${url}/health/live`)).status, 200, 'it lives, so nobody should kill it')
  t.match(await get(`${url}/fast`, agent), { status: 200, connection: 'close' }, 'on an old connection')
  t.match(await get(`${url}/fast`), { status: 200, connection: 'close' }, 'on a new connection')

  await closing
  await t.rejects(get(`${url}/fast`), { code: 'ECONNREFUSED' })
  await t.rejects(get(`${operatorsUrl}/health`), { code: 'ECONNREFUSED' })
})

t.test('a request under way is answered, and its kept connection does not hold up the end', async (t) => {
  const { app, url, agent, close } = await served(t)
  const arrived = underWay(app, '/held')
  const answer = get(`${url}/held`, agent)
  await arrived
  const closing = close()
  while (app.server.listening) await setImmediate()
  app.getDecorator<() => void>('release')()
  t.match(await answer, { status: 200, body: 'done' })
  await closing
})

t.test('a request that does not end is cut in time for the process to leave', async (t) => {
  const { app, url, close } = await served(t, { SHUTDOWN_MS: '1200' })
  const arrived = underWay(app, '/held')
  const answer = t.rejects(get(`${url}/held`), { code: 'ECONNRESET' })
  await arrived
  await close()
  await answer
})

t.test('closing twice is closing once', async (t) => {
  const { close } = await served(t)
  t.equal(close(), close())
})

const url = /(http:\S+)/

/** The bare app in a process of its own. */
function run(t: Test, environment: Record<string, string> = {}) {
  return runNode(t, './fixtures/small-service.ts', { ...process.env, ...environment })
}

t.test('SIGTERM ends the process well', async (t) => {
  const { kill, ended, found } = run(t)
  await found(url)
  kill('SIGTERM')
  t.match(await ended, { code: 0, err: '' })
})

t.test('Ctrl-C does not wait for balancers', { timeout: 20_000 }, async (t) => {
  const { kill, ended, found } = run(t, { DRAIN_MS: '60000' })
  await found(url)
  kill('SIGINT')
  t.match(await ended, { code: 0 })
})

t.test('a second signal ends it at once', { timeout: 20_000 }, async (t) => {
  const { kill, ended, found } = run(t, { DRAIN_MS: '60000' })
  const at = await found(url)
  kill('SIGTERM')
  while ((await get(`${at}/health/ready`)).status === 200);
  kill('SIGTERM')
  t.match(await ended, { code: 1, err: /second SIGTERM/ })
})

t.test('an error that nobody caught ends the process as a failure', async (t) => {
  const { ended, found } = run(t)
  const at = await found(url)
  await get(`${at}/crashes`)
  t.match(await ended, { code: 1, out: /nobody catches this.*an error that nobody caught/ })
})

t.test('a taken port is one clear line', async (t) => {
  const { url } = await served(t)
  const { port } = new URL(url)
  const { ended } = run(t, { PORT: port })
  t.strictSame(await ended, {
    code: 1,
    out: '',
    err: `turno: port ${port} on 127.0.0.1 is taken: set PORT to a free one\n`
  })
})

t.test('each bad setting is one line, before anything starts', async (t) => {
  const { ended } = runNode(t, '../src/server.ts', {
    ...process.env,
    PORT: 'many',
    LOG_SLOW_REQUEST_MS: '-1'
  })
  const { code, err } = await ended
  t.equal(code, 1)
  t.match(err, /^turno: PORT .*$/m)
  t.match(err, /^turno: LOG_SLOW_REQUEST_MS .*$/m)
  t.notMatch(err, /^(?!turno: |$)/m, 'and nothing but such lines')
})

t.test(
  'with a collector, traces and metrics are sent before the end, without what people search for',
  async (t) => {
    const { endpoint, received } = await collector(t)
    const { kill, ended, found } = run(t, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    const at = await found(url)
    await get(`${at}/api/profile/1?q=ansiedad`)
    await get(`${at}/fails?q=ansiedad`)
    kill('SIGTERM')
    t.match(await ended, { code: 0 })
    t.match(received['/v1/traces'], 'GET /api/profile/:id')
    t.match(received['/v1/metrics'], 'http.server.request.duration')
    t.notMatch(received['/v1/traces'], /ansiedad|ana@example/)
  }
)

t.test('a collector that hangs does not hold up the end', { timeout: 20_000 }, async (t) => {
  const { endpoint } = await collector(t, () => {})
  const { kill, ended, found } = run(t, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, SHUTDOWN_MS: '4500' })
  await get(`${await found(url)}/fast`)
  kill('SIGTERM')
  t.match(await ended, { code: 0 })
})

/** A collector on a free port; what it received is text, by path. */
async function collector(t: Test, answer: (reply: ServerResponse) => void = (reply) => reply.end('{}')) {
  const received: Record<string, string> = {}
  const sink = createServer(async (asked, reply) => {
    const path = asked.url ?? ''
    for await (const chunk of asked) received[path] = (received[path] ?? '') + chunk
    answer(reply)
  })
  t.teardown(() => sink.closeAllConnections())
  t.teardown(() => sink.close())
  sink.listen(0, '127.0.0.1')
  await once(sink, 'listening')
  const address = sink.address()
  if (typeof address !== 'object' || !address) throw new Error('not listening')
  return { endpoint: `http://127.0.0.1:${address.port}`, received }
}
