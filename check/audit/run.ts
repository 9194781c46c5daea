// `npm run check:audit`: a private stack on throw-away data, a flood of entries, consumers killed, and the outcome.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { migrate } from '../../db/migrate.ts'
import { startStack } from '../../db/stack/stack.ts'
import { checkDelivery, type Delivery } from './delivery.ts'
import { checkLatency, type Latency } from './latency.ts'

const help = `Pushes audit entries as fast as one process can while consumers are killed with entries in their hands, and
looks whether each is in the table once; then measures what recording adds to a request.

  npm run check:audit -- [options]

  --entries N       how many (100000)
  --consumers N     processes that write to the table (3)
  --kill-every N    after so many more in the table one of them is killed, and another started (10000)
  --help

It ends with 0 when none was lost, none was there twice or from nowhere, and Redis is empty again; else with 1.
`

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => abort.abort())
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        entries: { type: 'string', default: '100000' },
        consumers: { type: 'string', default: '3' },
        'kill-every': { type: 'string', default: '10000' },
        help: { type: 'boolean', default: false }
      }
    })
    if (values.help) {
      process.stdout.write(help)
      return 0
    }
    return await run(
      {
        entries: count('entries', values.entries),
        consumers: count('consumers', values.consumers),
        killEvery: count('kill-every', values['kill-every'])
      },
      abort.signal
    )
  } catch (error) {
    if (abort.signal.aborted) return 130
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 2
  }
}

function count(name: string, text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number > 0 && number <= 10_000_000) return number
  throw new Error(`--${name} is ${text}: use a whole number from 1 to 10000000`)
}

async function run(
  options: { entries: number; consumers: number; killEvery: number },
  signal: AbortSignal
): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'turno-check-'))
  try {
    const stack = await startStack({
      directory: join(directory, 'stack'),
      replicas: 0,
      throwaway: true,
      abort: signal
    })
    try {
      await migrate(stack.mysql.primary.url)
      const spoolDirectory = join(directory, 'spool')
      const delivery = await checkDelivery({ ...options, stack, spoolDirectory, signal })
      process.stdout.write(deliveryTold(delivery))
      process.stdout.write(latencyTold(await checkLatency(stack, spoolDirectory, signal)))
      return isWhole(delivery) ? 0 : 1
    } finally {
      await stack.stop()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function isWhole({ entries, acknowledged, lost, strange, left }: Delivery): boolean {
  return acknowledged === entries && lost === 0 && strange === 0 && left === 0
}

function deliveryTold(delivery: Delivery): string {
  const { entries, acknowledged, dropped, spooled, kills, orphaned, lost, strange, left } = delivery
  const rate = (seconds: number) => `${Math.round(entries / seconds).toLocaleString('en')}/s`
  return `recorded        ${entries}
acknowledged    ${acknowledged} in ${delivery.acknowledgedAfter.toFixed(2)} s, ${rate(delivery.acknowledgedAfter)}; ${dropped} dropped, ${spooled} by way of the disk
in the table    the last after ${delivery.writtenAfter.toFixed(2)} s, ${rate(delivery.writtenAfter)}
killed          ${kills} consumers, with ${orphaned} entries in their hands
lost            ${lost}
from nowhere    ${strange}
left in Redis   ${left}
`
}

function latencyTold({ bareUs, auditedUs, ratio }: Latency): string {
  return `a request       ${bareUs.toFixed(0)} µs without an entry, ${auditedUs.toFixed(0)} µs with one: × ${ratio.median.toFixed(3)} (95 % between ${ratio.low.toFixed(3)} and ${ratio.high.toFixed(3)})
`
}
