// How much room letters take, and where labels go so that none lies upon another. Widths are those of Helvetica
// (Adobe's font metrics), which Arial and Liberation Sans share.

const widths: Record<string, number> = {}
for (const [width, letters] of [
  [191, "'"],
  [222, 'ijl'],
  [278, ' \u00a0!,./:;\\[]If·t'],
  [333, '()-r'],
  [355, '"'],
  [500, 'Jckssvxyz'],
  [556, '0123456789#$?_Labdeghnopqu–µ'],
  [584, '+<=>~×÷−≤≥'],
  [611, 'FTZ'],
  [667, '&ABEKPSVXY'],
  [722, 'CDHNRUw'],
  [778, 'GOQ'],
  [833, 'Mm'],
  [889, '%'],
  [944, 'W'],
  [1000, '—…→'],
  [1015, '@']
] as const) {
  for (const letter of letters) widths[letter] = width
}

const unknown = 700
const boldness = 1.07

/** Pixels. */
export function widthOf(text: string, size: number, weight = 400): number {
  let sum = 0
  for (const letter of text) sum += widths[letter] ?? unknown
  return (sum / 1000) * size * (weight >= 600 ? boldness : 1)
}

/** The text, cut with an ellipsis where it is wider than there is room. */
export function fitted(text: string, size: number, room: number, weight = 400): string {
  if (widthOf(text, size, weight) <= room) return text
  let end = text.length
  while (end > 1 && widthOf(`${text.slice(0, end).trimEnd()}…`, size, weight) > room) end -= 1
  return `${text.slice(0, end).trimEnd()}…`
}

/** Text broken at spaces into lines that fit. */
export function wrapped(text: string, size: number, room: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && widthOf(`${last} ${word}`, size) <= room)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/**
 * Moves points of a column apart until `gap` lies between each two, as little as may be, inside `from` to `to`.
 * Returns the new places in the order given. There must be room: (n − 1) × gap ≤ to − from.
 */
export function spread(wanted: readonly number[], gap: number, from: number, to: number): number[] {
  const order = wanted
    .map((_, at) => at)
    .sort((one, other) => (wanted[one] ?? 0) - (wanted[other] ?? 0) || one - other)
  const placed = [...wanted]
  let least = from
  for (const at of order) {
    placed[at] = Math.max(wanted[at] ?? 0, least)
    least = (placed[at] ?? 0) + gap
  }
  let most = to
  for (const at of order.toReversed()) {
    placed[at] = Math.min(placed[at] ?? 0, most)
    most = (placed[at] ?? 0) - gap
  }
  return placed
}
