// `npm run check:coherence`: a private stack on throw-away data, the runs that were asked for, and their outcome.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '../../db/migrate.ts'
import { startStack } from '../../db/stack/stack.ts'
import { checkCoherence, type Outcome } from './check.ts'
import { help, type Options, readOptions } from './options.ts'
import { rules } from './rules.ts'
import { comparisonOf, progressOf, tableOf } from './table.ts'

const progressEveryMs = 3_000

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => abort.abort())
  try {
    const options = readOptions(args)
    if (options.help) {
      process.stdout.write(help)
      return 0
    }
    const outcomes = await run(options, abort.signal)
    if (options.report) await writeFile(options.report, `${JSON.stringify(outcomes, null, 2)}\n`)
    if (outcomes.length > 1) say(`\n${comparisonOf(outcomes)}`)
    const held = outcomes.filter(({ broken }) => broken.length === 0).length
    return held === (outcomes.length > 1 ? 0 : 1) ? 0 : 1
  } catch (error) {
    if (abort.signal.aborted) return 130
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 2
  }
}

async function run(options: Options, signal: AbortSignal): Promise<Outcome[]> {
  const directory = await mkdtemp(join(tmpdir(), 'turno-check-'))
  try {
    const { replicas } = options
    const stack = await startStack({
      directory: join(directory, 'stack'),
      replicas,
      throwaway: true,
      abort: signal
    })
    try {
      await migrate(stack.mysql.primary.url)
      const outcomes: Outcome[] = []
      for (const [index, subject] of options.subjects.entries()) {
        const suited = rules.find(({ name }) => name === subject.removed)?.faults ?? 'all'
        let saidAt = 0
        const outcome = await checkCoherence({
          ...options,
          stack,
          subject,
          faults: options.faults ?? suited,
          directory: join(directory, String(index)),
          signal,
          progress(progress) {
            if (progress.atMs - saidAt < progressEveryMs) return
            saidAt = progress.atMs
            say(progressOf(progress))
          }
        })
        say(`\n${tableOf(outcome)}\n`)
        outcomes.push(outcome)
      }
      return outcomes
    } finally {
      await stack.stop()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
