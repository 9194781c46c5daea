// `npm run check:overload`: how much good work is done as more and more is asked for, at ten times what can be done, and
// how soon all is well again when the load falls.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { migrate } from '../../db/migrate.ts'
import { spawnBound } from '../../db/stack/process.ts'
import { startStack, urlsOf } from '../../db/stack/stack.ts'
import type { Phase, Sent } from './load.ts'
import { mix, patienceMs, works } from './work.ts'

const help = `Asks a service for more than it can do, and tells how much good work it does.

  npm run check:overload -- [options]

  --seconds N   how long ten times the peak lasts (10)
  --without     without admission control, to see what it is good for
  --help

Of a hundred requests ${mix.item} are for single things, ${mix.list} for lists and ${mix.write} are writes; each takes the database
50 or 100 ms, on 5 connections to a replica and 5 to the primary. Good is what is answered within ${patienceMs} ms.
It ends with 0 when ten times the peak leaves 90 % of the peak's good work, half of those that are refused know it
within 20 ms and 99 % within 750 ms, and everybody is answered again within 2 s of the load falling; else with 1.
`

const steps = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4]
/** What the connections could do with no list refused. */
const nominalPerSecond = 90
const stepSeconds = 3
const bucketMs = 100
const bounds = { goodput: 0.9, shedMs: 20, lastShedMs: 750, recoveryMs: 2_000 }

process.exitCode = await main()

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      without: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  })
  const seconds = Number(values.seconds)
  if (values.help || !(seconds > 0)) {
    process.stdout.write(help)
    return values.help ? 0 : 2
  }
  const directory = await mkdtemp(join(tmpdir(), 'turno-check-'))
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort())
  try {
    const stack = await startStack({ directory, replicas: 1, throwaway: true, abort: abort.signal })
    try {
      await migrate(stack.mysql.primary.url)
      return await measure(urlsOf(stack), seconds, values.without, abort.signal)
    } finally {
      await stack.stop()
    }
  } catch (error) {
    if (abort.signal.aborted) return 130
    throw error
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function measure(
  urls: ReturnType<typeof urlsOf>,
  seconds: number,
  without: boolean,
  signal: AbortSignal
): Promise<number> {
  const service = spawnBound(
    [process.execPath, join(import.meta.dirname, 'service.ts'), ...(without ? ['without'] : [])],
    'SIGKILL',
    {
      env: {
        PATH: process.env.PATH,
        MYSQL_PRIMARY_URL: urls.primaryUrl,
        MYSQL_REPLICA_URLS: urls.replicaUrls.join(','),
        REDIS_URL: urls.redisUrl,
        MYSQL_POOL_SIZE: '5',
        JWT_SECRET: 'of a service that lives for a minute and signs nothing'
      },
      stdio: ['ignore', 'pipe', 'inherit']
    }
  )
  const load = fork(join(import.meta.dirname, 'load.ts'), { serialization: 'advanced' })
  const endAll = () => {
    service.kill('SIGKILL')
    load.kill('SIGKILL')
  }
  signal.addEventListener('abort', endAll)
  try {
    const url = await announced(service.stdout)
    const run = async (perSecond: number, seconds: number): Promise<Sent[]> => {
      signal.throwIfAborted()
      load.send({ url, perSecond, seconds } satisfies Phase)
      return await answerOf(load, signal)
    }
    return await climbAndFall(run, seconds)
  } finally {
    signal.removeEventListener('abort', endAll)
    endAll()
  }
}

function answerOf(load: ChildProcess, signal: AbortSignal): Promise<Sent[]> {
  const done = new AbortController()
  const options = { signal: AbortSignal.any([signal, done.signal]) }
  const answered = once(load, 'message', options).then(([sent]: Sent[][]) => sent ?? [])
  const gone = once(load, 'exit', options).then((): never => {
    throw new Error('the load ended unasked')
  })
  gone.catch(() => {})
  return Promise.race([answered, gone]).finally(() => done.abort())
}

async function climbAndFall(
  run: (perSecond: number, seconds: number) => Promise<Sent[]>,
  seconds: number
): Promise<number> {
  say(
    'asked/s    good/s   late/s   shed/s   good p50   p99 ms   shed p50   p99 ms   good of write  item  list'
  )
  let peak = 0
  await run(nominalPerSecond * 0.25, 1)
  for (const step of steps) {
    const perSecond = nominalPerSecond * step
    const sent = await run(perSecond, stepSeconds)
    say(rowOf(sent, perSecond, stepSeconds))
    peak = Math.max(peak, count(sent, 'good') / stepSeconds)
  }
  const ten = 10 * peak
  const flooded = await run(ten, seconds)
  say(rowOf(flooded, ten, seconds))
  const after = await run(peak / 2, 4)
  say(rowOf(after, peak / 2, 4))

  const goodput = count(flooded, 'good') / seconds / peak
  const shedMs = quantile(flooded, 'shed', 0.5)
  const lastShedMs = quantile(flooded, 'shed', 0.99)
  const recoveryMs = recovery(after)
  const failed = count(flooded, 'failed') + count(after, 'failed')
  say('')
  say(`peak ${peak.toFixed(0)} good/s; at ten times that ${(goodput * 100).toFixed(0)} % of it (90 % wanted)`)
  say(`half of the refused know within ${shedMs.toFixed(1)} ms (${bounds.shedMs} wanted)`)
  say(`and nearly all within ${lastShedMs.toFixed(0)} ms (${bounds.lastShedMs} wanted)`)
  say(`all are answered again ${recoveryMs} ms after the load fell (${bounds.recoveryMs} wanted)`)
  say(`${failed} failed otherwise (none wanted)`)
  const held =
    goodput >= bounds.goodput && shedMs <= bounds.shedMs && recoveryMs <= bounds.recoveryMs && failed === 0
  return held ? 0 : 1
}

/** The end of the last tenth of a second in which somebody was not answered well. */
function recovery(sent: readonly Sent[]): number {
  const bad = sent.filter(({ outcome }) => outcome !== 'good')
  return bad.reduce((last, { at }) => Math.max(last, (Math.floor(at / bucketMs) + 1) * bucketMs), 0)
}

function rowOf(sent: readonly Sent[], perSecond: number, seconds: number): string {
  const rate = (outcome: Sent['outcome']) => (count(sent, outcome) / seconds).toFixed(0).padStart(9)
  const ms = (outcome: Sent['outcome'], at: number) => quantile(sent, outcome, at).toFixed(1).padStart(9)
  const shares = works.map((work) => {
    const of = sent.filter((one) => one.work === work)
    return `${((count(of, 'good') / of.length) * 100).toFixed(0)} %`.padStart(6)
  })
  return `${perSecond.toFixed(0).padStart(7)} ${rate('good')}${rate('late')}${rate('shed')}  ${ms('good', 0.5)}${ms('good', 0.99)}  ${ms('shed', 0.5)}${ms('shed', 0.99)}         ${shares.join('')}`
}

function count(sent: readonly Sent[], outcome: Sent['outcome']): number {
  return sent.filter((one) => one.outcome === outcome).length
}

/** Time to the last byte of those that ended so, ms; 0 of none. */
function quantile(sent: readonly Sent[], outcome: Sent['outcome'], at: number): number {
  const times = sent.filter((one) => one.outcome === outcome).map(({ took }) => took)
  times.sort((one, other) => one - other)
  return times[Math.min(times.length - 1, Math.floor(times.length * at))] ?? 0
}

async function announced(stdout: NodeJS.ReadableStream | null): Promise<string> {
  let said = ''
  for await (const chunk of stdout ?? []) {
    said += chunk
    const url = /serving on (http:\S+)/.exec(said)?.[1]
    if (url !== undefined) {
      stdout?.resume()
      return url
    }
  }
  throw new Error('the service did not start')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
