// The command: it tells everything, refuses what it does not know, runs on real engines, and leaves nothing.
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { cpuMicroseconds } from '../../bench/counts/processes.ts'
import type { Result } from '../../bench/result.ts'
import { scenarios } from '../../bench/scenarios/all.ts'
import { runNode } from '../node.ts'
import { until } from '../until.ts'

const environment = { PATH: process.env.PATH, HOME: process.env.HOME }
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('turno-bench-'))

t.test('--help names every option and scenario', async (t) => {
  const { code, out } = await runNode(t, '../bench/run.ts', environment, ['--help']).ended
  t.equal(code, 0)
  for (const name of ['only', 'subjects', 'seconds', 'rounds', 'rate', 'theta', 'seed', 'json', 'smoke'])
    t.match(out, `--${name}`)
  for (const { name } of scenarios) t.match(out, name)
})

t.test('what it does not know it refuses, in one line', async (t) => {
  for (const wrong of [
    ['--only', 'nothing'],
    ['--subjects', 'x'],
    ['--seconds', '0'],
    ['--theta', 'a'],
    ['--what']
  ]) {
    const { code, err } = await runNode(t, '../bench/run.ts', environment, wrong).ended
    t.equal(code, 2, wrong.join(' '))
    t.equal(err.trim().split('\n').length, 1, err)
  }
})

t.test('a short run on the real stack ends with 0, and with a result', { timeout: 180_000 }, async (t) => {
  const json = join(t.testdir(), 'result.json')
  const { code, out, err } = await runNode(t, '../bench/run.ts', environment, [
    '--smoke',
    ...['--only', 'conditional'],
    ...['--seconds', '6'],
    ...['--rate', '0.2'],
    ...['--profiles', '100'],
    ...['--json', json]
  ]).ended
  t.equal(code, 0, out + err)
  const result: Result = JSON.parse(readFileSync(json, 'utf8'))
  t.equal(result.blocks.length, 1)
  for (const { counts, latency } of result.blocks) {
    t.equal(counts.good, counts.requests)
    t.equal(latency.count, counts.requests)
    t.ok((counts.cpuMicroseconds['turno-1'] ?? 0) > 0)
    t.ok((counts.cpuMicroseconds.primary ?? -1) >= 0)
  }
  t.ok(result.verdicts.every(({ outcome }) => outcome === 'pass'))
  const [loads, again] = result.crossCheck
  t.equal(loads?.counted, loads?.server, 'its own count of loads is what was asked for')
  // Where the machine stands still for longer than a proof lives, it is right to look again.
  t.ok((again?.counted ?? 50) <= 5, `of 50 that were asked for again ${again?.counted} were not there`)
})

for (const [moment, reached] of [
  ['while it starts', async () => {}],
  ['while it measures', async (pid: number) => until('the driver is at work', () => isDriven(pid), 60_000)]
] as const) {
  t.test(`interrupted ${moment} it ends at once and leaves nothing`, { timeout: 120_000 }, async (t) => {
    const before = leftovers()
    const run = runNode(t, '../bench/run.ts', environment, [
      '--smoke',
      ...['--profiles', '100'],
      ...['--only', 'conditional'],
      ...['--seconds', '100']
    ])
    await run.found(/(starting Turno)/)
    await reached(run.pid)
    run.kill('SIGINT')
    const { code } = await run.ended
    t.equal(code, 130)
    const own = leftovers().filter((name) => !before.includes(name))
    t.same(own, [])
  })
}

/** Its driver has used a second of a processor: it sends, and what it sends is measured. */
function isDriven(pid: number): boolean {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  const driver = children.find((child) => commandOf(child).includes('/bench/drivers/'))
  return driver !== undefined && (cpuMicroseconds(Number(driver)) ?? 0) > 1e6
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
