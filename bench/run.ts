// `npm run bench`: a stack of its own, the subjects and scenarios that were asked for, the gates, the report.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { installEngines } from '../db/stack/install.ts'
import { agree } from './agree.ts'
import { Bench } from './bench.ts'
import { comparisonsOf } from './compare.ts'
import { crossCheck } from './cross-check.ts'
import { exitCodeOf, type Gate, judge } from './gate.ts'
import { help, type Options, readOptions } from './options.ts'
import { play } from './play.ts'
import type { Block, Curve, FaultCard, Result, Verdict } from './result.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const main_ = 'turno'
const applicants = 200_000

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => abort.abort())
  try {
    const options = readOptions(args)
    if (options.help) {
      process.stdout.write(help)
      return 0
    }
    const result = await run(options, abort.signal)
    await write(fileOf(options), result)
    for (const verdict of result.verdicts) say(lineOf(verdict))
    return exitCodeOf(result.verdicts)
  } catch (error) {
    if (abort.signal.aborted) return 130
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 2
  }
}

async function run(options: Options, signal: AbortSignal): Promise<Result> {
  const begunAt = performance.now()
  const startedAt = new Date().toISOString()
  const [loadBefore = 0] = loadavg()
  // Now: what is written meanwhile does not run.
  const { commit, changed } = await codeOf()
  await installEngines(say)
  const directory = await mkdtemp(join(tmpdir(), 'turno-bench-'))
  try {
    const size = { scale: options.smoke ? 'tiny' : 'seed', profiles: options.profiles, applicants } as const
    const bench = await Bench.start(directory, size, say, signal)
    try {
      const blocks: Block[] = []
      const curves: Curve[] = []
      const faults: FaultCard[] = []
      const needed = options.subjects.filter(({ serves }) =>
        options.scenarios.some(({ name }) => serves.includes(name))
      )
      for (const subject of needed) {
        say(`starting ${subject.title}`)
        await bench.running(subject)
      }
      await agree(bench, needed, options.scenarios)
      const idle = await bench.measureIdle()
      say(
        `while nobody comes: ${idle.primary.toFixed(1)} queries a second on the primary, ${idle.replicas.map((one) => one.toFixed(1)).join(' and ')} on the replicas, ${idle.redisRoundTrips.toFixed(1)} round trips to Redis`
      )
      for (const scenario of options.scenarios) {
        const played = await play({ bench, options, scenario, say })
        blocks.push(...played.blocks)
        curves.push(...played.curves)
        faults.push(...played.faults)
      }
      const comparisons = comparisonsOf(blocks, main_)
      const checked = await crossCheck(bench, needed)
      const { mariadb, redis } = await bench.servers.versions()
      return {
        format: 1,
        commit,
        changed,
        startedAt,
        seconds: (performance.now() - begunAt) / 1000,
        options: plain(options),
        titles: {
          subjects: titlesOf(options.subjects),
          scenarios: titlesOf(options.scenarios)
        },
        seed: options.seed,
        machine: {
          processors: cpus().length,
          model: cpus()[0]?.model ?? 'unknown',
          memoryBytes: totalmem(),
          kernel: release(),
          node: process.version,
          mariadb,
          redis,
          loadBefore,
          loadAfter: loadavg()[0] ?? 0
        },
        blocks,
        comparisons,
        curves,
        faults,
        verdicts: judge({ blocks, comparisons }, gatesFor(options)),
        crossCheck: checked
      }
    } finally {
      await bench.stop()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Those of the scenarios that were run; the others would all say that they were not. */
function gatesFor({ scenarios, smoke }: Options): Gate[] {
  const gates: Gate[] = JSON.parse(readFileSync(new URL('slo.json', import.meta.url), 'utf8'))
  return gates.filter(
    ({ scenario, metric }) =>
      scenarios.some(({ name }) => name === scenario) && !(smoke && metric !== undefined)
  )
}

function fileOf({ json, smoke, scenarios, subjects }: Options): string {
  if (json !== null) return json
  const all = readOptions([])
  const whole = scenarios.length === all.scenarios.length && subjects.length === all.subjects.length
  return join(root, 'bench', 'results', `${smoke ? 'smoke' : whole ? 'full' : 'partial'}.json`)
}

// Under another name first: an interrupted run leaves no half of a file.
async function write(file: string, result: Result): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, `${JSON.stringify(result)}\n`)
  await rename(`${file}.new`, file)
  say(`\nresult: ${file}`)
  const report = new URL('report/index.ts', import.meta.url)
  if (!existsSync(report)) return
  const { writeReport } = await import(report.href)
  const page = file.replace(/(\.json)?$/, '.html')
  await writeReport(result, page)
  say(`report: ${page}`)
}

function plain({
  scenarios,
  subjects,
  seconds,
  rounds,
  rate,
  theta,
  seed,
  profiles,
  smoke
}: Options): Result['options'] {
  return {
    scenarios: scenarios.map(({ name }) => name).join(','),
    subjects: subjects.map(({ name }) => name).join(','),
    ...(seconds !== null && { seconds }),
    ...(rounds !== null && { rounds }),
    rate,
    theta,
    seed,
    profiles,
    smoke
  }
}

function titlesOf(all: readonly { name: string; title: string }[]): Record<string, string> {
  return Object.fromEntries(all.map(({ name, title }) => [name, title]))
}

async function codeOf(): Promise<{ commit: string; changed: boolean }> {
  const git = (...args: string[]) => promisify(execFile)('git', args, { cwd: root })
  try {
    const [{ stdout: commit }, { stdout: changes }] = await Promise.all([
      git('rev-parse', 'HEAD'),
      git('status', '--porcelain')
    ])
    return { commit: commit.trim(), changed: changes.trim() !== '' }
  } catch {
    return { commit: 'unknown', changed: true }
  }
}

function lineOf({ outcome, gate, value, direction, bound, unit, because }: Verdict): string {
  const shown = value === null ? '' : ` ${Number(value.toPrecision(4))}`
  return `${outcome.padEnd(8)} ${gate}:${shown} (${direction} ${bound} ${unit})${because ? `, ${because}` : ''}`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
