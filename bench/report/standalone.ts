// A chart as a file of its own, for a README: its heading, its background and its colours for light and dark within it.
import { type Chart, text } from './chart.ts'
import { wrapped } from './lettering.ts'
import { element, escaped } from './markup.ts'
import { chartStyle, fonts } from './palette.ts'

const margin = 28
const inner = 840

export function standalone({ heading, title: of, description, figures, draw }: Chart): string {
  const title = `${heading}: ${of}`
  const picture = draw(inner)
  const lines = wrapped(description, 13, inner).slice(0, 4)
  const headingHeight = 26 + lines.length * 18 + 22
  const width = inner + 2 * margin
  const height = Math.ceil(picture.height) + headingHeight + 2 * margin
  const head = [
    text(margin, margin + 18, title, { size: 20, weight: 700 }),
    ...lines.map((line, at) => text(margin, margin + 44 + at * 18, line, { size: 13, hue: 'muted' }))
  ].join('')
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escaped(fonts)}" role="img" aria-labelledby="title desc"><title id="title">${escaped(title)}</title><desc id="desc">${escaped(`${description} ${figures}`)}</desc><style>${chartStyle}</style>${element('rect', { width, height, rx: 8, class: 'f-paper' })}${head}${element('g', { transform: `translate(${margin} ${margin + headingHeight})` }, picture.body)}</svg>
`
}
