// The drivers on a server that misbehaves on purpose: what it does to people has to be in the figures.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { closedLoop } from '../../bench/drivers/closed-loop.ts'
import { valueAt } from '../../bench/drivers/distribution.ts'
import { OpenLoop } from '../../bench/drivers/open-loop.ts'
import { requestsOf } from '../../bench/load/requests.ts'
import { stream } from '../../db/seed/random.ts'

const id = '0190a1b2-0000-7000-8000-000000000001'
const body = JSON.stringify({ id, name: 'Ada' })
const steps = [{ seconds: 2, rate: 200 }]

async function serverOf(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const answer: RequestListener = (_, reply) => {
  reply.setHeader('cache-status', 'turno-l1; hit')
  reply.end(body)
}

function requests(mix: Parameters<typeof requestsOf>[0]['mix'] = { item: 90, patchProfile: 10 }) {
  const person = { id, token: 'none' }
  const world = {
    profiles: [id],
    lists: ['/api/profiles'],
    therapists: [person],
    clients: [person],
    admin: person,
    tags: {},
    firstStart: 0
  }
  return requestsOf({
    world,
    mix,
    theta: 0,
    seed: 1,
    stretch: 'one',
    serial: 0
  })
}

async function drive(t: Test, url: string, timeoutMs = 1_000) {
  const loop = new OpenLoop({ encoding: 'identity', timeoutMs, urls: [url], connections: 8 }, requests())
  t.teardown(() => loop.close())
  return loop.run(steps, stream('1', 'arrivals'))
}

t.test('each creation takes an applicant of its own', (t) => {
  const asked = requests({ createProfile: 100 })
  const bodies = Array.from({ length: 20 }, () => asked.next().wanted.body)
  t.equal(new Set(bodies).size, 20)
  t.equal(asked.serial(), 20)
  t.end()
})

t.test('the open loop', async (t) => {
  t.test('sends all that the schedule says, and tells who answered', async (t) => {
    const { seen, latency, slip, serial } = await drive(t, await serverOf(t, answer))
    t.ok(Math.abs(seen.requests - 400) < 80, `${seen.requests} requests`)
    t.equal(seen.good, seen.requests)
    t.equal(latency.count, seen.requests)
    t.equal(slip?.count, seen.requests)
    t.equal(seen.layers.l1, seen.reads, 'reads alone have a layer')
    t.equal(serial, 0, 'a change takes nothing of which there are only so many')
  })

  t.test(
    'counts from when a request was to be sent: a server that stands still is seen by all who come',
    async (t) => {
      let asked = 0
      const held: (() => void)[] = []
      const stallMs = 400
      const url = await serverOf(t, (request, reply) => {
        asked++
        if (asked === 100) {
          setTimeout(() => {
            asked = 1_000
            for (const go of held.splice(0)) go()
          }, stallMs)
        }
        if (asked >= 100 && asked < 1_000) held.push(() => answer(request, reply))
        else answer(request, reply)
      })
      const { latency, service, seen } = await drive(t, url)
      t.equal(seen.good, seen.requests)
      // Two hundred a second for 400 ms: eighty were due, of whom eight had a connection to stand in.
      t.ok(valueAt(latency, 90) > 100_000, 'one in ten waited for more than 100 ms')
      t.ok(valueAt(service, 90) < valueAt(latency, 90), 'of which the time from being sent knows nothing')
    }
  )

  t.test('has in its distribution what was never answered, as long as the time-out', async (t) => {
    let asked = 0
    const url = await serverOf(t, (request, reply) => {
      if (asked++ % 10 !== 0) answer(request, reply)
    })
    const { latency, seen } = await drive(t, url, 300)
    const lost = seen.failures.timeout ?? 0
    t.ok(lost > 10, `${lost} were lost`)
    t.equal(seen.good + lost, seen.requests)
    t.equal(latency.count, seen.requests)
    t.ok(latency.max >= 300_000)
    t.ok(valueAt(latency, 97) >= 300_000, 'more than one in thirty')
  })

  t.test('has broken connections in it, too, and goes on after them', async (t) => {
    let asked = 0
    const url = await serverOf(t, (request, reply) => {
      if (asked++ % 50 === 49) request.socket.destroy()
      else answer(request, reply)
    })
    const { latency, seen } = await drive(t, url)
    t.ok((seen.failures.connection ?? 0) >= 3)
    t.equal(seen.good + (seen.failures.connection ?? 0), seen.requests)
    t.ok(latency.max >= 1_000_000, 'whoever was cut off waits at least as long as the time-out')
  })

  t.test('sends again, as browsers do, what met a connection that was just given up', async (t) => {
    let asked = 0
    const url = await serverOf(t, (request, reply) => {
      if (asked++ % 50 !== 49) return answer(request, reply)
      reply.writeHead(408, { connection: 'close' }).end()
    })
    const { seen } = await drive(t, url)
    t.ok(asked > seen.requests, `${asked} for ${seen.requests}`)
    t.equal(seen.good, seen.requests)
  })

  t.test('knows a wrong status and a wrong body', async (t) => {
    const url = await serverOf(t, (request, reply) => {
      if (request.method === 'PATCH') reply.statusCode = 500
      reply.end(request.method === 'PATCH' ? '' : '{"id":"another"}')
    })
    const { seen } = await drive(t, url)
    t.equal(seen.failures['status 500'], seen.writes)
    t.ok((seen.failures['wrong body'] ?? 0) >= 1)
    t.equal(seen.layers.failed, seen.writes)
  })
})

t.test('the closed loop', async (t) => {
  const plan = { encoding: 'identity', timeoutMs: 1_000, connections: 4 } as const

  t.test('keeps its connections busy, and knows reads from writes', async (t) => {
    const bodies = new Set<string>()
    let patches = 0
    const url = await serverOf(t, async (request, reply) => {
      if (request.method === 'PATCH') {
        let text = ''
        for await (const chunk of request) text += chunk
        bodies.add(text)
        patches++
      }
      answer(request, reply)
    })
    const { seen, service, slip } = await closedLoop({ ...plan, urls: [url] }, requests(), 1)
    t.ok(seen.requests > 0)
    t.equal(seen.good, seen.requests)
    t.equal(service.count, seen.requests)
    t.equal(slip, null)
    t.equal(seen.layers.l1, seen.reads)
    t.ok(
      seen.writes > 0 && patches - seen.writes <= plan.connections,
      'but for what was under way at the end'
    )
    t.equal(bodies.size, patches, 'each write is another one')
  })

  t.test('counts what is never answered', async (t) => {
    let asked = 0
    const url = await serverOf(t, (request, reply) => {
      if (asked++ % 100 !== 20) answer(request, reply)
    })
    const { seen, latency } = await closedLoop({ ...plan, urls: [url] }, requests(), 3)
    t.ok((seen.failures.timeout ?? 0) >= 1)
    t.equal(seen.good + (seen.failures.timeout ?? 0), seen.requests)
    t.ok(latency.max >= 1_000_000)
  })
})
