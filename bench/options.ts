// The command line of the benchmark.
import { parseArgs } from 'node:util'
import { scenarios } from './scenarios/all.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { subjects } from './subjects/all.ts'
import type { Subject } from './subjects/subject.ts'

export type Options = {
  help: boolean
  scenarios: readonly Scenario[]
  subjects: readonly Subject[]
  /** Of each block that counts; null: as each scenario says. */
  seconds: number | null
  /** Of each comparison; null: as each scenario says. */
  rounds: number | null
  /** What the rates of open loops are multiplied with. */
  rate: number
  theta: number
  seed: number
  profiles: number
  /** Where the result goes as JSON; null: bench/results. */
  json: string | null
  smoke: boolean
}

const smokeScenarios = ['profiles', 'conditional', 'penetration', 'stampede']
const smokeProfiles = 2_000
const smokeSeconds = 8
const smokeRate = 0.5

export const help = `Measures Turno, and beside it what one would use instead: the same data, requests and machine, in turn.

  npm run bench -- [options]

  --only LIST       scenarios, comma between (all)
  --subjects LIST   subjects, comma between (all)
  --seconds N       how long each block that counts lasts (as each scenario says)
  --rounds N        how often each subject of a comparison has its turn (as each scenario says)
  --rate N          what the rates of open loops are multiplied with (1)
  --theta N         how uneven popularity is, Zipf's exponent: 0 all alike, 0.99 as YCSB has it (0.99)
  --profiles N      public profiles in the data (100500)
  --seed N          what is asked for, and when, follows from it (1)
  --json FILE       where the result goes (bench/results/full.json, or partial.json with --only or --subjects)
  --smoke           two minutes on counts alone, which no noise touches: ${smokeScenarios.join(', ')}; Turno alone
  --help

scenarios
${scenarios.map(({ name, says }) => `  ${name.padEnd(14)}  ${says}`).join('\n')}

subjects
${subjects.map(({ name, title }) => `  ${name.padEnd(18)}  ${title}`).join('\n')}

A run without options takes more than a quarter of an hour. With two processors or more the subject has the first to
itself; engines and drivers share the second. The gates are bench/slo.json. It ends with
  0  every gate that was run passes
  1  a gate is broken
  2  none is broken, but some cannot be judged: too noisy, too few; or nothing could be run
  130  interrupted; nothing of it is left
`

/** @throws Error of one line that says what to change */
export function readOptions(args: readonly string[]): Options {
  const { values } = parse(args)
  const smoke = values.smoke
  const only = values.only ?? (smoke ? smokeScenarios.join(',') : undefined)
  const chosen = values.subjects ?? (smoke ? 'turno' : undefined)
  return {
    help: values.help,
    scenarios: named('only', only, scenarios),
    subjects: named('subjects', chosen, subjects),
    seconds:
      values.seconds === undefined
        ? smoke
          ? smokeSeconds
          : null
        : whole('seconds', values.seconds, 1, 86_400),
    rounds: values.rounds === undefined ? null : whole('rounds', values.rounds, 1, 1_000),
    rate: decimal('rate', values.rate ?? (smoke ? String(smokeRate) : '1'), 0.001, 100),
    theta: decimal('theta', values.theta, 0, 3),
    seed: whole('seed', values.seed, 0, 2 ** 31),
    profiles: whole('profiles', values.profiles ?? (smoke ? String(smokeProfiles) : '100500'), 10, 1_000_000),
    json: values.json ?? null,
    smoke
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        only: { type: 'string' },
        subjects: { type: 'string' },
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        rate: { type: 'string' },
        theta: { type: 'string', default: '0.99' },
        profiles: { type: 'string' },
        seed: { type: 'string', default: '1' },
        json: { type: 'string' },
        smoke: { type: 'boolean', default: false }
      }
    })
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw new Error(`${line}; --help lists the options`)
  }
}

function named<T extends { name: string }>(
  option: string,
  list: string | undefined,
  all: readonly T[]
): readonly T[] {
  if (list === undefined) return all
  const names = list.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !all.some((one) => one.name === name))
  if (unknown !== undefined)
    throw new Error(`--${option}: there is no "${unknown}": use ${all.map(({ name }) => name).join(', ')}`)
  return all.filter(({ name }) => names.includes(name))
}

function whole(name: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new Error(`--${name}: "${text}" is not a whole number from ${least} to ${most}`)
}

function decimal(name: string, text: string, least: number, most: number): number {
  const number = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new Error(`--${name}: "${text}" is not a number from ${least} to ${most}`)
}
