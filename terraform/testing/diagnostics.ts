// What terraform says is wrong, with file and line. It gives both for nearly everything; a cycle it tells by addresses
// alone, which are looked up here.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blocksIn } from './source.ts'

/** Lines count from 1; 0 and an empty file where there is none to name. */
export type Diagnostic = { file: string; line: number; summary: string; detail: string }

/** As terraform's JSON has them, of `validate -json` and of `plan -json`. */
type Told = {
  severity: string
  summary: string
  detail?: string
  range?: { filename: string; start: { line: number } }
}

/** The errors in the output of `terraform validate -json` on the root module in a directory that init has seen. */
export function errorsOfValidate(output: string, directory: string): Diagnostic[] {
  const { diagnostics }: { diagnostics: readonly Told[] } = JSON.parse(output)
  return errors(diagnostics, directory)
}

/** The errors in the output of `terraform plan -json`: a line of JSON for each event. */
export function errorsOfPlan(output: string, directory: string): Diagnostic[] {
  const events = output.split('\n').filter((line) => line.startsWith('{'))
  const told = events.flatMap((line) => {
    const { diagnostic }: { diagnostic?: Told } = JSON.parse(line)
    return diagnostic ? [diagnostic] : []
  })
  return errors(told, directory)
}

/** The line that an engineer reads, and an editor can follow. */
export function readable({ file, line, summary, detail }: Diagnostic): string {
  return `terraform/${file}:${line}  ${summary}${detail ? `: ${detail.replaceAll(/\s+/g, ' ')}` : ''}`
}

function errors(told: readonly Told[], directory: string): Diagnostic[] {
  return told
    .filter(({ severity }) => severity === 'error')
    .flatMap(({ summary, detail = '', range }) => {
      if (range) return [{ file: range.filename, line: range.start.line, summary, detail }]
      const places = placesNamed(`${summary} ${detail}`, directory)
      return places.length > 0
        ? places.map((place) => ({ ...place, summary, detail }))
        : [{ file: '', line: 0, summary, detail }]
    })
}

/** The blocks of the resources that a text names by address. */
function placesNamed(text: string, directory: string): { file: string; line: number }[] {
  const addresses = text.matchAll(/((?:module\.[\w-]+(?:\[[^\]]*\])?\.)*)(data\.)?(aws_\w+)\.([\w-]+)/g)
  return [...addresses].flatMap(([, modules = '', data, type = '', name = '']) => {
    const key = [...modules.matchAll(/module\.([\w-]+)/g)].map(([, module]) => module).join('.')
    const folder = moduleFolders(directory).get(key) ?? '.'
    const kind = data === undefined ? 'resource' : 'data'
    return blocksIn(join(directory, folder))
      .filter((block) => block.kind === kind && block.labels[0] === type && block.labels[1] === name)
      .map(({ file, line }) => ({ file: file.slice(directory.length + 1), line }))
  })
}

/** Where init found each module, by its path of names. */
function moduleFolders(directory: string): Map<string, string> {
  const { Modules }: { Modules: { Key: string; Dir: string }[] } = JSON.parse(
    readFileSync(join(directory, '.terraform', 'modules', 'modules.json'), 'utf8')
  )
  return new Map(Modules.map(({ Key, Dir }) => [Key, Dir]))
}
