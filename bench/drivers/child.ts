// A driver's process. Told its plan in one line of standard input, it warms up, waits for another line, counts, and ends.
import { createInterface } from 'node:readline'
import { stream } from '../../db/seed/random.ts'
import { requestsOf } from '../load/requests.ts'
import { closedLoop } from './closed-loop.ts'
import { OpenLoop } from './open-loop.ts'
import type { FromDriver, Plan } from './plan.ts'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const line = async (): Promise<string> => {
  const { value, done } = await lines.next()
  // Whoever started this process is gone.
  if (done) process.exit(1)
  return value
}
const say = (message: FromDriver) => process.stdout.write(`${JSON.stringify(message)}\n`)

const plan: Plan = JSON.parse(await line())
const { load, warmUp, seed, stretch } = plan
const requests = requestsOf(plan)

if (load.kind === 'open') {
  const loop = new OpenLoop(plan, requests)
  const random = stream(String(seed), `${stretch}: arrivals`)
  const [first] = load.steps
  if (warmUp > 0 && first) await loop.run([{ seconds: warmUp, rate: Math.max(100, first.rate) }], random)
  say({ say: 'warm', serial: requests.serial() })
  await line()
  say({ say: 'done', outcome: await loop.run(load.steps, random) })
  loop.close()
} else {
  if (warmUp > 0) await closedLoop(plan, requests, warmUp)
  say({ say: 'warm', serial: requests.serial() })
  await line()
  say({ say: 'done', outcome: await closedLoop(plan, requests, load.seconds) })
}
process.stdin.destroy()
