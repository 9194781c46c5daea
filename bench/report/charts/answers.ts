// Who answered, second by second: the layers of one block, and the same while a part was made to fail.
import { scaleLinear } from 'd3-scale'
import type { Block, FaultCard, Layer, Result, Second } from '../../result.ts'
import { type Cast, castOf, layers } from '../cast.ts'
import {
  bands,
  bottomAxis,
  type Chart,
  keyAbove,
  leftAxis,
  type Picture,
  pointable,
  segment,
  stripesAround,
  tenth,
  text,
  textSize,
  thinned
} from '../chart.ts'
import { fitted, widthOf, wrapped } from '../lettering.ts'
import { element, type Table } from '../markup.ts'
import { duration, grouped, share } from '../quantities.ts'

const inTable = 20

type Shares = Record<Layer, number>
/** One second, or some after each other where there are more than can be seen: then a mean of their answers. */
type Moment = { at: number; lasts: number; p99: number; shares: Shares }
type Mark = { from: number; until: number; says: string }
type Row = { title: string; facts: string; timeline: readonly Second[]; mark: Mark | null }

/** Ours, under each scenario. */
export function answersByLayer(result: Result): Chart[] {
  const cast = castOf(result)
  return cast.scenarios.flatMap((scenario) => {
    const block = longest(result.blocks.filter((one) => one.scenario === scenario && one.subject === 'turno'))
    if (block === null) return []
    const moments = momentsOf(block.timeline)
    const total = totalOf(moments)
    const all = Math.max(1, sum(total))
    const told = layers.filter(({ layer }) => total[layer] > 0)
    const doubtful = block.doubts.length > 0 ? ` In doubt: ${block.doubts.join('; ')}.` : ''
    return [
      {
        name: `layers-${scenario}`,
        heading: 'Who answers',
        title: cast.scenarioTitle(scenario),
        description: `Requests a second that Turno answered, by the layer that had the answer. The nearer the layer, the stronger its blue; only the primary and the replicas cost a query.${doubtful}`,
        figures: told.map(({ layer, title }) => `${title} ${share(total[layer] / all)}`).join(', '),
        draw: (width: number) =>
          draw(
            [{ title: '', facts: '', timeline: block.timeline, mark: null }],
            told.map(({ layer, title }) => ({ layer, title: `${title} ${share(total[layer] / all)}` })),
            width,
            260
          ),
        table: tableOf(momentsOf(block.timeline, inTable), told)
      }
    ]
  })
}

/** Every subject under one fault, beneath each other on the same axes; ours first. */
export function answersUnderFault(result: Result): Chart[] {
  const cast = castOf(result)
  const groups = Map.groupBy(result.faults, ({ scenario, fault }) => `${scenario}-${fault}`)
  return [...groups.entries()].map(([key, unordered]) => {
    const cards = cast.players.flatMap(({ name }) => unordered.filter(({ subject }) => subject === name))
    const rows = cards.map((card) => rowOf(card, cast))
    const total = totalOf(rows.flatMap(({ timeline }) => momentsOf(timeline)))
    const told = layers.filter(({ layer }) => total[layer] > 0)
    const [{ fault } = { fault: '' }] = cards
    return {
      name: `fault-${key.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}`,
      heading: 'When a part fails',
      title: fault,
      description: `The same requests are sent to each, at the same times; the fault lasts between the dashed lines.`,
      figures: rows.map(({ title, facts }) => `${title}: ${facts}`).join('. '),
      draw: (width: number) => draw(rows, told, width, 130),
      table: {
        columns: ['', 'good during the fault', 'worst answer', 'after the fault'],
        rows: cards.map((card) => [
          cast.player(card.subject).title,
          share(card.goodShare),
          duration(card.worstMs * 1_000),
          recovery(card)
        ])
      }
    }
  })
}

function rowOf(card: FaultCard, cast: Cast): Row {
  return {
    title: cast.player(card.subject).title,
    facts: `${share(card.goodShare)} good meanwhile, worst ${duration(card.worstMs * 1_000)}, ${recovery(card)}`,
    timeline: card.timeline,
    mark: { from: card.from, until: card.until, says: card.fault }
  }
}

const recovery = ({ recoveredAfterMs }: FaultCard) =>
  recoveredAfterMs === null
    ? 'never recovered'
    : recoveredAfterMs === 0
      ? 'recovered at once'
      : `recovered after ${duration(recoveredAfterMs * 1_000)}`

const longest = (blocks: readonly Block[]): Block | null =>
  blocks
    .filter(({ timeline }) => timeline.length > 1)
    .toSorted(
      (one, other) =>
        Number(one.doubts.length > 0) - Number(other.doubts.length > 0) ||
        other.timeline.length - one.timeline.length
    )[0] ?? null

function momentsOf(timeline: readonly Second[], most = Number.POSITIVE_INFINITY): Moment[] {
  const together = Math.max(1, Math.ceil(timeline.length / most))
  const groups = Map.groupBy(timeline, (_, place) => Math.floor(place / together))
  return [...groups.values()].map((seconds) => {
    const shares = none()
    for (const second of seconds) {
      const own = sharesOf(second)
      for (const { layer } of layers) shares[layer] += own[layer] / seconds.length
    }
    return {
      at: seconds[0]?.at ?? 0,
      lasts: seconds.length,
      p99: Math.max(...seconds.map(({ p99 }) => p99)),
      shares
    }
  })
}

const none = (): Shares => ({
  l1: 0,
  redis: 0,
  replica: 0,
  primary: 0,
  stale: 0,
  shed: 0,
  failed: 0,
  other: 0
})

/** A subject that does not tell its layers still tells what was good; what was not failed. */
function sharesOf({ layers: told, requests, good }: Second): Shares {
  const shares: Shares = { ...none(), ...told }
  const untold = Math.max(0, requests - sum(shares))
  const unseen = Math.min(untold, Math.max(0, requests - good - shares.failed - shares.shed))
  return { ...shares, failed: shares.failed + unseen, other: shares.other + untold - unseen }
}

const sum = (shares: Shares) => Object.values(shares).reduce((all, one) => all + one, 0)

function totalOf(moments: readonly Moment[]): Shares {
  const total = none()
  for (const { shares } of moments) for (const { layer } of layers) total[layer] += shares[layer]
  return total
}

function draw(
  rows: readonly Row[],
  told: readonly { layer: Layer; title: string }[],
  width: number,
  plotHeight: number
): Picture {
  const left = 58
  const right = width - 10
  const drawn = rows.map(({ timeline }) => momentsOf(timeline, width > 500 ? 80 : 40))
  const moments = drawn.flat()
  const end = Math.max(1, ...moments.map(({ at, lasts }) => at + lasts))
  const first = Math.min(end - 1, ...moments.map(({ at }) => at))
  const most = Math.max(1, ...moments.map(({ shares }) => sum(shares)))
  const x = scaleLinear([first, end], [left, right])
  const key = keyAbove(
    told.map(({ layer, title }) => ({ hue: layer, title: fitted(title, textSize, width - 20) })),
    0,
    width
  )
  let top = key.height + 10
  let body = key.body
  for (const [place, row] of rows.entries()) {
    const own = drawn[place] ?? []
    if (row.title !== '') {
      const facts = wrapped(row.facts, textSize, width)
      const beside = widthOf(row.title, 14, 700) + 16 + widthOf(row.facts, textSize) <= width
      body += text(0, top + 14, fitted(row.title, 14, width, 700), { weight: 700, size: 14 })
      if (beside) body += text(width, top + 14, row.facts, { hue: 'muted', anchor: 'end' })
      else
        facts.forEach((line, at) => {
          body += text(0, top + 32 + at * 16, line, { hue: 'muted' })
        })
      top += beside ? 26 : 28 + facts.length * 16
    }
    const bottom = top + plotHeight
    const y = scaleLinear([0, most * 1.05], [bottom, top])
    if (row.mark !== null) {
      const from = Math.max(left, x(row.mark.from))
      body += element('rect', {
        x: from,
        y: top,
        width: Math.max(0, Math.min(right, x(row.mark.until)) - from),
        height: plotHeight,
        class: 'f-fault'
      })
    }
    body += leftAxis(
      y.ticks(plotHeight > 200 ? 5 : 3).map((value) => ({ at: y(value), label: grouped(value) })),
      left,
      right
    )
    // From the whole down: each lower layer is painted over the one above it, so that each is one simple outline.
    for (const [above, { layer }] of [...told.entries()].toReversed()) {
      const below = told.slice(0, above + 1)
      const height = ({ shares }: Moment) => y(below.reduce((sum, one) => sum + shares[one.layer], 0))
      body += element('path', {
        d: steps(own, x, height, bottom),
        class: `f-${layer} s-paper`,
        'stroke-width': 0.5
      })
    }
    if (row.mark !== null) {
      for (const at of [row.mark.from, row.mark.until].filter((at) => at >= first && at <= end)) {
        body += segment(x(at), top - 2, x(at), bottom, 'failed', 1.5, '4 3')
      }
    }
    body += segment(left, bottom, right, bottom, 'strong')
    body += bands(
      stripesAround(
        thinned(own, pointable(width)).map((moment) => ({
          at: x(moment.at + moment.lasts / 2),
          says: hintOf(moment, told)
        })),
        left,
        right
      ),
      top,
      bottom
    )
    body += bottomAxis(
      x
        .ticks(width > 500 ? 8 : 4)
        .filter(Number.isInteger)
        .map((value) => ({ at: x(value), label: `${value}\u00a0s` })),
      bottom,
      width
    )
    top = bottom + 40
  }
  body += text(0, top + 2, 'answers a second, by the second they were due in', { hue: 'muted' })
  return { width, height: top + 10, body }
}

function steps(
  moments: readonly Moment[],
  x: (second: number) => number,
  height: (moment: Moment) => number,
  bottom: number
): string {
  const [first] = moments
  if (first === undefined) return ''
  const outline = moments.map((moment) => `V${tenth(height(moment))}H${tenth(x(moment.at + moment.lasts))}`)
  return `M${tenth(x(first.at))},${tenth(bottom)}${outline.join('')}V${tenth(bottom)}Z`
}

const spanOf = (at: number, lasts: number) => (lasts === 1 ? String(at) : `${at} to ${at + lasts - 1}`)

function hintOf(
  { at, lasts, p99, shares }: Moment,
  told: readonly { layer: Layer; title: string }[]
): string {
  const rows = told
    .filter(({ layer }) => shares[layer] > 0)
    .map(({ layer, title }) => `${grouped(shares[layer])}  ${title.replace(/ [<>\d].*%$/, '')}`)
  return [
    `second ${spanOf(at, lasts)}: ${grouped(sum(shares))} answers`,
    ...rows,
    `99 % within ${duration(p99)}`
  ].join('\n')
}

function tableOf(moments: readonly Moment[], told: readonly { layer: Layer; title: string }[]): Table {
  return {
    columns: ['second', ...told.map(({ title }) => title), '99 % within'],
    rows: moments.map(({ at, lasts, p99, shares }) => [
      spanOf(at, lasts),
      ...told.map(({ layer }) => grouped(shares[layer])),
      duration(p99)
    ])
  }
}
