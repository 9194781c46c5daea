// Before anything is timed or written: every subject answers the same reads with the same bytes as Turno.
import type { Bench } from './bench.ts'
import { isWrite } from './load/endpoints.ts'
import { headersOf, requestsOf } from './load/requests.ts'
import type { Scenario } from './scenarios/scenario.ts'
import type { Subject } from './subjects/subject.ts'
import { differences } from './subjects/verify.ts'
import { worldNow } from './world.ts'

const compared = 60

/** @throws Error of one line that names who answers otherwise, and what */
export async function agree(
  bench: Bench,
  subjects: readonly Subject[],
  scenarios: readonly Scenario[]
): Promise<void> {
  const [first, ...others] = subjects
  if (!first) return
  const world = worldNow(bench.ground, bench.signing)
  for (const scenario of scenarios) {
    const serving = others.filter(({ serves }) => serves.includes(scenario.name))
    const requests = requestsOf({ ...scenario, world, theta: 0.99, seed: 0, stretch: 'agree', serial: 0 })
    const reads = Array.from({ length: compared }, () => requests.next().wanted).filter(
      (one) => !isWrite(one)
    )
    // Headers are one person's: with a token, those of the first who asks.
    const [one] = reads
    if (!one || !first.serves.includes(scenario.name)) continue
    const paths = [...new Set(reads.filter(({ token }) => token === one.token).map(({ path }) => path))]
    const [url = ''] = (await bench.running(first)).urls
    for (const subject of serving) {
      const [otherUrl = ''] = (await bench.running(subject)).urls
      const [line] = await differences(url, otherUrl, paths, headersOf(one, 'identity'))
      if (line !== undefined)
        throw new Error(`${first.name} and ${subject.name} do not answer alike: ${line}`)
    }
  }
}
