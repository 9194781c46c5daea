// How many times another: ratios of paired blocks with their confidence intervals, on a scale where twice and half are
// equally far from "the same".
import { scaleLog } from 'd3-scale'
import type { Comparison, Result } from '../../result.ts'
import { type Cast, castOf } from '../cast.ts'
import {
  bottomAxis,
  type Chart,
  type Picture,
  roomForLabels,
  segment,
  stroke,
  tenth,
  text,
  textSize
} from '../chart.ts'
import { fitted, widthOf } from '../lettering.ts'
import { element } from '../markup.ts'
import type { Hue } from '../palette.ts'
import { figure, times } from '../quantities.ts'

/** Of these more is better, of everything else less. */
const moreIsBetter = (metric: string) => metric.startsWith('requests per') || metric.startsWith('hit ratio')
const metricOrder = [
  'requests per CPU second',
  'requests per CPU second, engines included',
  'requests per second',
  'CPU per request',
  'p99',
  'rss',
  'queries per request'
]
const metricTitles: Record<string, string> = {
  'requests per CPU second': 'Good answers for a second of processor time',
  'requests per CPU second, engines included': 'The same with database and Redis',
  'requests per second': 'Good answers a second, as fast as it can',
  'CPU per request': 'Processor time for a good answer',
  p99: 'Time for 99 % of answers, from sending',
  rss: 'Memory (resident)',
  'queries per request': 'Database queries for a request'
}

/** Of an interval, at the right end. */
const intervalRoom = 92

type Row = Comparison & { label: string; better: boolean; undecided: boolean }
type Panel = { title: string; hint: string; rows: readonly Row[] }

export function comparisons(result: Result): Chart[] {
  const cast = castOf(result)
  const scenarios = [...new Set(result.comparisons.map(({ scenario }) => scenario))]
  return cast.scenarios
    .filter((scenario) => scenarios.includes(scenario))
    .map((scenario) => {
      const own = result.comparisons.filter((one) => one.scenario === scenario)
      const panels = panelsOf(own, cast)
      return {
        name: `comparison-${scenario}`,
        heading: 'Beside the others',
        title: cast.scenarioTitle(scenario),
        description:
          'How many times the other’s figure Turno’s is, both measured in turns in the same run. 1× is “the same”; the whisker is the 95 % confidence interval. A full bar is better, an outlined one worse, a grey one undecided: its whisker reaches 1×. A dashed one is in doubt and proves nothing.',
        figures: panels
          .flatMap(({ title, rows }) =>
            rows.map((row) => `${title}, beside ${row.label}: ${times(row.ratio)}`)
          )
          .join('. '),
        draw: (width: number) => draw(panels, width),
        table: {
          columns: ['', 'beside', 'ratio', '95 % interval', 'pairs of blocks', 'in doubt'],
          rows: panels.flatMap(({ title, rows }) =>
            rows.map((row) => [
              title,
              row.label,
              times(row.ratio),
              `${times(row.low)} to ${times(row.high)}`,
              String(row.pairs),
              row.doubts.join('; ') || 'no'
            ])
          )
        }
      }
    })
}

function panelsOf(own: readonly Comparison[], cast: Cast): Panel[] {
  const place = (metric: string) => (metricOrder.includes(metric) ? metricOrder.indexOf(metric) : 99)
  const metrics = [...new Set(own.map(({ metric }) => metric))].sort(
    (one, other) => place(one) - place(other)
  )
  return metrics.map((metric) => {
    const more = moreIsBetter(metric)
    return {
      title: metricTitles[metric] ?? metric,
      hint: more ? 'more is better' : 'less is better',
      rows: own
        .filter((one) => one.metric === metric && one.ratio > 0)
        .map((one) => ({
          ...one,
          label: labelOf(one, cast),
          better: more ? one.ratio > 1 : one.ratio < 1,
          undecided: one.doubts.length > 0 || (one.low <= 1 && one.high >= 1)
        }))
    }
  })
}

function labelOf({ subject, baseline }: Comparison, cast: Cast): string {
  const beside = cast.player(baseline).title
  return subject === 'turno' ? beside : `${cast.player(subject).title} ÷ ${beside}`
}

function draw(panels: readonly Panel[], width: number): Picture {
  const wide = width >= roomForLabels
  const rows = panels.flatMap((panel) => panel.rows)
  const values = rows.flatMap(({ low, high, ratio }) => [
    Math.max(low, ratio / 20),
    Math.min(high, ratio * 20)
  ])
  const labelRoom = wide
    ? Math.min(260, Math.max(0, ...rows.map(({ label }) => widthOf(label, textSize))))
    : 0
  const left = labelRoom + (wide ? 18 : 20)
  const right = width - (wide ? intervalRoom + (rows.some(({ doubts }) => doubts.length > 0) ? 116 : 62) : 20)
  const x = scaleLog([Math.min(0.8, ...values) / 1.1, Math.max(1.25, ...values) * 1.1], [left, right]).clamp(
    true
  )
  const rowHeight = wide ? 26 : 44
  const one = x(1)
  const [low = 1, high = 1] = x.domain()
  const ticks = ticksOf(low, high).map((value) => ({ at: x(value), label: times(value) }))
  let top = 0
  let body = ''
  for (const { title, hint, rows: own } of panels) {
    const beside = widthOf(title, 13, 700) + 10
    const below = beside + widthOf(hint, textSize) > width
    body += text(0, top + 15, fitted(title, 13, width, 700), { size: 13, weight: 700 })
    body += text(below ? 0 : beside, below ? top + 33 : top + 15, hint, { hue: 'muted' })
    top += below ? 44 : 26
    const bottom = top + own.length * rowHeight
    // Where labels stand above their bar, no line runs through them.
    const stretches = wide
      ? [[top, bottom] as const]
      : own.map((_, at) => [top + at * rowHeight + 21, top + at * rowHeight + 40] as const)
    const lines = stretches.flatMap(([from, to]) =>
      ticks.map(({ at }) => `M${tenth(at)},${tenth(from)}V${tenth(to)}`)
    )
    body += stroke(lines.join(''), 'rule')
    own.forEach((row, at) => {
      body += rowMarkup(row, top + at * rowHeight, { wide, labelRoom, width, one, x })
    })
    body += stretches.map(([from, to]) => segment(one, from - 1, one, to + 2, 'ink', 1.25)).join('')
    body += bottomAxis(ticks, bottom)
    top = bottom + 42
  }
  return { width, height: top - 10, body }
}

function rowMarkup(
  row: Row,
  top: number,
  place: { wide: boolean; labelRoom: number; width: number; one: number; x: (value: number) => number }
): string {
  const { wide, labelRoom, width, one, x } = place
  const middle = top + (wide ? 13 : 30)
  const ratio = row.doubts.length > 0 ? `${wide ? 'doubtful' : '?'} ${times(row.ratio)}` : times(row.ratio)
  const interval = `${figure(row.low)} – ${figure(row.high)}`
  const hue: Hue = row.undecided ? 'strong' : row.better ? 'turno' : 'other-1'
  const end = x(row.ratio)
  const outlined = !row.better || row.doubts.length > 0
  const bar = element('rect', {
    x: Math.min(one, end),
    y: middle - 6,
    width: Math.max(1, Math.abs(end - one)),
    height: 12,
    class: outlined ? `s-${hue}` : `f-${hue}`,
    'stroke-width': outlined ? 1.5 : undefined,
    'stroke-dasharray': row.doubts.length > 0 ? '3 3' : undefined
  })
  const whisker = [
    segment(x(row.low), middle, x(row.high), middle, 'ink', 1.5),
    segment(x(row.low), middle - 4, x(row.low), middle + 4, 'ink', 1.5),
    segment(x(row.high), middle - 4, x(row.high), middle + 4, 'ink', 1.5)
  ].join('')
  const label = wide
    ? text(labelRoom, middle + 4, fitted(row.label, textSize, labelRoom), { anchor: 'end' })
    : text(
        0,
        top + 15,
        fitted(row.label, textSize, width - intervalRoom - widthOf(ratio, textSize, 700) - 12)
      )
  const line = wide ? middle + 4 : top + 15
  const figures =
    text(width - intervalRoom, line, ratio, { anchor: 'end', weight: 700 }) +
    text(width, line, interval, { anchor: 'end', hue: 'muted' })
  return bar + whisker + label + figures
}

function ticksOf(from: number, to: number): number[] {
  const coarse = [0.001, 0.01, 0.1, 1, 10, 100, 1_000]
  const fine = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
  const inside = (value: number) => value >= from && value <= to
  return to / from > 2_000 ? coarse.filter(inside) : fine.filter(inside)
}
