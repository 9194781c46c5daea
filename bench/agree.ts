// Before anything is timed: every subject answers the same requests with the same bytes as Turno.
import { createHash } from 'node:crypto'
import { request } from 'undici'
import type { Bench } from './bench.ts'
import { isWrite } from './load/endpoints.ts'
import { headersOf, requestsOf } from './load/requests.ts'
import type { Scenario } from './scenarios/scenario.ts'
import type { Subject } from './subjects/subject.ts'
import { worldNow } from './world.ts'

const compared = 40

/** @throws Error of one line that names who answers otherwise, and what */
export async function agree(
  bench: Bench,
  subjects: readonly Subject[],
  scenarios: readonly Scenario[]
): Promise<void> {
  const [first, ...others] = subjects
  if (!first) return
  const world = worldNow(bench.ground, bench.signing)
  for (const scenario of scenarios.filter((one) => one.compared)) {
    const serving = others.filter(({ serves }) => serves.includes(scenario.name))
    if (serving.length === 0 || !first.serves.includes(scenario.name)) continue
    const requests = requestsOf({ ...scenario, world, theta: 0.99, seed: 0, stretch: 'agree', serial: 0 })
    const drawn = Array.from({ length: compared }, () => requests.next().wanted)
    for (const wanted of drawn.filter((one) => !isWrite(one))) {
      const answerOf = async (subject: Subject) => {
        const [url] = (await bench.running(subject)).urls
        const { statusCode, body } = await request(`${url}${wanted.path}`, {
          headers: headersOf(wanted, scenario.encoding)
        })
        const bytes = Buffer.from(await body.arrayBuffer())
        return `${statusCode} ${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`
      }
      const right = await answerOf(first)
      for (const subject of serving) {
        const answer = await answerOf(subject)
        if (answer !== right)
          throw new Error(
            `${subject.name} answers ${wanted.path} with ${answer.slice(0, 24)}, ${first.name} with ${right.slice(0, 24)}`
          )
      }
    }
  }
}
