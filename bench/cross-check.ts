// The service's own counters beside what was asked and what the databases count themselves, once in a run: a profile
// that nobody has asked for is one load; asked for again it is none, and no query.
import { request } from 'undici'
import type { Bench } from './bench.ts'
import { ownCounts } from './counts/metrics.ts'
import { between } from './counts/servers.ts'
import type { Result } from './result.ts'
import type { Subject } from './subjects/subject.ts'

const asked = 50

/** Of Turno, which has counters of its own; nothing where it is not among the subjects. */
export async function crossCheck(bench: Bench, subjects: readonly Subject[]): Promise<Result['crossCheck']> {
  const subject = subjects.find(({ name }) => name === 'turno')
  if (!subject) return []
  const { urls, operatorsUrls } = await bench.anew(subject)
  const idle = await bench.measureIdle()
  const paths = bench.ground.profiles.slice(0, asked).map((id) => `/api/profile/${id}`)
  const snapshot = async () => ({
    own: await ownCounts(operatorsUrls),
    servers: await bench.servers.counts(),
    at: performance.now()
  })
  const askAll = async () => {
    const before = await snapshot()
    for (const path of paths) await (await request(`${urls[0]}${path}`)).body.dump()
    const after = await snapshot()
    const { primary, replicas } = between(before.servers, after.servers, idle, (after.at - before.at) / 1000)
    return {
      loads: (after.own?.loads ?? 0) - (before.own?.loads ?? 0),
      queries: Math.round(primary + replicas.reduce((sum, one) => sum + one, 0))
    }
  }
  const first = await askAll()
  const again = await askAll()
  return [
    { what: 'loads, of profiles that nobody had asked for', counted: first.loads, server: paths.length },
    {
      what: 'loads, of the same again, and queries of the databases',
      counted: again.loads,
      server: again.queries
    }
  ]
}
