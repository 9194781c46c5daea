// Where things stand in HCL: blocks and attributes with their files and lines. A plan's JSON names resources, not
// lines. This reads the outline of the language (blocks, attribute names, strings, heredocs, comments), no expressions.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type SourceBlock = {
  /** resource, data, variable, health_check … */
  kind: string
  labels: readonly string[]
  file: string
  line: number
  /** Offsets of the text between the braces. */
  start: number
  end: number
  /** Line of each attribute by its name. */
  attributes: ReadonlyMap<string, number>
  blocks: readonly SourceBlock[]
}

/** The blocks of all .tf files of a directory, not of those below it. */
export function blocksIn(directory: string): SourceBlock[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.tf'))
    .sort()
    .flatMap((name) => {
      const file = join(directory, name)
      return outline(file, readFileSync(file, 'utf8'))
    })
}

/** The blocks of one file. `file` is only what they say where they are. */
export function outline(file: string, text: string): SourceBlock[] {
  return readBody({ file, text, at: 0, line: 1 }).blocks
}

/** The deepest block or attribute that a path such as health_check.path leads to: as much of it as is written. */
export function lineOf(block: SourceBlock, path: readonly string[]): number {
  const [name, ...rest] = path
  if (name === undefined) return block.line
  const attribute = block.attributes.get(name)
  if (attribute !== undefined) return attribute
  const isIt = ({ kind, labels }: SourceBlock) => kind === name || (kind === 'dynamic' && labels[0] === name)
  const inner = block.blocks.find(isIt)
  if (inner === undefined) return block.line
  if (rest.length === 0) return inner.line
  const content = inner.kind === 'dynamic' ? inner.blocks.find(({ kind }) => kind === 'content') : inner
  return lineOf(content ?? inner, rest)
}

type Reader = { readonly file: string; readonly text: string; at: number; line: number }

type Body = { attributes: Map<string, number>; blocks: SourceBlock[] }

const word = /[\w-]+/y
const comment = /#.*|\/\/.*|\/\*[\s\S]*?\*\//y
const heredoc = /<<-?(\w+)\n[\s\S]*?\n[ \t]*\1(?=\n|$)/y

/** Reads to the closing brace of a block, or to the end of the file. */
function readBody(from: Reader): Body {
  const attributes = new Map<string, number>()
  const blocks: SourceBlock[] = []
  for (;;) {
    skipBlank(from)
    if (from.at >= from.text.length || from.text[from.at] === '}') return { attributes, blocks }
    const { line } = from
    const name = take(from, word)
    if (name === null) throw new Error(`${from.file}:${line}: neither a name nor a comment`)
    skipSpaces(from)
    if (from.text[from.at] === '=') {
      attributes.set(name, line)
      skipExpression(from)
    } else {
      blocks.push(readBlock(from, name, line))
    }
  }
}

function readBlock(from: Reader, kind: string, line: number): SourceBlock {
  const labels: string[] = []
  for (skipSpaces(from); from.text[from.at] !== '{'; skipSpaces(from)) {
    const label = take(from, word) ?? take(from, /"[^"\n]*"/y)
    if (label === null) throw new Error(`${from.file}:${from.line}: a block without a body`)
    labels.push(label.replaceAll('"', ''))
  }
  const start = ++from.at
  const body = readBody(from)
  const end = from.at++
  return { kind, labels, file: from.file, line, start, end, ...body }
}

/** An expression ends with its line, unless a bracket is open. */
function skipExpression(from: Reader): void {
  let depth = 0
  while (from.at < from.text.length) {
    const character = from.text[from.at] ?? ''
    if (depth === 0 && (character === '\n' || character === '}')) return
    if (take(from, comment) !== null || take(from, heredoc) !== null) continue
    if (character === '"') skipString(from)
    else {
      if ('([{'.includes(character)) depth++
      if (')]}'.includes(character)) depth--
      advance(from, 1)
    }
  }
}

/** A template may hold any expression, with strings of its own. */
function skipString(from: Reader): void {
  advance(from, 1)
  while (from.at < from.text.length) {
    if (from.text.startsWith('$${', from.at) || from.text.startsWith('%%{', from.at)) advance(from, 3)
    else if (from.text.startsWith('${', from.at) || from.text.startsWith('%{', from.at)) skipTemplate(from)
    else if (from.text[from.at] === '\\') advance(from, 2)
    else {
      const isEnd = from.text[from.at] === '"'
      advance(from, 1)
      if (isEnd) return
    }
  }
}

function skipTemplate(from: Reader): void {
  advance(from, 2)
  for (let depth = 1; depth > 0 && from.at < from.text.length; ) {
    const character = from.text[from.at]
    if (character === '"') {
      skipString(from)
      continue
    }
    if (character === '{') depth++
    if (character === '}') depth--
    advance(from, 1)
  }
}

function skipBlank(from: Reader): void {
  while (take(from, comment) !== null || take(from, /\s+/y) !== null);
}

function skipSpaces(from: Reader): void {
  take(from, /[ \t]+/y)
}

function take(from: Reader, pattern: RegExp): string | null {
  pattern.lastIndex = from.at
  const [found] = pattern.exec(from.text) ?? []
  if (found === undefined) return null
  advance(from, found.length)
  return found
}

function advance(from: Reader, length: number): void {
  for (const end = from.at + length; from.at < end; from.at++) if (from.text[from.at] === '\n') from.line++
}
