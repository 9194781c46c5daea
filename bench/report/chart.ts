// What a chart is, and the strokes that all charts are drawn with: text, lines, axes, keys, bands to point at. No
// transforms and no rotated text: every coordinate in a chart is where it says, so labels can be checked.

import { fitted, widthOf } from './lettering.ts'
import { element, escaped, type Table } from './markup.ts'
import type { Hue } from './palette.ts'

export type Picture = { width: number; height: number; body: string }

export type Chart = {
  /** Of its file, and of its place in the page. */
  name: string
  /** What kind of chart it is, and of what. */
  heading: string
  title: string
  /** How it is to be read. */
  description: string
  /** What there is to see, for whoever cannot see it. */
  figures: string
  /** Must look right from 320 px on. */
  draw(width: number): Picture
  /** The same figures as text. */
  table: Table
}

/** Below this width labels do not stand beside their line but in a key under the plot. */
export const roomForLabels = 620
export const textSize = 12
export const lineHeight = 16

type TextStyle = { hue?: Hue; anchor?: 'start' | 'middle' | 'end'; size?: number; weight?: number }

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { hue = 'ink', anchor, size = textSize, weight } = style
  return element(
    'text',
    { x, y, class: `f-${hue}`, 'text-anchor': anchor, 'font-size': size, 'font-weight': weight },
    escaped(content)
  )
}

export function stroke(path: string, hue: Hue, width = 1, dash?: string): string {
  return element('path', {
    d: path,
    class: `s-${hue}`,
    'stroke-width': width,
    'stroke-linejoin': 'round',
    'stroke-dasharray': dash
  })
}

export const segment = (x1: number, y1: number, x2: number, y2: number, hue: Hue, width = 1, dash?: string) =>
  element('path', {
    d: `M${tenth(x1)},${tenth(y1)}${y1 === y2 ? `H${tenth(x2)}` : x1 === x2 ? `V${tenth(y2)}` : `L${tenth(x2)},${tenth(y2)}`}`,
    class: `s-${hue}`,
    'stroke-width': width === 1 ? undefined : width,
    'stroke-dasharray': dash
  })

export const tenth = (value: number) => Math.round(value * 10) / 10

export type Tick = { at: number; label: string }

/** Lines across the plot with their figure at the left. */
export function leftAxis(ticks: readonly Tick[], left: number, right: number): string {
  return ticks
    .map(
      ({ at, label }) =>
        segment(left, at, right, at, 'rule') + text(left - 8, at + 4, label, { hue: 'muted', anchor: 'end' })
    )
    .join('')
}

/** Figures under the plot; one that would touch its neighbour is left out. */
export function bottomAxis(ticks: readonly Tick[], y: number, right = Number.POSITIVE_INFINITY): string {
  let taken = Number.NEGATIVE_INFINITY
  let drawn = ''
  for (const { at, label } of ticks) {
    const half = widthOf(label, textSize) / 2
    if (at - half < taken || at + half > right) continue
    taken = at + half + 10
    drawn += segment(at, y, at, y + 5, 'strong') + text(at, y + 19, label, { hue: 'muted', anchor: 'middle' })
  }
  return drawn
}

export type KeyEntry = { hue: Hue; dash?: string; title: string; value: string; weight?: number }

/** Under a narrow plot: a row a line, its figure at the right. */
export function keyBelow(
  entries: readonly KeyEntry[],
  y: number,
  width: number
): { body: string; height: number } {
  const row = 20
  const body = entries.map(({ hue, dash, title, value, weight = 400 }, at) => {
    const middle = y + at * row + row / 2
    const room = width - 34 - widthOf(value, textSize) - 12
    return (
      segment(0, middle, 24, middle, hue, weight > 400 ? 3 : 2, dash) +
      text(32, middle + 4, fitted(title, textSize, room, weight), { weight }) +
      text(width, middle + 4, value, { hue: 'muted', anchor: 'end' })
    )
  })
  return { body: body.join(''), height: entries.length * row }
}

/** Above a stacked area: swatches with their name, as many to a row as there is room for. */
export function keyAbove(
  entries: readonly { hue: Hue; title: string }[],
  y: number,
  width: number
): { body: string; height: number } {
  const row = 20
  let x = 0
  let top = y
  let body = ''
  for (const { hue, title } of entries) {
    const needs = 16 + widthOf(title, textSize)
    if (x > 0 && x + needs > width) {
      x = 0
      top += row
    }
    body += element('rect', { x, y: top + 4, width: 10, height: 10, rx: 2, class: `f-${hue}` })
    body += text(x + 16, top + 13, title)
    x += needs + 18
  }
  return { body, height: top + row - y }
}

/** Stripes to point at: each says its figures, without a script as the browser's own hint. */
export function bands(
  stripes: readonly { from: number; to: number; says: string }[],
  top: number,
  bottom: number
): string {
  return stripes
    .map(({ from, to, says }) =>
      element(
        'rect',
        { x: from, y: top, width: Math.max(0, to - from), height: bottom - top, class: 'band' },
        `<title>${escaped(says)}</title>`
      )
    )
    .join('')
}

/** Stripes that meet half-way between neighbours. */
export function stripesAround(
  points: readonly { at: number; says: string }[],
  left: number,
  right: number
): { from: number; to: number; says: string }[] {
  return points.map(({ at, says }, place) => {
    const before = points[place - 1]
    const after = points[place + 1]
    return { from: before ? (before.at + at) / 2 : left, to: after ? (at + after.at) / 2 : right, says }
  })
}

/** How many stripes a finger or a mouse can tell apart on a picture of this width. */
export const pointable = (width: number) => (width >= roomForLabels ? 40 : 14)

/** As many of them as asked for, evenly, the last one always. */
export function thinned<T>(items: readonly T[], most: number): T[] {
  const step = Math.ceil(items.length / most)
  return items.filter((_, at) => (items.length - 1 - at) % step === 0)
}

/** Powers of ten in a range; where there are fewer than three, twos and fives as well. */
export function logTicks(from: number, to: number): number[] {
  const powers: number[] = []
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++)
    powers.push(10 ** power)
  const inside = (value: number) => value >= from * 0.999 && value <= to * 1.001
  const coarse = powers.filter(inside)
  return coarse.length >= 3 ? coarse : powers.flatMap((power) => [power, 2 * power, 5 * power]).filter(inside)
}
