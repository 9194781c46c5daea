// `npm run bench:hit`: what a hit in the first layer costs, beside others, in one process.
import { access, constants, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { migrate } from '../../db/migrate.ts'
import { type Stack, startStack } from '../../db/stack/stack.ts'
import { installPeers } from '../peers/install.ts'
import { Draws, type Entry, entriesOf, keyCount, zipfExponent } from './entries.ts'
import { measure, type Round } from './measure.ts'
import { help, type Options, readOptions } from './options.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { type Participant, proofOf } from './participant.ts'
import { tableOf } from './table.ts'
import { turno } from './turno.ts'

const payloads = [
  { label: '0.5 KiB', bytes: 512 },
  { label: '2 KiB', bytes: 2_048 },
  { label: '16 KiB', bytes: 16_384 }
]
const progressEveryMs = 5_000
const checkTogether = 500

type Measured = { outcome: Outcome; participants: readonly string[]; rounds: readonly Round[] }

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
    if (options.json) await assertWritable(options.json)
    await installPeers(say, abort.signal)
    const loadBefore = loadavg()
    const measured = await onStack(abort.signal, (stack) => measureAll(stack, options, abort.signal))
    const load = { before: loadBefore, after: loadavg() }
    say(
      `\nload average ${load.before[0]?.toFixed(1)} before, ${load.after[0]?.toFixed(1)} after, ${cpus().length} processors, Node ${process.version}`
    )
    if (options.json) await write(options.json, { measured, load, ...environment() })
    return verdict(measured.map(({ outcome }) => outcome))
  } catch (error) {
    if (abort.signal.aborted) return 130
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 2
  }
}

/** Runs `work` on a stack of its own; nothing of it is left behind, however that ends. */
async function onStack<T>(signal: AbortSignal, work: (stack: Stack) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'turno-hit-path-'))
  try {
    say('starting Redis and a primary of this run')
    const stack = await startStack({ directory, replicas: 0, throwaway: true, abort: signal })
    try {
      await migrate(stack.mysql.primary.url)
      return await work(stack)
    } finally {
      await stack.stop()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function measureAll(stack: Stack, options: Options, signal: AbortSignal): Promise<Measured[]> {
  const measured: Measured[] = []
  for (const payload of payloads) {
    signal.throwIfAborted()
    const one = await measureOne(stack, payload, options, signal)
    say(`\n${tableOf(one.outcome)}`)
    measured.push(one)
  }
  return measured
}

async function measureOne(
  stack: Stack,
  { label, bytes }: { label: string; bytes: number },
  options: Options,
  signal: AbortSignal
): Promise<Measured> {
  say(`\n${label}: filling the caches`)
  const entries = entriesOf(bytes)
  const own = await turno(stack, entries, label)
  const closing: Participant[] = [own]
  try {
    await own.restore()
    await own.assertProved()
    await own.restore()
    const { yardstick, others } = await peersOf(entries)
    closing.push(...others)
    const participants = [...yardstick, own, ...others]
    for (const participant of participants) await assertAnswers(participant, entries)
    say(`${label}: everybody answers every key, and Turno's answers end with their proof; measuring`)
    let saidAt = performance.now()
    const rounds = await measure({
      participants,
      draws: new Draws(entries),
      forMs: (options.seconds * 1000) / payloads.length,
      rounds: options.rounds,
      signal,
      progress(round) {
        if (performance.now() - saidAt < progressEveryMs) return
        saidAt = performance.now()
        say(`${label}: ${round} rounds`)
      }
    })
    return {
      outcome: outcomeOf(label, participants, rounds),
      participants: participants.map(({ name }) => name),
      rounds
    }
  } finally {
    await Promise.all(closing.map((participant) => participant.close?.()))
  }
}

// Imported here, not above: they may just have been installed.
async function peersOf(
  entries: readonly Entry[]
): Promise<{ yardstick: Participant[]; others: Participant[] }> {
  const { lruCacheAlone } = await import('../peers/lru-cache.ts')
  const { layeredLoader } = await import('../peers/layered-loader.ts')
  const { asyncCacheDedupe } = await import('../peers/async-cache-dedupe.ts')
  const { bentocache } = await import('../peers/bentocache.ts')
  const { cacheable } = await import('../peers/cacheable.ts')
  const others = [
    await layeredLoader(entries),
    await asyncCacheDedupe(entries),
    await bentocache(entries),
    await cacheable(entries)
  ]
  return { yardstick: lruCacheAlone(entries), others: others.flat() }
}

async function assertAnswers(participant: Participant, entries: readonly Entry[]): Promise<void> {
  // Filling the others has kept the event loop from hearing Redis for longer than a proof lasts.
  await participant.restore?.()
  for (let from = 0; from < entries.length; from += checkTogether) {
    await turn()
    await participant.ready?.()
    const asked = entries.slice(from, from + checkTogether)
    const seen = await participant.hits(asked.map(({ id }) => id))
    if (seen !== proofOf(participant, asked)) throw new Error(`${participant.name} does not answer every key`)
  }
}

function verdict(outcomes: readonly Outcome[]): number {
  if (outcomes.every(({ invalid }) => invalid.length === 0)) return 0
  say('this run is invalid: measure longer, or on a quieter machine')
  return 2
}

function environment() {
  return {
    node: process.version,
    v8: process.versions.v8,
    processors: cpus().length,
    processor: cpus()[0]?.model ?? null,
    keys: keyCount,
    zipfExponent,
    standIns: 'a loader that answers from memory; Redis, the primary and everything of the cache are real',
    allocation: 'growth of V8 used_heap_size over a slice, median of the slices'
  }
}

// Before anything is measured, not after.
async function assertWritable(file: string): Promise<void> {
  const folder = dirname(file)
  await access(folder, constants.W_OK).catch(() => {
    throw new Error(`--json: ${folder} is not a folder that can be written to`)
  })
}

// Under another name first: an interrupted run leaves no half of a file.
async function write(file: string, content: unknown): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(content))
  await rename(`${file}.new`, file)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
