// The service's own counters beside those of the servers, once in a run: a profile nobody has asked for is one load and
// one query; asked for again it is none.
import { request } from 'undici'
import type { Bench } from './bench.ts'
import { ownCounts } from './counts/metrics.ts'
import { between } from './counts/servers.ts'
import type { Result } from './result.ts'
import type { Subject } from './subjects/subject.ts'

const asked = 50

/** Of a subject with counters of its own; none where there is no such. */
export async function crossCheck(bench: Bench, subjects: readonly Subject[]): Promise<Result['crossCheck']> {
  const subject = subjects.find(({ name }) => name === 'turno')
  if (!subject) return []
  const { urls, operatorsUrls } = await bench.anew(subject)
  await bench.measureIdle()
  const { idle } = bench
  const ids = bench.ground.profiles.slice(0, asked)
  const begunAt = performance.now()
  const before = { own: await ownCounts(operatorsUrls), servers: await bench.servers.counts() }
  for (const id of [...ids, ...ids]) {
    const answer = await request(`${urls[0]}/api/profile/${id}`)
    await answer.body.dump()
  }
  const seconds = (performance.now() - begunAt) / 1000
  const after = { own: await ownCounts(operatorsUrls), servers: await bench.servers.counts() }
  const servers = between(before.servers, after.servers, idle, seconds)
  const answers = (layer: string) => (after.own?.answers[layer] ?? 0) - (before.own?.answers[layer] ?? 0)
  const loaded = answers('replica') + answers('primary')
  return [
    {
      what: 'loads of profiles that nobody had asked for',
      counted: (after.own?.loads ?? 0) - (before.own?.loads ?? 0),
      server: ids.length
    },
    { what: 'answers from a database beside the same requests', counted: loaded, server: ids.length },
    {
      what: 'queries of those loads, beside the databases’ own count',
      counted: loaded,
      server: Math.round(servers.primary + servers.replicas.reduce((sum, one) => sum + one, 0))
    }
  ]
}
