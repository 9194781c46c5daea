// Where it breaks: the rate raised step by step, and what answers take at each.
import { scaleLinear, scaleLog } from 'd3-scale'
import { area, line } from 'd3-shape'
import type { Curve, Result } from '../../result.ts'
import { castOf, type Player } from '../cast.ts'
import {
  bands,
  bottomAxis,
  type Chart,
  keyBelow,
  leftAxis,
  lineHeight,
  logTicks,
  type Picture,
  roomForLabels,
  segment,
  stripesAround,
  stroke,
  text,
  textSize
} from '../chart.ts'
import { fitted, spread, widthOf } from '../lettering.ts'
import { element } from '../markup.ts'
import { duration, grouped, rate, share } from '../quantities.ts'

type Line = Curve & { player: Player }

/** One for each scenario whose rate was raised; ours with its spread, the others with their 99 %. */
export function curves(result: Result): Chart[] {
  const cast = castOf(result)
  return cast.scenarios.flatMap((scenario) => {
    const lines = cast.players.flatMap((player) =>
      result.curves
        .filter((one) => one.scenario === scenario && one.subject === player.name && one.points.length > 0)
        .map((one) => ({ ...one, points: one.points.toSorted((a, b) => a.offered - b.offered), player }))
    )
    if (lines.length === 0) return []
    return [
      {
        name: `curve-${scenario}`,
        heading: 'How much it bears',
        title: cast.scenarioTitle(scenario),
        description: `The time within which 99 % are answered, while more and more requests a second are sent. A dot is the knee: the last rate that was kept. The shade about Turno’s line goes from 50 % to 99.9 %.`,
        figures: lines.map(kneeOf).join('. '),
        draw: (width: number) => draw(lines, width),
        table: {
          columns: ['', 'sent', 'answered', '50 % within', '99 % within', '99.9 % within', 'good'],
          rows: lines.flatMap(({ player, points }) =>
            points.map((point) => [
              player.title,
              rate(point.offered),
              rate(point.achieved),
              duration(point.p50),
              duration(point.p99),
              duration(point.p999),
              share(Math.min(1, point.good))
            ])
          )
        }
      }
    ]
  })
}

const kneeText = ({ knee }: Curve) => (knee === null ? 'no rate was kept' : `knee ${rate(knee)}`)
const kneeOf = (one: Line) => `${one.player.title}: ${kneeText(one)}`

function draw(lines: readonly Line[], width: number): Picture {
  const beside = width >= roomForLabels
  const labels = lines.map(({ player, knee }) => `${player.title} · ${knee === null ? 'none' : rate(knee)}`)
  const weights = lines.map(({ player }) => (player.ours ? 700 : 400))
  const labelRoom = beside
    ? Math.min(280, Math.max(...labels.map((label, at) => widthOf(label, textSize, weights[at]))))
    : 0
  const plot = { left: 58, right: width - (beside ? labelRoom + 34 : 24), top: 12, bottom: 0 }
  plot.bottom = plot.top + Math.max(beside ? 320 : 240, lines.length * (lineHeight + 2))
  const points = lines.flatMap((one) => one.points)
  const rates = points.map(({ offered }) => offered).filter((offered) => offered > 0)
  const fewest = Math.min(...rates)
  const most = Math.max(...rates)
  const x =
    most / fewest > 6
      ? scaleLog([fewest, most], [plot.left + 8, plot.right - 6])
      : scaleLinear([0, most], [plot.left, plot.right - 6])
  const times = [...points.map(({ p99 }) => p99), ...points.map(({ p50 }) => p50)].filter(
    (value) => value > 0
  )
  const y = scaleLog([Math.min(...times) / 1.4, Math.max(...times) * 1.3], [plot.bottom, plot.top]).clamp(
    true
  )
  const [low = 1, high = 1] = y.domain()
  const path = line<Curve['points'][number]>(
    ({ offered }) => x(offered),
    ({ p99 }) => y(p99)
  ).digits(1)
  const shade = area<Curve['points'][number]>(
    ({ offered }) => x(offered),
    ({ p50 }) => y(p50),
    ({ p999 }) => y(p999)
  ).digits(1)
  const drawn = lines.toReversed().map((one) => {
    const at = one.points.find(({ offered }) => offered === one.knee)
    const { player } = one
    return [
      player.ours
        ? element('path', { d: shade(one.points) ?? '', class: `f-${player.hue}`, 'fill-opacity': '0.14' })
        : '',
      stroke(path(one.points) ?? '', player.hue, player.ours ? 3 : 1.75, player.dash),
      at === undefined
        ? ''
        : element('circle', {
            cx: x(at.offered),
            cy: y(at.p99),
            r: player.ours ? 6 : 4.5,
            class: `f-${player.hue} s-paper`,
            'stroke-width': 2
          })
    ].join('')
  })
  const ends = lines.map((one) => y(one.points.at(-1)?.p99 ?? low))
  const endsAt = lines.map((one) => x(one.points.at(-1)?.offered ?? fewest))
  const places = spread(ends, lineHeight, plot.top + 6, plot.bottom - 4)
  const named = beside
    ? lines.map(({ player }, at) => {
        const place = places[at] ?? 0
        const end = ends[at] ?? 0
        return (
          segment((endsAt[at] ?? 0) + 4, end, plot.right + 2, end, player.hue, 0.75, '1 3') +
          segment(plot.right + 3, end, plot.right + 22, place, player.hue, 1) +
          text(plot.right + 27, place + 4, fitted(labels[at] ?? '', textSize, labelRoom, weights[at]), {
            hue: player.hue,
            weight: weights[at] ?? 400
          })
        )
      })
    : []
  const key = beside
    ? { body: '', height: 0 }
    : keyBelow(
        lines.map((one, at) => ({
          hue: one.player.hue,
          ...(one.player.dash === undefined ? {} : { dash: one.player.dash }),
          title: one.player.title,
          value: kneeText(one),
          weight: weights[at] ?? 400
        })),
        plot.bottom + 50,
        width
      )
  const steps = [...new Set(rates)].sort((one, other) => one - other)
  const stripes = stripesAround(
    steps.map((offered) => ({ at: x(offered), says: hintOf(lines, offered) })),
    plot.left,
    plot.right
  )
  const across = most / fewest > 6 ? logTicksOf(fewest, most) : x.ticks(6)
  return {
    width,
    height: plot.bottom + (beside ? 44 : 54 + key.height),
    body: [
      leftAxis(
        logTicks(low, high).map((value) => ({ at: y(value), label: duration(value) })),
        plot.left,
        plot.right
      ),
      segment(plot.left, plot.bottom, plot.right, plot.bottom, 'strong'),
      bottomAxis(
        across.map((value) => ({ at: x(value), label: grouped(value) })),
        plot.bottom
      ),
      text(plot.right, plot.bottom + 38, 'requests sent a second', { hue: 'muted', anchor: 'end' }),
      ...drawn,
      ...named,
      bands(stripes, plot.top, plot.bottom),
      key.body
    ].join('')
  }
}

function logTicksOf(from: number, to: number): number[] {
  const fine = [1, 2, 5].flatMap((step) => [10, 100, 1_000, 10_000, 100_000].map((power) => step * power))
  return fine.filter((value) => value >= from && value <= to).sort((one, other) => one - other)
}

function hintOf(lines: readonly Line[], offered: number): string {
  const rows = lines.flatMap(({ player, points }) =>
    points
      .filter((point) => point.offered === offered)
      .map(({ p99 }) => ({ p99, says: `${duration(p99)}  ${player.title}` }))
  )
  return [
    `${rate(offered)} sent, 99 % within`,
    ...rows.sort((one, other) => one.p99 - other.p99).map(({ says }) => says)
  ].join('\n')
}
