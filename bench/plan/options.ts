// The command line of `npm run plan`.
import { parseArgs } from 'node:util'
import { cacheTypes, databaseTypes, instanceTypes } from './machines.ts'

/** What is asked of the service, and of what it is to be built. */
export type Wish = {
  rps: number
  /** Of the reads that reach the instances, answered without a database; null: reckoned. */
  hit: number | null
  /** Of a profile's body, as it goes over the wire, bytes. */
  payload: number
  listPayload: number
  /** Of all requests. */
  writes: number
  /** Of the reads. */
  lists: number
  keys: number
  listKeys: number
  theta: number
  /** Of one process. */
  l1Bytes: number
  /** Of all reads, answered by CloudFront; null: there is none. */
  edge: number | null
  /** From a row's lock to its release: raising a version, and COMMIT. */
  commitMs: number
  instanceType: string
  primaryType: string
  replicaType: string
  cacheType: string
}

export type Options = Wish & {
  task: 'plan' | 'help' | 'measure' | 'readme' | { check: string }
  json: boolean
}

const defaults = {
  rps: '1000',
  hit: 'auto',
  payload: '1100',
  writes: '0.1',
  lists: '0.89',
  keys: '100000',
  'list-keys': '200',
  theta: '0.99',
  l1: '64MiB',
  edge: '0',
  'commit-ms': '2',
  'instances-type': 'm7g.large',
  'primary-type': 'db.r8g.xlarge',
  'replica-type': 'db.r8g.large',
  'cache-type': 'cache.r6g.large'
} as const
type Flag = keyof typeof defaults

export const help = `What it takes to serve so many requests, and what that costs a month.

  npm run plan -- --rps 10000 --hit auto --payload 1100

  --rps N               requests a second at the peak (${defaults.rps})
  --hit auto|SHARE      reads answered without a database; auto: Che's approximation (${defaults.hit})
  --payload BYTES       of a profile's body (${defaults.payload})
  --list-payload BYTES  of a list's body (the same)
  --writes SHARE        of the requests; half of them change what is there, half add (${defaults.writes})
  --lists SHARE         of the reads that are lists (${defaults.lists})
  --keys N              different profiles (${defaults.keys})
  --list-keys N         different lists (${defaults['list-keys']})
  --theta EXPONENT      Zipf's: 0 all alike, 0.99 as YCSB has it (${defaults.theta})
  --l1 SIZE             memory for entries in each process (${defaults.l1})
  --edge SHARE|none     reads that CloudFront answers; none: there is none (${defaults.edge})
  --commit-ms MS        from a row's lock to its release at the primary (${defaults['commit-ms']}, from memory)
  --instances-type T    ${Object.keys(instanceTypes).join(', ')} (${defaults['instances-type']})
  --primary-type T      ${Object.keys(databaseTypes).join(', ')} (${defaults['primary-type']})
  --replica-type T      of the same (${defaults['replica-type']})
  --cache-type T        ${Object.keys(cacheTypes).join(', ')} (${defaults['cache-type']})
  --json                the same as JSON

  --check FILE          reckons the profiles scenario of a result of npm run bench, and says how far off that is
  --measure             measures what requests cost on this machine (about a minute), into bench/plan/measured.json
  --readme              writes the cost table of terraform/README.md anew
  --help

Costs come from bench/results/full.json and bench/plan/measured.json; while there is no full run, from the latter alone.
`

/** @throws Error of one line that says what to change */
export function readOptions(args: readonly string[]): Options {
  const values = parse(args)
  const texts = { ...defaults, ...defined(values) }
  const tasks = (['check', 'measure', 'readme'] as const).filter((name) => values[name])
  if (tasks.length > 1) throw new Error(`--${tasks[0]} and --${tasks[1]} are two things: ask for one`)
  return {
    task: values.help
      ? 'help'
      : values.measure
        ? 'measure'
        : values.readme
          ? 'readme'
          : values.check !== undefined
            ? { check: values.check }
            : 'plan',
    json: values.json,
    rps: number('rps', texts.rps, 1, 1e7),
    hit: texts.hit === 'auto' ? null : number('hit', texts.hit, 0, 1, ' or auto'),
    payload: number('payload', texts.payload, 1, 1e7),
    listPayload: number('list-payload', values['list-payload'] ?? texts.payload, 1, 1e7),
    writes: number('writes', texts.writes, 0, 0.99),
    lists: number('lists', texts.lists, 0, 1),
    keys: whole('keys', texts.keys, 1, 1e7),
    listKeys: whole('list-keys', texts['list-keys'], 1, 1e7),
    theta: number('theta', texts.theta, 0, 3),
    l1Bytes: bytes('l1', texts.l1),
    edge: texts.edge === 'none' ? null : number('edge', texts.edge, 0, 1, ' or none'),
    commitMs: number('commit-ms', texts['commit-ms'], 0.01, 1000),
    instanceType: oneOf('instances-type', texts['instances-type'], instanceTypes),
    primaryType: oneOf('primary-type', texts['primary-type'], databaseTypes),
    replicaType: oneOf('replica-type', texts['replica-type'], databaseTypes),
    cacheType: oneOf('cache-type', texts['cache-type'], cacheTypes)
  }
}

/** The wish of somebody who asks for nothing in particular. */
export function plainWish(): Wish {
  const { task: _, json: __, ...wish } = readOptions([])
  return wish
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flags = Object.fromEntries(Object.keys(defaults).map((name) => [name, text])) as Record<
    Flag,
    typeof text
  >
  const is = { type: 'boolean', default: false } as const
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { ...flags, 'list-payload': text, check: text, json: is, measure: is, readme: is, help: is }
    })
    return values
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw new Error(`${line}; --help lists the options`)
  }
}

function defined(values: Partial<Record<Flag, string | undefined>>): Partial<Record<Flag, string>> {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => name in defaults && value !== undefined)
  )
}

function number(name: string, text: string, least: number, most: number, or = ''): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new Error(`--${name}: "${text}" is not a number from ${least} to ${most}${or}`)
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new Error(`--${name}: "${text}" is not a whole number from ${least} to ${most}`)
}

const units: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

function bytes(name: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)(KiB|MiB|GiB)$/.exec(text) ?? []
  const value = Number(digits) * (units[unit] ?? 0)
  if (value > 0 && value <= 2 ** 40) return value
  throw new Error(`--${name}: "${text}" is not a size such as 64MiB`)
}

function oneOf(name: string, text: string, known: Readonly<Record<string, unknown>>): string {
  if (Object.hasOwn(known, text)) return text
  throw new Error(`--${name}: "${text}" is none of ${Object.keys(known).join(', ')}`)
}
