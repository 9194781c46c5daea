// Colours, once for light and once for dark, and the style sheet that both the page and a lone SVG carry. Literal
// colours in classes, no variables: what turns an SVG into a PNG often does not know variables. Blue for ours and for
// what answers well, orange and red for what is dear or fails: apart for every kind of colour blindness. No meaning
// hangs on colour alone: lines differ in dashes and carry their name, outcomes differ in shape and carry a word.

type Shade = readonly [light: string, dark: string]

const shades = {
  paper: ['#ffffff', '#12161b'],
  ink: ['#15191e', '#e8ebee'],
  muted: ['#59636e', '#9ba6b2'],
  rule: ['#e4e7ea', '#2a313a'],
  strong: ['#9aa3ad', '#5c6773'],
  fault: ['#fbe9e2', '#33201b'],

  turno: ['#0a5fb4', '#6db3ff'],
  'other-1': ['#b8480a', '#ff9a5c'],
  'other-2': ['#a3367f', '#f08bc8'],
  'other-3': ['#0f766e', '#4fd1bf'],
  'other-4': ['#6b46c1', '#b79bff'],
  'other-5': ['#856000', '#e3b341'],
  'other-6': ['#475569', '#a8b3c2'],
  'other-7': ['#7c4a2d', '#d6a284'],
  'other-8': ['#3f6b12', '#a3c94f'],

  l1: ['#084b8f', '#4f9be6'],
  redis: ['#3a86cc', '#2d6aa3'],
  replica: ['#94c3e8', '#1f456b'],
  primary: ['#eeb02a', '#d9a520'],
  stale: ['#b3a0d9', '#8d79b8'],
  shed: ['#a3abb4', '#6b7480'],
  failed: ['#c2330f', '#e85f37'],
  other: ['#6d8aa5', '#6f8aa3'],

  pass: ['#0f6b4f', '#56cfa3'],
  broken: ['#b3260a', '#ff7a59'],
  invalid: ['#7a5800', '#e3b950'],
  'not-run': ['#59636e', '#9ba6b2']
} satisfies Record<string, Shade>

export type Hue = keyof typeof shades
export const others = [
  'other-1',
  'other-2',
  'other-3',
  'other-4',
  'other-5',
  'other-6',
  'other-7',
  'other-8'
] as const satisfies readonly Hue[]

/** Metrically alike on every system, so that what is measured here is what is shown there. */
export const fonts = "Helvetica, Arial, 'Liberation Sans', sans-serif"

const rules = (dark: boolean) =>
  Object.entries(shades)
    .map(
      ([name, shade]) => `.s-${name}{stroke:${shade[dark ? 1 : 0]}}.f-${name}{fill:${shade[dark ? 1 : 0]}}`
    )
    .join('')

/** Classes `f-<hue>` to fill and `s-<hue>` to draw lines with. */
export const chartStyle = `[class^=s-]{fill:none}${rules(false)}.band{fill:transparent}.band:hover{fill:#7f8a9633}@media (prefers-color-scheme:dark){${rules(true)}}`

/** For what is not a chart: the same colours as CSS variables. */
export const variables = (dark: boolean) =>
  Object.entries(shades)
    .map(([name, shade]) => `--${name}:${shade[dark ? 1 : 0]}`)
    .join(';')

/** Of a shade's text on the paper it stands on, as WCAG counts it. */
export function contrast(hue: Hue, dark: boolean): number {
  const luminance = (colour: string) =>
    [1, 3, 5]
      .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4))
      .reduce((sum, channel, at) => sum + channel * ([0.2126, 0.7152, 0.0722][at] ?? 0), 0)
  const side = dark ? 1 : 0
  const [bright = 0, dim = 0] = [luminance(shades[hue][side]), luminance(shades.paper[side])].sort(
    (one, other) => other - one
  )
  return (bright + 0.05) / (dim + 0.05)
}
