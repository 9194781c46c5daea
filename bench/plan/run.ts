// `npm run plan`: what it takes to serve so many requests, and what that costs.
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Result } from '../result.ts'
import { billOf, pricesOf } from './bill.ts'
import { capacityOf } from './capacity.ts'
import { check } from './check.ts'
import { type Costs, costsOf, type Measured, recalibrated } from './costs.ts'
import { help, type Options, readOptions } from './options.ts'
import { withTable } from './readme.ts'
import { checkText, planText } from './table.ts'
import { variablesOf } from './tfvars.ts'

const measuredFile = new URL('measured.json', import.meta.url)
const fullRun = new URL('../results/full.json', import.meta.url)
const readme = new URL('../../terraform/README.md', import.meta.url)

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => abort.abort())
  try {
    await perform(readOptions(args), abort.signal)
    return 0
  } catch (error) {
    if (abort.signal.aborted) return 130
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 2
  }
}

async function perform(options: Options, signal: AbortSignal): Promise<void> {
  const { task, json } = options
  if (task === 'help') return say(help)
  if (task === 'measure') {
    const { measure } = await import('./measure.ts')
    return replace(measuredFile, `${JSON.stringify(await measure(report, signal), null, 2)}\n`)
  }
  const measured: Measured = JSON.parse(await readFile(measuredFile, 'utf8'))
  const short = costsOf(measured)
  if (typeof task === 'object') {
    const { hit, hitList } = measured.steps
    const sizes = { item: hit.bytes - measured.headBytes, list: hitList.bytes - measured.headBytes }
    const result = await resultIn(task.check)
    const compared = check(result, short, options, sizes)
    return say(json ? jsonOf(compared) : checkText(compared, recalibrated(short, result).from))
  }
  const costs = await newestCosts(short)
  if (task === 'readme') return replace(readme, withTable(await readFile(readme, 'utf8'), costs))
  const capacity = capacityOf(options, costs)
  const bill = billOf(options, capacity)
  const variables = variablesOf(options, capacity)
  if (!json) return say(planText(options, capacity, bill, variables, costs.from))
  const { task: _, json: __, ...wish } = options
  say(jsonOf({ wish, costs, capacity, bill, prices: pricesOf(bill), variables }))
}

/** Of the last full run; of the short one while there is none. */
async function newestCosts(short: Costs): Promise<Costs> {
  return existsSync(fullRun) ? recalibrated(short, await resultIn(fileURLToPath(fullRun))) : short
}

async function resultIn(path: string): Promise<Result> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error(`${path} cannot be read`)
  })
  const result = parsed(text)
  if (!isResult(result)) throw new Error(`${path} is no result of npm run bench`)
  return result
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isResult(value: unknown): value is Result {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === 1 &&
    'blocks' in value
  )
}

/** JSON has no infinity: what is never full is null. */
function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, (_, one) => (one === Number.POSITIVE_INFINITY ? null : one), 2)}\n`
}

/** All of it or nothing. */
async function replace(file: URL, text: string): Promise<void> {
  const aside = new URL(`${file.href}.new`)
  await writeFile(aside, text)
  await rename(aside, file)
}

function say(text: string): void {
  process.stdout.write(text)
}

function report(line: string): void {
  process.stderr.write(`${line}\n`)
}
