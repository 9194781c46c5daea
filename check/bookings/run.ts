// `npm run check:bookings`: a private stack on throw-away data, the checks that were asked for, and their outcome.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { migrate } from '../../db/migrate.ts'
import { stream } from '../../db/seed/random.ts'
import { type Scale, seed } from '../../db/seed/seed.ts'
import { startStack, urlsOf } from '../../db/stack/stack.ts'
import { type Check, checks, type Outcome, run } from './check.ts'
import { Service, tokens } from './service.ts'
import { makeWorld } from './world.ts'

const help = `Lets crowds book over HTTP on several instances, kills some of them, and looks whether two ever got one hour.

  npm run check:bookings -- [options]

  --only LIST       which checks, comma between (${checks.join(',')})
  --seconds N       how long each takes; kills: twice as long (30)
  --crowd N         people who want one slot (1000)
  --people N        people at work at a time (32)
  --instances N     (3)
  --scale NAME      data set around them: tiny or seed (tiny)
  --seed TEXT       what is booked and who is killed when follow from it (1)
  --help

It ends with 0 when nothing is wrong, else with 1. What is judged: check/bookings/README.md.
`

type Options = {
  help: boolean
  only: Check[]
  seconds: number
  crowd: number
  people: number
  instances: number
  scale: Scale
  seed: string
}

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
    const outcomes = await runAll(options, abort.signal)
    return outcomes.every(({ broken }) => broken.length === 0) ? 0 : 1
  } catch (error) {
    if (abort.signal.aborted) return 130
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 2
  }
}

async function runAll(options: Options, signal: AbortSignal): Promise<Outcome[]> {
  const directory = await mkdtemp(join(tmpdir(), 'turno-check-'))
  const outcomes: Outcome[] = []
  try {
    const stack = await startStack({ directory: join(directory, 'stack'), throwaway: true, abort: signal })
    let service: Service | undefined
    try {
      const urls = urlsOf(stack)
      await migrate(urls.primaryUrl)
      await seed(urls.primaryUrl, options.scale)
      const secret = randomBytes(32).toString('base64url')
      const world = await makeWorld(
        urls.primaryUrl,
        Math.max(options.crowd, options.people),
        await tokens(secret)
      )
      service = await Service.start(urls, secret, join(directory, 'spool'), options.instances)
      for (const check of options.only) {
        signal.throwIfAborted()
        const durationMs = options.seconds * (check === 'kills' ? 2_000 : 1_000)
        const random = stream(options.seed, check)
        for (const outcome of await run(check, {
          ...options,
          primaryUrl: urls.primaryUrl,
          service,
          world,
          random,
          durationMs,
          signal
        })) {
          say(outcome)
          outcomes.push(outcome)
        }
      }
      return outcomes
    } finally {
      service?.stop()
      await stack.stop()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function say({ check, seen, broken }: Outcome): void {
  process.stdout.write(`${check}: ${broken.length === 0 ? 'holds' : 'BROKEN'}\n  ${seen}\n`)
  for (const line of broken) process.stdout.write(`  ! ${line}\n`)
}

/** @throws Error of one line that says what to change */
function readOptions(args: readonly string[]): Options {
  const { values } = parse(args)
  const only = values.only.split(',').map((name) => {
    const check = checks.find((one) => one === name)
    if (!check) throw new Error(`--only: there is no check "${name}": use ${checks.join(', ')}`)
    return check
  })
  const { scale } = values
  if (scale !== 'tiny' && scale !== 'seed') throw new Error(`--scale: "${scale}" is neither tiny nor seed`)
  return {
    help: values.help,
    only,
    seconds: whole('seconds', values.seconds, 1, 86_400),
    crowd: whole('crowd', values.crowd, 2, 10_000),
    people: whole('people', values.people, 1, 1_000),
    instances: whole('instances', values.instances, 1, 16),
    scale,
    seed: values.seed
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        only: { type: 'string', default: checks.join(',') },
        seconds: { type: 'string', default: '30' },
        crowd: { type: 'string', default: '1000' },
        people: { type: 'string', default: '32' },
        instances: { type: 'string', default: '3' },
        scale: { type: 'string', default: 'tiny' },
        seed: { type: 'string', default: '1' }
      }
    })
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw new Error(`${line}; --help lists the options`)
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new Error(`--${name}: "${text}" is not a whole number from ${least} to ${most}`)
}
