import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { Draws, entriesOf, keyCount } from '../../bench/hit-path/entries.ts'
import type { Round, Slice } from '../../bench/hit-path/measure.ts'
import { outcomeOf } from '../../bench/hit-path/outcome.ts'
import type { Participant } from '../../bench/hit-path/participant.ts'

const participants: Participant[] = (['yardstick', 'control', 'subject'] as const).map((role) => ({
  name: role,
  role,
  hands: 'bytes',
  proves: 'length',
  hits: () => 0
}))

const slice = (nsPerHit: number): Slice => ({
  hits: 1_000,
  cpuNs: nsPerHit * 1_000,
  wallNs: nsPerHit * 1_000,
  heapBytes: 0
})

/** The machine becomes ten times slower on the way. */
const drifting = (ratios: (round: number) => readonly number[]): Round[] =>
  Array.from({ length: 40 }, (_, round) => ratios(round).map((ratio) => slice(100 * (1 + round / 4) * ratio)))

t.test('a machine that slows down on the way changes no ratio', async (t) => {
  const { rows, invalid } = outcomeOf(
    '2 KiB',
    participants,
    drifting(() => [1, 1, 3])
  )
  const own = rows[2]?.ratio
  t.match(
    [own?.low, own?.median, own?.high].map((figure) => figure?.toFixed(6)),
    ['3.000000', '3.000000', '3.000000']
  )
  t.same(invalid, [])
})

t.test('a run that finds lru-cache slower than itself is invalid', async (t) => {
  const { invalid } = outcomeOf(
    '2 KiB',
    participants,
    drifting(() => [1, 1.08, 3])
  )
  t.match(invalid, ['lru-cache beside itself came out as 1.08 [1.08; 1.08]'])
})

t.test('a run that hardly knows its own subject is invalid', async (t) => {
  const { invalid } = outcomeOf(
    '2 KiB',
    participants,
    drifting((round) => [1, 1, round % 2 === 0 ? 2 : 4])
  )
  t.match(invalid, [/^Turno's ratio is known to ±\d+ % only$/])
})

t.test(
  'slices in which an answer was missing count nowhere, and too many of them make a run invalid',
  async (t) => {
    const rounds = drifting(() => [1, 1, 3]).map((round, at) =>
      round.map((slice, own) => (own === 2 && at % 4 === 0 ? null : slice))
    )
    const { rows, invalid } = outcomeOf('2 KiB', participants, rounds)
    t.equal(rows[2]?.voidSlices, 10)
    t.equal(rows[2]?.ratio.median.toFixed(6), '3.000000')
    t.same(invalid, ['subject left answers out in 10 slices'])
  }
)

t.test('every run asks the same keys of the same payloads, the popular ones far more often', async (t) => {
  const entries = entriesOf(2_048)
  t.equal(new Set(entries.map(({ id }) => id)).size, keyCount)
  t.ok(entries.every(({ body }) => Math.abs(body.length - 2_048) <= 3))
  const draws = new Draws(entries)
  const asked = draws.keys(0, 100_000)
  t.same(asked.slice(0, 500), new Draws(entriesOf(2_048)).keys(0, 500))
  t.same(
    asked.slice(0, 500),
    draws.entries(0, 500).map(({ id }) => id)
  )
  const counts = new Map<string, number>()
  for (const key of asked) counts.set(key, (counts.get(key) ?? 0) + 1)
  // Zipf's law with exponent 0.99 over 10,000 keys: the first has 9.8 % of all.
  const hottest = Math.max(...counts.values()) / asked.length
  t.ok(hottest > 0.09 && hottest < 0.11, `the hottest key has ${(100 * hottest).toFixed(1)} %`)
})

t.test('whoever mistypes an option reads one line that says which', async (t) => {
  const run = (args: string[]) =>
    promisify(execFile)(process.execPath, [
      fileURLToPath(new URL('../../bench/hit-path/run.ts', import.meta.url)),
      ...args
    ])
  for (const [args, line] of [
    [['--seconds', 'long'], '--seconds: "long" is not a whole number from 1 to 600\n'],
    [['--json', '/nowhere/at/all.json'], '--json: /nowhere/at is not a folder that can be written to\n'],
    [['--fast'], /^Unknown option '--fast'; --help lists the options\n$/]
  ] as const) {
    await t.rejects(run([...args]), { code: 2, stdout: '', stderr: line })
  }
  t.match(await run(['--help']), { stdout: /npm run bench:hit/, stderr: '' })
})
