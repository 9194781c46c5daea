import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { billOf, pricesOf } from '../../bench/plan/bill.ts'
import { capacityOf, instancesFor } from '../../bench/plan/capacity.ts'
import { check } from '../../bench/plan/check.ts'
import { type Costs, costsOf, recalibrated, type Step } from '../../bench/plan/costs.ts'
import { instanceTypes } from '../../bench/plan/machines.ts'
import { plainWish, type Wish } from '../../bench/plan/options.ts'
import { withTable } from '../../bench/plan/readme.ts'
import { tfvarsOf, variablesOf } from '../../bench/plan/tfvars.ts'
import type { Block, Result } from '../../bench/result.ts'

const file = (path: string) => new URL(`../../${path}`, import.meta.url)
const plan = (...args: string[]) =>
  promisify(execFile)(process.execPath, [fileURLToPath(file('bench/plan/run.ts')), ...args])

const nothing: Step = {
  requests: 1,
  bytes: 0,
  service: 0,
  redis: 0,
  primary: 0,
  replicas: 0,
  redisCommands: 0,
  primaryStatements: 0,
  replicaStatements: 0
}

/** A round number for each thing. */
const costs: Costs = {
  headBytes: 900,
  hit: { service: 40, perByte: 0.005 },
  item: {
    shared: { ...nothing, service: 60, redis: 10, redisCommands: 1 },
    load: { ...nothing, service: 150, redis: 20, replicas: 100, redisCommands: 2, replicaStatements: 3 }
  },
  list: {
    shared: { ...nothing, service: 60, redis: 10, redisCommands: 1 },
    load: { ...nothing, service: 150, redis: 20, replicas: 100, redisCommands: 2, replicaStatements: 3 }
  },
  create: {
    ...nothing,
    service: 1000,
    redis: 20,
    primary: 500,
    replicas: 200,
    redisCommands: 1,
    primaryStatements: 8
  },
  change: {
    ...nothing,
    service: 1000,
    redis: 20,
    primary: 500,
    replicas: 200,
    redisCommands: 1,
    primaryStatements: 8
  },
  from: 'a test'
}

const near = (t: Tap, found: number, wanted: number, what: string) =>
  t.ok(
    Math.abs(found - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)),
    `${what}: ${found}, by hand ${wanted}`
  )
type Tap = { ok(value: boolean, message: string): unknown }

t.test('a plan is what one reckons by hand', async (t) => {
  // 10,000 a second, nine in ten reads of profiles alone, 99 of 100 found.
  const wish: Wish = { ...plainWish(), rps: 10_000, hit: 0.99, lists: 0, payload: 1100, commitMs: 0.5 }
  const { hits, ...capacity } = capacityOf(wish, costs)
  near(t, hits.l1 + hits.redis, 8_910, 'found')
  near(t, hits.loaded, 90, 'loaded')
  // nginx 10,000 × 54, reads 9,000 × (40 + 2,000 × 0.005), writes 1,000 × 1,000, loads 90 × 150, 60 for each of Redis', and
  // each of six processes hears of each write.
  const second = 540_000 + 450_000 + 1_000_000 + 13_500 + hits.redis * 60 + 6 * 1_000 * 5
  near(t, capacity.serviceMicroseconds, second / 10_000 - 54, 'of the service')
  const least = Math.max(3, Math.ceil(second / 1e6 / (2 * 0.7)) + 1)
  t.equal(capacity.instances, least)
  t.equal(least, 3, 'two at 70 %, and one more')
  t.equal(capacity.processes, 6)
  // Two replicas were measured together: of each, 1,000 writes a second × 100 µs; 90 loads × 100 µs to read.
  t.equal(capacity.replicas, 3)
  near(t, capacity.replicaQueriesPerSecond, 270, 'statements of loads')
  near(t, capacity.primaryStatementsPerSecond, 8_000, 'statements of writes')
  // 1,000 writes a second of half a millisecond, fifty of them in a transaction.
  const row = capacity.resources.find(({ name }) => name === 'row that every list depends on')
  t.match(row, { used: 0.01, there: 1, fullAt: 1_000_000 })

  const bill = billOf(wish, { hits, ...capacity })
  const usd = Object.fromEntries(bill.lines.map((line) => [line.what, line.usd]))
  near(t, usd.instances ?? 0, 3 * (0.0816 * 730 + 20 * 0.08 + 2.1), 'three m7g.large')
  near(t, usd['MySQL primary, Multi-AZ'] ?? 0, 2 * (0.478 * 730 + 11.5), 'a primary and its standby')
  near(t, usd.replicas ?? 0, 3 * (0.239 * 730 + 11.5), 'three replicas')
  near(t, usd.Valkey ?? 0, 240.9, 'two nodes')
  // 2,000 bytes × 10,000 × 3,600 s are 72 GB an hour, an LCU each.
  near(t, usd['load balancer'] ?? 0, 730 * (0.0225 + 72 * 0.008), 'the balancer')
  near(t, usd['NAT, endpoints, addresses'] ?? 0, 730 * 3 * (0.045 + 0.06 + 0.005), 'the way out')
  // 26,280 million requests, 10 million free; 52,560 GB, 1,000 free.
  near(t, usd.CloudFront ?? 0, 26_270 + 51_560 * 0.085, 'the edge')
  near(t, usd.WAF ?? 0, 11 + 26_280 * 0.6, 'the firewall')
  near(t, bill.perMillion, bill.total / 26_280, 'a million requests')
})

t.test('a zone may go, and what is left carries all', async (t) => {
  const large = instanceTypes['m7g.large']
  const burstable = instanceTypes['t3.medium']
  if (!large || !burstable) throw new Error('no such types')
  for (let processors = 0.1; processors < 200; processors *= 1.1) {
    const count = instancesFor(processors, large)
    t.ok((count - 1) * 2 * 0.7 >= processors && (count - Math.ceil(count / 3)) * 2 >= processors)
  }
  t.equal(instancesFor(0, large), 3)
  t.equal(instancesFor(4, burstable), 16, 'a burstable one gives a fifth')
})

t.test('more instances for the same requests find less in each, and the plan knows', async (t) => {
  const wish = { ...plainWish(), rps: 10_000 }
  const few = capacityOf(wish, costs)
  const many = capacityOf({ ...wish, instanceType: 't3.medium' }, costs)
  t.ok(many.processes > few.processes)
  t.ok(many.l1Ratio < few.l1Ratio)
})

t.test('the variables of a plan are those of terraform', async (t) => {
  const declared = declarations(await readFile(file('terraform/variables.tf'), 'utf8'))
  const wish = { ...plainWish(), rps: 10_000 }
  const variables = variablesOf(wish, capacityOf(wish, costs))
  for (const [name, fields] of Object.entries(variables)) {
    t.ok(declared.has(name), `variable ${name}`)
    for (const field of Object.keys(fields)) t.ok(declared.get(name)?.has(field), `${name}.${field}`)
  }
  t.match(tfvarsOf(variables), /^fleet = \{\n {2}instance_type {7}= "m7g.large"\n {2}min_size/)
})

t.test('every price says where it is from, and when it was read or that it was not', async (t) => {
  const wish = plainWish()
  for (const edge of [0, null]) {
    for (const price of pricesOf(billOf({ ...wish, edge }, capacityOf(wish, costs)))) {
      t.ok(price.usd > 0 && price.per !== '' && price.source !== '', price.name)
      t.equal(price.read === null, price.source.startsWith('memory'), price.name)
      if (price.read !== null) t.match(price.read, /^20\d\d-\d\d$/)
    }
  }
})

t.test('a run beside its plan: what was counted, what was reckoned', async (t) => {
  const steady = { ...costs, hit: { service: 50, perByte: 0 } }
  const run = result([
    block({ scenario: 'hit', requests: 10_000, reads: 10_000, cpu: 10_000 * 50, layers: { l1: 10_000 } }),
    block({
      scenario: 'profiles',
      requests: 10_000,
      reads: 9_000,
      writes: 1_000,
      cpu: 10_000 * 300,
      layers: { l1: 8_000, stale: 900, replica: 60, primary: 40 }
    })
  ])
  const [compared] = check(run, steady, { ...plainWish(), keys: 1_000 }, { item: 1_000, list: 10_000 })
  t.same(compared?.l1Ratio.measured, 8_900 / 9_000)
  t.same(compared?.hitRatio.measured, 8_900 / 9_000)
  t.equal(compared?.cpu.measured, 300)
  // 900 hits of 50 µs and 100 writes of 1,000 are 145 a request; a hundred profiles a second, some of them loads of 150.
  const { predicted = 0 } = compared?.cpu ?? {}
  t.ok(predicted > 145 && predicted < 145 + 15, `${predicted}`)
  t.throws(() => check(result([]), steady, plainWish(), { item: 1, list: 1 }), /has no block of Turno/)
})

t.test('a machine on which hits take twice as long takes twice as long for all', async (t) => {
  const twice = recalibrated(
    costs,
    result([
      block({
        scenario: 'hit',
        requests: 100,
        reads: 100,
        bytes: 100_000,
        cpu: 100 * 90,
        layers: { l1: 100 }
      })
    ])
  )
  t.match(twice.hit, { service: 80, perByte: 0.01 })
  t.equal(twice.change.service, 2_000)
  t.equal(recalibrated(costs, result([])), costs)
})

t.test("terraform's cost table is the plan's", async (t) => {
  const readme = await readFile(file('terraform/README.md'), 'utf8')
  const short = costsOf(JSON.parse(await readFile(file('bench/plan/measured.json'), 'utf8')))
  const full = await readFile(file('bench/results/full.json'), 'utf8').then(JSON.parse, () => null)
  t.equal(
    withTable(readme, full === null ? short : recalibrated(short, full)),
    readme,
    'npm run plan -- --readme'
  )
})

t.test('whoever asks for a plan reads what, how much, and what breaks first', async (t) => {
  const { stdout } = await plan('--rps', '10000', '--payload', '1100')
  for (const part of [
    /instances +\d+ +m7g\.large/,
    /break(?:s|: .*,) at [\d,]+ requests a second/,
    /a million requests/,
    /min_size +=/,
    /read 2026-06/
  ]) {
    t.match(stdout, part)
  }
  const told = JSON.parse((await plan('--rps', '10000', '--json')).stdout)
  t.match(told, {
    wish: { rps: 10_000 },
    capacity: { instances: Number },
    bill: { total: Number },
    variables: { fleet: {} }
  })
})

t.test('whoever mistypes an option of a plan reads one line that says which', async (t) => {
  for (const [args, line] of [
    [['--rps', 'many'], '--rps: "many" is not a number from 1 to 10000000\n'],
    [['--hit', '1.5'], '--hit: "1.5" is not a number from 0 to 1 or auto\n'],
    [['--l1', '64'], '--l1: "64" is not a size such as 64MiB\n'],
    [['--instances-type', 'm1.small'], /^--instances-type: "m1\.small" is none of t3\.medium, [^\n]*\n$/],
    [['--check', '/nowhere.json'], '/nowhere.json cannot be read\n'],
    [['--check', fileURLToPath(file('package.json'))], /package\.json is no result of npm run bench\n$/],
    [['--check', 'a', '--readme'], '--check and --readme are two things: ask for one\n'],
    [['--cheap'], /^Unknown option '--cheap'; --help lists the options\n$/]
  ] as const) {
    await t.rejects(plan(...args), { code: 2, stdout: '', stderr: line }, args.join(' '))
  }
  t.match(await plan('--help'), { stdout: /npm run plan/, stderr: '' })
})

/** Names of variables, each with the fields of its object. */
function declarations(hcl: string): Map<string, Set<string>> {
  const blocks = hcl.matchAll(/^variable "(\w+)" \{\n([\s\S]*?)^\}/gm)
  return new Map(
    [...blocks].map(([, name = '', body = '']) => [
      name,
      new Set([...body.matchAll(/^ {4}(\w+) += optional\(/gm)].map(([, field = '']) => field))
    ])
  )
}

function block(of: {
  scenario: string
  requests: number
  reads: number
  writes?: number
  bytes?: number
  cpu: number
  layers: Block['counts']['layers']
}): Block {
  const { scenario, requests, reads, writes = 0, bytes = 0, cpu, layers } = of
  const distribution = { count: 0, mean: 0, max: 0, spectrum: [] }
  return {
    scenario,
    subject: 'turno',
    driver: 'open',
    round: 0,
    paired: false,
    seconds: 10,
    offered: requests / 10,
    counts: {
      requests,
      good: requests,
      failures: {},
      reads,
      writes,
      bytes,
      layers,
      queries: null,
      redisRoundTrips: null,
      loads: null,
      cpuMicroseconds: { 'turno-1': cpu, redis: 1 }
    },
    latency: distribution,
    service: distribution,
    slip: null,
    driverLoad: 0,
    timeline: [],
    rssPeak: 0,
    pressure: null,
    steal: 0,
    doubts: []
  }
}

function result(blocks: readonly Block[]): Result {
  return {
    format: 1,
    commit: 'abc',
    changed: false,
    startedAt: '2026-11-22T00:00:00Z',
    seconds: 1,
    options: {},
    seed: 1,
    machine: {
      processors: 2,
      model: '',
      memoryBytes: 1,
      kernel: '',
      node: '',
      mariadb: '',
      redis: '',
      loadBefore: 0,
      loadAfter: 0
    },
    blocks,
    comparisons: [],
    curves: [],
    faults: [],
    verdicts: [],
    crossCheck: []
  }
}
