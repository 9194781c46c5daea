// Memory, delay of the event loop and garbage collection of ours, on one axis of time: what grows, and what stalls.
import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'
import type { Result, Second } from '../../result.ts'
import { castOf } from '../cast.ts'
import {
  bands,
  bottomAxis,
  type Chart,
  leftAxis,
  type Picture,
  pointable,
  segment,
  stripesAround,
  stroke,
  text,
  thinned
} from '../chart.ts'
import { duration, figure, memory } from '../quantities.ts'

type Strip = {
  title: string
  short: string
  value(second: Second): number | null
  label(value: number): string
}

const mebibyte = 1_048_576
const strips: readonly Strip[] = [
  {
    title: 'memory (resident), MiB',
    short: 'memory',
    value: ({ rss }) => rss / mebibyte,
    label: (value) => memory(value * mebibyte)
  },
  {
    title: 'event loop: longest delay in the second, ms',
    short: 'event loop',
    value: ({ eventLoopDelayMs }) => eventLoopDelayMs,
    label: (value) => duration(value * 1_000)
  },
  {
    title: 'garbage collection: time in the second, ms',
    short: 'garbage collection',
    value: ({ gcMs }) => gcMs,
    label: (value) => duration(value * 1_000)
  }
]

/** Of the longest block of ours. */
export function memoryAndLoop(result: Result): Chart[] {
  const own = result.blocks.filter(({ subject, timeline }) => subject === 'turno' && timeline.length > 1)
  const [block] = own.toSorted((one, other) => other.timeline.length - one.timeline.length)
  if (block === undefined) return []
  const { scenario, timeline, rssPeak } = block
  const minutes =
    timeline.length >= 120 ? `${figure(timeline.length / 60)} minutes` : `${timeline.length} seconds`
  return [
    {
      name: `memory-${scenario}`,
      heading: 'Memory and event loop',
      title: castOf(result).scenarioTitle(scenario),
      description: `Turno over ${minutes}, the longest stretch of this run. A line that only rises would be a leak; a spike in the middle strip is a time in which nobody was answered.`,
      figures: `Memory peaked at ${memory(rssPeak)}.`,
      draw: (width) => draw(timeline, width),
      table: {
        columns: ['second', ...strips.map(({ short }) => short)],
        rows: thinned(timeline, 20).map((second) => [
          String(second.at),
          ...strips.map((strip) => told(strip, second))
        ])
      }
    }
  ]
}

function told({ value, label }: Strip, second: Second): string {
  const known = value(second)
  return known === null ? 'not told' : label(known)
}

function draw(timeline: readonly Second[], width: number): Picture {
  const left = 58
  const right = width - 10
  const first = timeline[0]?.at ?? 0
  const last = timeline.at(-1)?.at ?? 1
  const x = scaleLinear([first, Math.max(last, first + 1)], [left, right])
  const plotHeight = 92
  let top = 0
  let body = ''
  for (const strip of strips) {
    body += text(0, top + 13, strip.title, { weight: 700 })
    const bottom = top + 26 + plotHeight
    const known = timeline.map(strip.value).filter((value) => value !== null)
    if (known.length === 0) {
      body += text(left, top + 60, 'not told by this subject', { hue: 'muted' })
    } else {
      const y = scaleLinear([0, Math.max(...known, 0.001) * 1.1], [bottom, top + 26])
      const path = line<Second>(
        ({ at }) => x(at),
        (second) => y(strip.value(second) ?? 0)
      )
        .defined((second) => strip.value(second) !== null)
        .digits(1)
      body += leftAxis(
        y.ticks(3).map((value) => ({ at: y(value), label: figure(value) })),
        left,
        right
      )
      body += stroke(path(timeline) ?? '', 'turno', 1.75)
    }
    body += segment(left, bottom, right, bottom, 'strong')
    top = bottom + 18
  }
  const says = (second: Second) =>
    [`second ${second.at}`, ...strips.map((strip) => `${told(strip, second)}  ${strip.short}`)].join('\n')
  body += bands(
    stripesAround(
      thinned(timeline, pointable(width)).map((second) => ({ at: x(second.at), says: says(second) })),
      left,
      right
    ),
    26,
    top - 18
  )
  body += bottomAxis(
    x
      .ticks(width > 500 ? 8 : 4)
      .filter(Number.isInteger)
      .map((value) => ({ at: x(value), label: `${value}\u00a0s` })),
    top - 18,
    width
  )
  return { width, height: top + 12, body }
}
