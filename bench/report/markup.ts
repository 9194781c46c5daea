// Pieces of HTML and SVG as text. Everything that comes from a result goes through `escaped`.

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

type Attributes = Record<string, string | number | undefined>

/** `content` is markup already; attributes are escaped here, numbers rounded to a tenth. */
export function element(name: string, attributes: Attributes, content = ''): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? rounded(value) : escaped(String(value))}"`)
    .join('')
  return content === '' ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`
}

const rounded = (value: number) => Math.round(value * 10) / 10

/** A table of text; the first column names the row, the others are figures. */
export type Table = {
  columns: readonly string[]
  rows: readonly (readonly string[])[]
}

export function tableMarkup({ columns, rows }: Table, caption: string): string {
  const head = columns.map((column) => `<th scope="col">${escaped(column)}</th>`).join('')
  const body = rows
    .map(([first = '', ...others]) => {
      const cells = others.map((cell) => `<td>${escaped(cell)}</td>`).join('')
      return `<tr><th scope="row">${escaped(first)}</th>${cells}</tr>`
    })
    .join('\n')
  return `<div class="scroll" role="region" tabindex="0" aria-label="${escaped(caption)}">
<table><caption class="unseen">${escaped(caption)}</caption>
<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`
}
