// The closed loop, for capacity: autocannon keeps its connections busy, each with one request at a time. Its own figures
// are not used: they are whole milliseconds, and what times out is in none of them. What an answer took to come is
// told; what a user would have waited a closed loop cannot know.
import type { EventEmitter } from 'node:events'
import autocannon, { type Client, type Request } from 'autocannon'
import { isWrite } from '../load/endpoints.ts'
import { type Drawn, headersOf, type Requests } from '../load/requests.ts'
import type { Layer } from '../result.ts'
import { holdsWanted, layerOf } from './answer.ts'
import type { DriverOutcome, Plan } from './plan.ts'
import { Tally } from './tally.ts'

/** Requests that each connection goes through, again and again; writes are made anew each time. */
const requestsPerConnection = 400
/** Of the requests, one in so many has its answer's body looked at. */
const lookedAt = 100
/** How often autocannon looks whether it is over. */
const sampleMs = 100

type Closed = Pick<Plan, 'encoding' | 'timeoutMs' | 'urls' | 'connections'>

/** Keeps the connections busy for so long. Once after another. */
export async function closedLoop(plan: Closed, requests: Requests, seconds: number): Promise<DriverOutcome> {
  const tally = new Tally()
  const begunAt = performance.now()
  await autocannon({
    url: plan.urls[0] ?? '',
    connections: plan.connections,
    duration: seconds,
    sampleInt: sampleMs,
    timeout: Math.ceil(plan.timeoutMs / 1000),
    setupClient: (client) => keepBusy(client, plan, requests, tally, begunAt)
  })
  return tally.outcome((performance.now() - begunAt) / 1000, requests.serial(), false)
}

function keepBusy(client: Client, plan: Closed, requests: Requests, tally: Tally, begunAt: number): void {
  const { encoding, timeoutMs } = plan
  const upcoming = Array.from({ length: requestsPerConnection }, () => requests.next())
  let cacheStatus: string | undefined
  let wrong = false

  const requestOf = (drawn: Drawn, place: number): Request => {
    const { method, path, body } = drawn.wanted
    const headers = headersOf(drawn.wanted, encoding)
    const request: Request = { method, path, headers, ...(body !== undefined && { body }) }
    if (isWrite(drawn.wanted)) {
      // A write that was done already would be none: each time it is another one of its kind.
      request.setupRequest = (whole) => {
        const fresh = { endpoint: drawn.endpoint, wanted: requests.nextOf(drawn.endpoint) }
        upcoming[place] = fresh
        const { path, body = '' } = fresh.wanted
        return { ...whole, path, body, headers: headersOf(fresh.wanted, encoding) }
      }
    } else if (encoding === 'identity' && place % lookedAt === lookedAt - 1) {
      request.onResponse = (status, body) => {
        wrong = status === 200 && !holdsWanted(drawn.wanted, Buffer.from(body), undefined)
      }
    }
    return request
  }
  client.setRequests(upcoming.map(requestOf))

  // autocannon does not say which request an answer belongs to. They leave in the order of the list, which begins anew.
  let sent = 0
  let sentAt: number | null = null
  const end = (bytes: number, layer: Layer | null, failure: string | null) => {
    const drawn = upcoming[(sent - 1) % upcoming.length]
    if (!drawn || sentAt === null) return
    const ms = performance.now() - sentAt
    const counted = failure === 'timeout' || failure === 'connection' ? Math.max(ms, timeoutMs) : ms
    const at = sentAt - begunAt
    tally.add({ wanted: drawn.wanted, at, latencyMs: counted, serviceMs: counted, bytes, layer, failure })
    sentAt = null
  }
  // Its types know three of its events, and one of those wrongly.
  const events: EventEmitter = client
  events.on('request', () => {
    // Nothing came of the last one: its connection ended, or took too long.
    if (sentAt !== null)
      end(0, 'failed', performance.now() - sentAt >= timeoutMs - 1 ? 'timeout' : 'connection')
    sent++
    sentAt = performance.now()
    cacheStatus = undefined
  })
  events.on('headers', (head: { headers?: readonly string[] }) => {
    cacheStatus = cacheStatusOf(head.headers ?? [])
  })
  events.on('response', (status: number, bytes: number) => {
    const wanted = upcoming[(sent - 1) % upcoming.length]?.wanted
    if (!wanted) return
    const layer = isWrite(wanted) && status < 500 ? null : layerOf(status, cacheStatus)
    const failure = !wanted.expected.includes(status) ? `status ${status}` : wrong ? 'wrong body' : null
    wrong = false
    end(bytes, layer, failure)
  })
}

/** Names and values in turn. */
function cacheStatusOf(headers: readonly string[]): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]
    if (name?.length === 12 && name.toLowerCase() === 'cache-status') return headers[i + 1]
  }
  return undefined
}
