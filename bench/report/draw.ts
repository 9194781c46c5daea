// `npm run bench:report`: draws the report of a run anew from the JSON that it left, and the README's figures.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Result } from '../result.ts'
import { svgs, writeReport } from './index.ts'
import { withFigures } from './readme.ts'

const readme = new URL('../../README.md', import.meta.url)

const help = `Draws the report of a benchmark's run anew, from the JSON that it left.

  npm run bench:report -- FILE.json [options]

  --out FILE.html   where the page goes (beside the JSON, named like it)
  --svg DIR         writes the main charts there too, one SVG each
  --readme          writes the benchmark's figures of README.md anew
  --help
`

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        out: { type: 'string' },
        svg: { type: 'string' },
        readme: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
    if (values.help) {
      process.stdout.write(help)
      return 0
    }
    const [file, ...more] = positionals
    if (file === undefined || more.length > 0) throw new Error('name one JSON file; --help tells more')
    const result = await read(file)
    const page = values.out ?? `${file.replace(/\.json$/, '')}.html`
    await writeReport(result, page)
    process.stdout.write(`${page}\n`)
    if (values.svg !== undefined) await writePictures(result, values.svg)
    if (values.readme) await writeFile(readme, withFigures(await readFile(readme, 'utf8'), result))
    return 0
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 1
  }
}

async function read(file: string): Promise<Result> {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} cannot be read: ${error.code}`)
  })
  const result = parsed(content)
  if (isResult(result)) return result
  throw new Error(`${file} is not the result of a benchmark in format 1`)
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return null
  }
}

/** As far as it takes to tell another file from ours: whoever wrote a `format: 1` wrote the rest. */
function isResult(value: unknown): value is Result {
  const parts = ['blocks', 'comparisons', 'curves', 'faults', 'verdicts', 'crossCheck']
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === 1 &&
    'machine' in value &&
    parts.every((part) => part in value && Array.isArray(Reflect.get(value, part)))
  )
}

async function writePictures(result: Result, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const [name, picture] of Object.entries(svgs(result))) {
    const path = join(directory, `${name}.svg`)
    await writeFile(path, picture)
    process.stdout.write(`${path}\n`)
  }
}
