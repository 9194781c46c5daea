import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { castOf } from '../../bench/report/cast.ts'
import type { Chart } from '../../bench/report/chart.ts'
import { answersByLayer, answersUnderFault } from '../../bench/report/charts/answers.ts'
import { comparisons } from '../../bench/report/charts/comparison.ts'
import { curves } from '../../bench/report/charts/curve.ts'
import { memoryAndLoop } from '../../bench/report/charts/memory.ts'
import { spectra } from '../../bench/report/charts/spectrum.ts'
import { merged, valueAt } from '../../bench/report/distributions.ts'
import { svgs, writeReport } from '../../bench/report/index.ts'
import { widthOf } from '../../bench/report/lettering.ts'
import { contrast, type Hue, others } from '../../bench/report/palette.ts'
import { duration, figure, memory, share } from '../../bench/report/quantities.ts'
import { withFigures } from '../../bench/report/readme.ts'
import type { Result, Verdict } from '../../bench/result.ts'
import { sampleResult } from './sample.ts'

const largest = 600_000
const project = fileURLToPath(new URL('../..', import.meta.url))

const chartsOf = (result: Result): Chart[] => [
  ...spectra(result),
  ...curves(result),
  ...comparisons(result),
  ...answersByLayer(result),
  ...answersUnderFault(result),
  ...memoryAndLoop(result)
]

async function folder(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'turno-report-'))
  t.teardown(() => rm(directory, { recursive: true }))
  return directory
}

async function pageOf(t: Test, result: Result): Promise<string> {
  const file = join(await folder(t), 'report.html')
  await writeReport(result, file)
  return readFile(file, 'utf8')
}

/** The row of a gate, without its markup, and the outcome that it shows. */
function gateIn(page: string, name: string) {
  const [row = ''] = page.match(new RegExp(`<tr class="gate [^>]*data-gate="${name}"[^]*?</tr>`)) ?? []
  return {
    outcome: row.match(/data-outcome="([^"]+)"/)?.[1],
    word: row.match(/<b>([^<]+)<\/b>/)?.[1],
    green: /(class="|[ fs]-)pass\b/.test(row),
    text: row.replace(/<[^>]+>/g, ' ')
  }
}

const overallIn = (page: string) => page.match(/data-overall="([^"]+)"/)?.[1]

t.test(
  'every gate of a run is in its page, with its value, its bound and how much was counted',
  async (t) => {
    const result = sampleResult('mixed')
    const page = await pageOf(t, result)
    for (const { gate, outcome, value, bound, samples } of result.verdicts) {
      const { outcome: shown, word, text } = gateIn(page, gate)
      t.equal(shown, outcome, gate)
      t.equal(word, outcome)
      if (value !== null) t.match(text, figure(value))
      t.match(text, figure(bound))
      t.match(text, samples === 0 ? 'none' : samples.toLocaleString('en-US'))
    }
  }
)

t.test('an invalid gate says why and has nothing of a pass, and the run is no pass either', async (t) => {
  const result = sampleResult('noisy')
  const page = await pageOf(t, result)
  const invalid = result.verdicts.filter(({ outcome }) => outcome === 'invalid')
  t.ok(invalid.length > 0)
  for (const { gate, because } of invalid) {
    const { outcome, word, green, text } = gateIn(page, gate)
    t.strictSame({ outcome, word, green }, { outcome: 'invalid', word: 'invalid', green: false })
    t.match(text, because ?? '')
    t.notMatch(text, /inside|outside|pass/)
  }
  t.equal(overallIn(page), 'invalid')
  t.notMatch(page.match(/<title>.*<\/title>/)?.[0] ?? '', /pass/i)
})

t.test('one broken gate breaks the run, however many are invalid', async (t) => {
  t.equal(overallIn(await pageOf(t, sampleResult('mixed'))), 'broken')
})

t.test('a pass without a value inside its bound is shown as invalid', async (t) => {
  const sample = sampleResult()
  for (const value of [null, Number.NaN, 1_000_000]) {
    const verdict: Verdict = {
      gate: 'made-up',
      says: 'Something is small',
      value,
      bound: 1,
      direction: 'at most',
      unit: '',
      samples: 5,
      outcome: 'pass'
    }
    const page = await pageOf(t, { ...sample, verdicts: [verdict] })
    t.equal(gateIn(page, 'made-up').outcome, 'invalid', String(value))
    t.equal(overallIn(page), 'invalid')
  }
})

t.test('a run without a gate passes nothing, and one of which parts were not run says so', async (t) => {
  const sample = sampleResult()
  const nothing = { ...sample, blocks: [], comparisons: [], curves: [], faults: [], verdicts: [] }
  t.equal(overallIn(await pageOf(t, nothing)), 'not run')
  const [first] = sample.verdicts
  t.ok(first)
  if (!first) return
  const page = await pageOf(t, {
    ...sample,
    verdicts: [first, { ...first, gate: 'later', outcome: 'not run' }]
  })
  t.match(page, 'Passed, as far as it was run')
})

type Box = { text: string; left: number; right: number; top: number; bottom: number }

/** Where the letters of a picture lie, from what it draws and not from what it meant to. */
function boxesOf(body: string): Box[] {
  return [...body.matchAll(/<text ([^>]*)>([^<]*)<\/text>/g)].map(([, attributes = '', content = '']) => {
    const attribute = (name: string) => attributes.match(new RegExp(`(?:^| )${name}="([^"]*)"`))?.[1]
    const text = content.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    const [x, y, size] = ['x', 'y', 'font-size'].map((name) => Number(attribute(name)))
    const width = widthOf(text, size ?? 0, Number(attribute('font-weight') ?? 400))
    const anchor = attribute('text-anchor')
    const left = (x ?? 0) - (anchor === 'end' ? width : anchor === 'middle' ? width / 2 : 0)
    const baseline = y ?? 0
    return {
      text,
      left,
      right: left + width,
      top: baseline - (size ?? 0) * 0.75,
      bottom: baseline + (size ?? 0) * 0.22
    }
  })
}

const overlap = (one: Box, other: Box) =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom

/** All eight finish alike, under names longer than there is room for. */
function crowded(): Result {
  const sample = sampleResult('noisy')
  const [first] = sample.blocks
  const names = Object.keys(sample.titles?.subjects ?? {})
  return {
    ...sample,
    titles: {
      subjects: Object.fromEntries(
        names.map((name) => [name, `${name} as its own documentation teaches, at length`])
      ),
      scenarios: { profiles: 'Profiles' }
    },
    blocks: sample.blocks.map((block) => ({ ...block, latency: first?.latency ?? block.latency })),
    curves: sample.curves.map((curve) => ({ ...curve, points: sample.curves[0]?.points ?? [] })),
    faults: sample.faults.map((card) => ({ ...card, goodShare: 0.123456, worstMs: 10_000 }))
  }
}

t.test('no label lies upon another or beyond the picture, on a screen and on a telephone', async (t) => {
  for (const result of [sampleResult(), sampleResult('noisy'), crowded()]) {
    for (const { name, draw } of chartsOf(result)) {
      for (const width of [320, 340, 840, 960]) {
        const { body, height } = draw(width)
        const boxes = boxesOf(body)
        const clashes = boxes.flatMap((one, at) =>
          boxes.slice(at + 1).flatMap((other) => (overlap(one, other) ? [`${one.text} / ${other.text}`] : []))
        )
        t.strictSame(clashes, [], `${name} at ${width}`)
        const beyond = boxes.filter(
          ({ left, right, top, bottom }) => left < -1 || right > width + 1 || top < -1 || bottom > height + 1
        )
        t.strictSame(
          beyond.map(({ text }) => text),
          [],
          `${name} at ${width}`
        )
        t.notMatch(body, /NaN|Infinity|undefined/, name)
      }
    }
  }
})

t.test('every chart says in words what it shows, and stands once more as a table', async (t) => {
  const result = sampleResult()
  const page = await pageOf(t, result)
  for (const { name, description, table } of chartsOf(result)) {
    const [figure = ''] = page.match(new RegExp(`<figure id="${name}">[^]*?</figure>`)) ?? []
    t.equal(figure.match(/<svg [^>]*role="img" aria-labelledby=/g)?.length, 2, name)
    t.equal(figure.match(/<title id=/g)?.length, 2)
    t.equal(figure.match(/<desc id=/g)?.length, 2)
    t.match(figure, description.slice(0, 30))
    t.match(figure, '<table>')
    t.ok(table.rows.length > 0)
    for (const row of table.rows) t.equal(row.length, table.columns.length)
  }
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  t.equal(new Set(ids).size, ids.length, 'no id twice')
})

t.test('the same result draws the same page and the same pictures', async (t) => {
  t.equal(await pageOf(t, sampleResult()), await pageOf(t, sampleResult()))
  t.strictSame(svgs(sampleResult()), svgs(sampleResult()))
})

t.test('the page takes nothing from the network, and is small', async (t) => {
  const page = await pageOf(t, sampleResult('noisy'))
  t.notMatch(page.replace(/<a [^>]*>/g, ''), /(src|href|srcset|action|poster)="?\s*(https?:)?\/\//i)
  t.notMatch(page, /url\(|@import|fetch\(|XMLHttpRequest|import\(|<iframe|<link rel="(?!icon" href="data:)/)
  t.ok(Buffer.byteLength(page) < largest, `${Buffer.byteLength(page)} bytes`)
})

t.test('what a result says is text in the page, never markup', async (t) => {
  const sample = sampleResult('mixed')
  const evil = '<img src=x onerror="alert(1)">'
  const page = await pageOf(t, {
    ...sample,
    commit: evil,
    titles: {
      subjects: Object.fromEntries(
        Object.keys(sample.titles?.subjects ?? {}).map((name) => [name, `${name}${evil}`])
      ),
      scenarios: { profiles: evil }
    },
    verdicts: sample.verdicts.map((verdict) => ({
      ...verdict,
      says: evil,
      gate: evil,
      unit: evil,
      because: evil
    })),
    faults: sample.faults.map((card) => ({ ...card, fault: evil })),
    blocks: sample.blocks.map((block) => ({ ...block, doubts: [evil] }))
  })
  t.notMatch(page, '<img')
})

t.test('a picture for the README carries its own colours for light and dark, and no variables', async (t) => {
  const pictures = svgs(sampleResult())
  t.strictSame(Object.keys(pictures), ['spectrum', 'curve', 'comparison', 'layers', 'fault', 'memory'])
  for (const picture of Object.values(pictures)) {
    t.match(picture, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
    t.match(picture, '@media (prefers-color-scheme:dark)')
    t.notMatch(picture, 'var(')
    t.match(picture, /font-family="Helvetica/)
    t.match(picture, /<title id="title">[^<]+<\/title><desc id="desc">[^<]+<\/desc>/)
  }
})

t.test('all that is written in a colour can be read on its paper, light and dark', async (t) => {
  const written: readonly Hue[] = ['ink', 'muted', 'turno', ...others, 'pass', 'broken', 'invalid', 'not-run']
  for (const hue of written) {
    t.ok(contrast(hue, false) >= 4.5, `${hue} in light: ${contrast(hue, false)}`)
    t.ok(contrast(hue, true) >= 4.5, `${hue} in dark: ${contrast(hue, true)}`)
  }
})

t.test(
  'percentiles of blocks together are those of all their answers, not means of percentiles',
  async (t) => {
    const quick = {
      count: 900,
      mean: 1,
      max: 100,
      spectrum: [
        [0, 1],
        [100, 100]
      ] as const
    }
    const slow = {
      count: 100,
      mean: 1,
      max: 2_000,
      spectrum: [
        [0, 1_000],
        [100, 2_000]
      ] as const
    }
    const both = merged([quick, slow])
    t.equal(both.count, 1_000)
    t.equal(Math.round(valueAt(both, 45) ?? 0), 51)
    t.equal(Math.round(valueAt(both, 95) ?? 0), 1_500)
    t.equal(valueAt(merged([]), 50), null)
  }
)

t.test('more requests for the same are better, more of anything else is worse', async (t) => {
  const sample = sampleResult()
  const [first] = sample.comparisons
  const hints = (metric: string) => {
    const own = first === undefined ? [] : [{ ...first, metric }]
    return comparisons({ ...sample, comparisons: own })[0]
      ?.draw(960)
      .body.match(/(more|less) is better/)?.[1]
  }
  for (const metric of [
    'requests per CPU second',
    'requests per CPU second, engines included',
    'requests per second'
  ]) {
    t.equal(hints(metric), 'more', metric)
  }
  for (const metric of ['CPU per request', 'p99', 'rss', 'queries per request'])
    t.equal(hints(metric), 'less', metric)
})

t.test('no two of those measured are drawn alike', async (t) => {
  const sample = sampleResult()
  const [block] = sample.blocks
  const names = ['turno', ...Array.from({ length: 20 }, (_, at) => `other ${at}`)]
  const { players } = castOf({
    ...sample,
    blocks: block === undefined ? [] : names.map((subject) => ({ ...block, subject }))
  })
  const looks = players.map(({ hue, dash = 'full' }) => `${hue} ${dash}`)
  t.equal(new Set(looks).size, looks.length)
})

t.test('a block in doubt is left out of a line that has others, and named where it has none', async (t) => {
  const sample = sampleResult()
  const oneOf = (round: number) =>
    sample.blocks.map((block) =>
      block.subject === 'turno' && block.round >= round ? { ...block, doubts: ['steal'] } : block
    )
  const rowOf = (result: Result) => spectra(result)[0]?.table.rows[0] ?? []
  const all = Number(rowOf(sample).at(-1)?.replaceAll(',', ''))
  t.ok(
    Number(
      rowOf({ ...sample, blocks: oneOf(1) })
        .at(-1)
        ?.replaceAll(',', '')
    ) <
      all / 2
  )
  t.equal(rowOf({ ...sample, blocks: oneOf(0) })[0], 'Turno (doubtful)')
})

t.test('numbers have a unit and as many figures as matter', async (t) => {
  const plain = (text: string) => text.replaceAll('\u00a0', ' ')
  t.strictSame([0, 0.0068, 1.999, 12.34, 1_234.5].map(figure), ['0', '0.0068', '2', '12.3', '1,235'])
  t.strictSame([12, 1_500, 2_000_000].map(duration).map(plain), ['12 µs', '1.5 ms', '2 s'])
  t.equal(plain(memory(171 * 1_048_576)), '171 MiB')
  t.strictSame([1, 0.999999, 0.5, 0.0000001, 0].map(share).map(plain), [
    '100 %',
    '> 99.99 %',
    '50 %',
    '< 0.01 %',
    '0 %'
  ])
})

t.test(
  'npm run bench:report draws a page and pictures from JSON, and refuses another file in one line',
  async (t) => {
    const directory = await folder(t)
    const draw = (...args: string[]) =>
      promisify(execFile)(process.execPath, ['bench/report/draw.ts', ...args], { cwd: project })
    const file = join(directory, 'run.json')
    await writeFile(file, JSON.stringify(sampleResult()))
    const { stdout } = await draw(file, '--svg', join(directory, 'pictures'))
    t.equal(stdout.trim().split('\n').length, 7)
    t.equal(await readFile(join(directory, 'run.html'), 'utf8'), await pageOf(t, sampleResult()))
    t.match(await readFile(join(directory, 'pictures', 'fault.svg'), 'utf8'), '<svg')
    await writeFile(file, '{"format":2}')
    for (const args of [[file], [join(directory, 'none.json')], [], ['--no-such']]) {
      await t.rejects(draw(...args), { code: 1, stderr: /^[^\n]+\n$/ }, args.join(' '))
    }
    t.match((await draw('--help')).stdout, '--svg')
  }
)

t.test('the figures of README.md are those of the committed run', async (t) => {
  const text = (path: string) => readFile(join(project, path), 'utf8')
  const readme = await text('README.md')
  const result: Result = JSON.parse(await text('bench/results/full.json'))
  t.equal(withFigures(readme, result), readme, 'npm run bench:report -- bench/results/full.json --readme')
  t.throws(() => withFigures('# without marks', result), /<!-- benchmark -->/)
})
