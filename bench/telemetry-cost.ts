// What watching a cached hit costs: the same route served with and without metrics and logs, in one process, in
// alternating blocks, so that whatever else the machine does falls on all alike. The figure is processor time of the
// server's thread alone; the client lives in a worker. `node bench/telemetry-cost.ts [pairs]`
import { once } from 'node:events'
import { connect } from 'node:net'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import Fastify, { type FastifyInstance } from 'fastify'
import telemetry from '../plugins/telemetry.ts'
import { readSettings } from '../src/config.ts'
import { loggerOptions } from '../src/log.ts'

const requestsPerBlock = 2000
const connections = 16
const warmUpBlocks = 10

type Block = { port: number; requests: number }

if (isMainThread) await compare(Number(process.argv[2] ?? 150))
else drive()

async function compare(rounds: number): Promise<void> {
  const settings = readSettings({
    ...process.env,
    MYSQL_PRIMARY_URL: 'mysql://nobody:nothing@127.0.0.1:1/none',
    JWT_SECRET: 'not used by what is measured here, and long enough'
  })
  const quiet = await loggerOptions(settings, { write() {} })

  const variants = new Map<string, FastifyInstance>()
  const plain = Fastify()
  plain.decorateRequest('answeredBy', null)
  variants.set('without', plain)
  const metrics = Fastify()
  metrics.decorate('settings', settings)
  await metrics.register(telemetry)
  variants.set('metrics', metrics)
  const both = Fastify(quiet)
  both.decorate('settings', settings)
  await both.register(telemetry)
  variants.set('metrics and logs', both)

  const ports = new Map<string, number>()
  for (const [name, app] of variants) {
    serveHits(app)
    ports.set(name, Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port))
  }

  const client = new Worker(new URL(import.meta.url))
  const spent = new Map<string, number[]>([...variants.keys()].map((name) => [name, []]))
  for (let round = -warmUpBlocks; round < rounds; round++) {
    const order = [...ports]
    // There and back: a drift within a round falls on first and last alike.
    if (round % 2) order.reverse()
    for (const [name, port] of order) {
      const micros = await block(client, { port, requests: requestsPerBlock })
      if (round >= 0) spent.get(name)?.push(micros / requestsPerBlock)
    }
  }
  await client.terminate()
  for (const app of variants.values()) await app.close()

  const without = spent.get('without') ?? []
  console.log(
    `processor µs per request, ${rounds} rounds of ${requestsPerBlock}; 95 % intervals of the median pair`
  )
  for (const [name, costs] of spent) {
    const added = interval(costs.map((cost, round) => cost - (without[round] ?? 0)))
    const ratio = interval(costs.map((cost, round) => cost / (without[round] ?? 1)))
    console.log(
      name.padEnd(18),
      median(costs).toFixed(2).padStart(7),
      name === 'without' ? '' : `added ${show(added)}  ratio ${show(ratio)}`
    )
  }
}

/** A hit as the service answers it: found bytes, their validators, nothing made anew. */
function serveHits(app: FastifyInstance): void {
  const entry = { body: Buffer.alloc(1024, 'x'), etag: '"7-0123456789abcdef"' }
  const entries = new Map([['somebody', entry]])
  app.get<{ Params: { id: string } }>('/api/profile/:id', (request, reply) => {
    const found = entries.get(request.params.id)
    if (!found) return reply.code(404).send()
    request.answeredBy = 'l1'
    reply
      .header('content-type', 'application/json; charset=utf-8')
      .header('etag', found.etag)
      .header('cache-control', 'public, max-age=0, must-revalidate')
      .header('cache-status', 'turno-l1; hit')
      .send(found.body)
  })
}

async function block(client: Worker, job: Block): Promise<number> {
  const before = process.threadCpuUsage()
  client.postMessage(job)
  await once(client, 'message')
  const { user, system } = process.threadCpuUsage(before)
  return user + system
}

function drive(): void {
  parentPort?.on('message', async ({ port, requests }: Block) => {
    const each = Math.ceil(requests / connections)
    await Promise.all(Array.from({ length: connections }, () => keepAsking(port, each)))
    parentPort?.postMessage('done')
  })
}

/** One connection, one request at a time. All answers are of one length, so bytes tell when one is complete. */
async function keepAsking(port: number, requests: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const question = 'GET /api/profile/somebody HTTP/1.1\r\nhost: turno\r\naccept: application/json\r\n\r\n'
  let length = 0
  let received = 0
  let answered = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.on('data', (bytes: Buffer) => {
    if (length === 0) length = answerLength(bytes)
    received += bytes.length
    if (received < length) return
    received -= length
    answered++
    if (answered === requests) resolve()
    else socket.write(question)
  })
  socket.write(question)
  await promise
  socket.destroy()
}

function answerLength(first: Buffer): number {
  const head = first.toString('latin1').split('\r\n\r\n', 1)[0] ?? ''
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`not a hit: ${head}`)
  return head.length + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1])
}

type Interval = { low: number; middle: number; high: number }

/** Median with its bootstrap interval. */
function interval(values: number[]): Interval {
  const medians = Array.from({ length: 1000 }, () =>
    median(values.map(() => values[Math.floor(Math.random() * values.length)] ?? 0))
  ).sort((a, b) => a - b)
  return { low: medians[25] ?? 0, middle: median(values), high: medians[974] ?? 0 }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2
}

function show({ low, middle, high }: Interval): string {
  return `${middle.toFixed(2)} [${low.toFixed(2)}; ${high.toFixed(2)}]`
}
