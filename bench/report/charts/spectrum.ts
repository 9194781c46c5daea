// How long answers take, from the quickest to the slowest in ten thousand.
import { scaleLinear, scaleLog } from 'd3-scale'
import { line } from 'd3-shape'
import type { Block, Distribution, Result } from '../../result.ts'
import { type Cast, castOf, type Player } from '../cast.ts'
import {
  bands,
  bottomAxis,
  type Chart,
  keyBelow,
  leftAxis,
  lineHeight,
  logTicks,
  roomForLabels,
  segment,
  stripesAround,
  stroke,
  text,
  textSize
} from '../chart.ts'
import { merged, resolvable, valueAt } from '../distributions.ts'
import { fitted, spread, widthOf } from '../lettering.ts'
import { duration, grouped, rate } from '../quantities.ts'

const shown = [0, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99]
const marked = [0, 50, 90, 99, 99.9, 99.99]
const tabled = [50, 90, 99, 99.9, 99.99]

type Line = {
  player: Player
  distribution: Distribution
  /** Blocks with a doubt are drawn only where there are no others. */
  doubtful: boolean
  leftOut: number
}

/** One for each scenario that was driven in an open loop, at the rate that most subjects met. */
export function spectra(result: Result): Chart[] {
  const cast = castOf(result)
  return cast.scenarios.flatMap((scenario) => {
    const open = result.blocks.filter(
      (block) => block.scenario === scenario && block.driver === 'open' && block.latency.count > 0
    )
    const blocks = atOneRate(open)
    const [first] = blocks
    return first === undefined
      ? []
      : [chartOf(scenario, cast.scenarioTitle(scenario), first.offered, linesOf(blocks, cast))]
  })
}

function atOneRate(blocks: readonly Block[]): readonly Block[] {
  const groups = Map.groupBy(blocks, ({ offered }) => offered)
  const worth = (group: readonly Block[]) =>
    new Set(group.map(({ subject }) => subject)).size * 1e12 +
    group.reduce((sum, { latency }) => sum + latency.count, 0)
  return [...groups.values()].sort((one, other) => worth(other) - worth(one))[0] ?? []
}

function linesOf(blocks: readonly Block[], cast: Cast): Line[] {
  return cast.players.flatMap((player) => {
    const own = blocks.filter(({ subject }) => subject === player.name)
    if (own.length === 0) return []
    const clean = own.filter(({ doubts }) => doubts.length === 0)
    const used = clean.length > 0 ? clean : own
    return [
      {
        player,
        distribution: merged(used.map(({ latency }) => latency)),
        doubtful: clean.length === 0,
        leftOut: own.length - used.length
      }
    ]
  })
}

const titleOf = ({ player, doubtful }: Line) => (doubtful ? `${player.title} (doubtful)` : player.title)

function chartOf(scenario: string, called: string, offered: number | null, lines: readonly Line[]): Chart {
  const at = offered === null ? '' : `, ${rate(offered)}`
  const leftOut = lines.reduce((sum, line) => sum + line.leftOut, 0)
  const omission = leftOut > 0 ? ` ${leftOut} blocks with doubts are left out.` : ''
  const figures = lines.map((one) => `${titleOf(one)}: 99 % within ${told(one, 99)}`).join('. ')
  return {
    name: `spectrum-${scenario}`,
    heading: 'How long answers take',
    title: `${called}${at}`,
    description: `Lower is better. Each line goes from the quickest answer at the left to the slowest of ten thousand at the right; time counts from the moment at which a request was to be sent, and whatever failed or timed out is in it. A line is dotted where fewer than ten answers lie beyond.${omission}`,
    figures,
    draw: (width) => draw(lines, width),
    table: {
      columns: ['', ...tabled.map((percentile) => `${percentile} % within`), 'slowest', 'answers'],
      rows: lines.map((one) => [
        titleOf(one),
        ...tabled.map((percentile) => told(one, percentile)),
        duration(one.distribution.max),
        grouped(one.distribution.count)
      ])
    }
  }
}

function told({ distribution }: Line, percentile: number): string {
  const value = valueAt(distribution, percentile)
  return value === null || percentile > resolvable(distribution) ? 'too few answers' : duration(value)
}

function draw(lines: readonly Line[], width: number) {
  const beside = width >= roomForLabels
  const titles = lines.map(titleOf)
  const widest = Math.max(...titles.map((title, at) => widthOf(title, textSize, weightOf(lines[at]))))
  const labelRoom = beside ? Math.min(290, widest) : 0
  const plot = { left: 58, right: width - (beside ? labelRoom + 34 : 24), top: 12, bottom: 0 }
  plot.bottom = plot.top + Math.max(beside ? 340 : 240, lines.length * (lineHeight + 2))
  const values = lines.flatMap(({ distribution }) =>
    shown.map((percentile) => valueAt(distribution, percentile) ?? Number.NaN).filter((value) => value > 0)
  )
  const least = Math.max(1, Math.min(...values))
  const y = scaleLog([least / 1.4, Math.max(...values, least * 10) * 1.2], [plot.bottom, plot.top])
  const x = scaleLinear([0, 4], [plot.left, plot.right])
  const across = (percentile: number) => x(-Math.log10(1 - Math.min(percentile, 99.99) / 100))
  const path = line<readonly [number, number]>(
    ([percentile]) => across(percentile),
    ([, value]) => y(Math.max(value, least / 1.4))
  ).digits(1)

  const [low = 1, high = 1] = y.domain()
  const ends = lines.map(({ distribution }) => y(Math.max(valueAt(distribution, 99.99) ?? low, low)))
  const drawn = lines.toReversed().map(({ player, distribution, doubtful }) => {
    const points = pointsOf(distribution)
    const sure = resolvable(distribution)
    const edge = valueAt(distribution, Math.min(sure, 99.99)) ?? 0
    const solid = [
      ...points.filter(([percentile]) => percentile < sure),
      [Math.min(sure, 99.99), edge] as const
    ]
    const unsure: (readonly [number, number])[] = [
      [sure, edge],
      ...points.filter(([percentile]) => percentile > sure)
    ]
    const thickness = player.ours ? 3 : 1.75
    return (
      stroke(path(solid) ?? '', player.hue, thickness, doubtful ? '2 6' : player.dash) +
      (sure < 99.99 ? stroke(path(unsure) ?? '', player.hue, 1.5, '1 4') : '')
    )
  })
  const places = spread(ends, lineHeight, plot.top + 6, plot.bottom - 4)
  const labels = beside
    ? lines.map((one, at) => {
        const place = places[at] ?? 0
        const weight = weightOf(one)
        return (
          segment(plot.right + 3, ends[at] ?? 0, plot.right + 22, place, one.player.hue, 1) +
          text(plot.right + 27, place + 4, fitted(titleOf(one), textSize, labelRoom, weight), {
            hue: one.player.hue,
            weight
          })
        )
      })
    : []
  const stripes = stripesAround(
    shown.map((percentile) => ({ at: across(percentile), says: hintOf(lines, percentile) })),
    plot.left,
    plot.right
  )
  const key = beside
    ? { body: '', height: 0 }
    : keyBelow(
        lines.map((one) => ({
          hue: one.player.hue,
          ...dashOf(one),
          title: titleOf(one),
          value: `99 %: ${told(one, 99)}`,
          weight: weightOf(one)
        })),
        plot.bottom + 50,
        width
      )
  return {
    width,
    height: plot.bottom + (beside ? 44 : 54 + key.height),
    body: [
      leftAxis(
        logTicks(low, high).map((value) => ({ at: y(value), label: duration(value) })),
        plot.left,
        plot.right
      ),
      ...marked.map((percentile) =>
        segment(across(percentile), plot.top, across(percentile), plot.bottom, 'rule')
      ),
      segment(plot.left, plot.bottom, plot.right, plot.bottom, 'strong'),
      bottomAxis(
        marked.map((percentile) => ({ at: across(percentile), label: `${percentile}\u00a0%` })),
        plot.bottom
      ),
      text(plot.right, plot.bottom + 38, 'share of answers that are at least this quick', {
        hue: 'muted',
        anchor: 'end'
      }),
      ...drawn,
      ...labels,
      bands(stripes, plot.top, plot.bottom),
      key.body
    ].join('')
  }
}

const dashOf = ({ player, doubtful }: Line) =>
  doubtful ? { dash: '2 6' } : player.dash === undefined ? {} : { dash: player.dash }

const weightOf = (one: Line | undefined) => (one?.player.ours ? 700 : 400)

/** As many points as a line of a thousand pixels shows. */
function pointsOf(distribution: Distribution): (readonly [number, number])[] {
  const steps = 64
  return Array.from({ length: steps + 1 }, (_, step) => {
    const percentile = 100 * (1 - 10 ** ((-4 * step) / steps))
    return [percentile, valueAt(distribution, percentile) ?? 0] as const
  })
}

function hintOf(lines: readonly Line[], percentile: number): string {
  const rows = lines
    .map((one) => ({ title: titleOf(one), value: valueAt(one.distribution, percentile) ?? 0 }))
    .sort((one, other) => one.value - other.value)
    .map(({ title, value }) => `${duration(value)}  ${title}`)
  return [percentile === 0 ? 'the quickest' : `${percentile} % within`, ...rows].join('\n')
}
