// The load: requests at the times that were planned for them, whatever has become of those before (an open loop). A
// process of its own; it gets phases by messages and answers each with what came of its requests.
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { paths, patienceMs, type Work, workOf } from './work.ts'

export type Phase = { url: string; perSecond: number; seconds: number }

/** One request. Times in ms: `at` since the phase began, `took` from its planned time to the last byte. */
export type Sent = { work: Work; at: number; took: number; outcome: 'good' | 'shed' | 'late' | 'failed' }

const connections = 1_024
const agent = new Agent({ connections, headersTimeout: 5_000, bodyTimeout: 5_000 })
let sequence = 0

process.on('message', async ({ url, perSecond, seconds }: Phase) => {
  const sent: Promise<Sent>[] = []
  const startedAt = performance.now()
  const count = Math.round(perSecond * seconds)
  for (let i = 0; i < count; i++) {
    const planned = startedAt + (i * 1_000) / perSecond
    const wait = planned - performance.now()
    if (wait > 1) await pause(wait)
    sent.push(send(url, planned, startedAt))
  }
  process.send?.(await Promise.all(sent))
})

async function send(url: string, planned: number, startedAt: number): Promise<Sent> {
  const n = ++sequence
  const work = workOf(n)
  const path = work === 'write' ? paths.write : `${paths[work]}/${n}`
  const method = work === 'write' ? 'POST' : 'GET'
  const outcome = await request(url + path, { method, dispatcher: agent }).then(
    async ({ statusCode, body }) => {
      await body.dump()
      if (statusCode === 503) return 'shed'
      return statusCode === 200 ? 'good' : 'failed'
    },
    () => 'failed' as const
  )
  const took = performance.now() - planned
  return {
    work,
    at: planned - startedAt,
    took,
    outcome: outcome === 'good' && took > patienceMs ? 'late' : outcome
  }
}
