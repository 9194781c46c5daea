// `npm run tf`: all that can be said of the HCL without a cloud account. Each step a line; works in a copy under the
// temporary directory, and leaves nothing when it ends or is interrupted.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { spawnBound } from '../db/stack/process.ts'
import { runCases } from '../terraform/testing/cases.ts'
import { errorsOfValidate, readable } from '../terraform/testing/diagnostics.ts'
import { environmentsIn } from '../terraform/testing/environments.ts'
import { type Finding, PlannedFleet } from '../terraform/testing/plan.ts'
import { policies } from '../terraform/testing/policies.ts'
import { attachTerraform, hclDirectory, type Terraform } from '../terraform/testing/terraform.ts'
import { aborted, hearSignals, Interrupted } from './signals.ts'

const help = `Usage: npm run tf [-- --quick]

Formats (check), validates, plans and tests terraform/ with terraform's own engine, offline; holds each environment's
plan to the policies; then proves by seeded faults that mistakes are caught.

  --quick  without the seeded faults (test/terraform/)
`

const report = (line: string) => console.error(`turno: ${line}`)

/** A step that found something wrong: what, in terraform's own words or ours. */
class Wrong extends Error {}

async function command(): Promise<number> {
  const { leave } = hearSignals()
  try {
    const options = {
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' }
    } as const
    const { values } = parseArgs({ options })
    if (values.help) {
      console.log(help)
      return 0
    }
    const terraform = await attachTerraform(leave)
    try {
      await checkAll(terraform)
    } finally {
      await terraform.close()
    }
    if (!values.quick) await proveByFaults(leave)
    report('terraform/ holds')
    return 0
  } catch (error) {
    if (error instanceof Interrupted) return 130
    if (!(error instanceof Error)) throw error
    report(error.message)
    return 1
  }
}

async function checkAll(terraform: Terraform): Promise<void> {
  const copy = await terraform.copyOf(hclDirectory)
  const ask = async (...words: readonly string[]) => {
    const { code, out, err } = await terraform.run(copy, [...words, '-no-color'])
    if (code !== 0) throw new Wrong(`terraform ${words[0]}: ${(err || out).trim()}`)
    return out
  }

  await step('format', async () => {
    const { code, out } = await terraform.run(copy, ['fmt', '-check', '-recursive', '-no-color'])
    if (code !== 0) throw new Wrong(`not as terraform fmt writes it:\n${out.trim()}`)
  })
  await step('init', () => ask('init', '-backend=false'))
  await step('validate', async () => {
    // The cases are judged where they run: validate does not see the providers that they hand to a module.
    const { out } = await terraform.run(copy, ['validate', '-json', '-no-tests'])
    const errors = errorsOfValidate(out, copy)
    if (errors.length > 0) throw new Wrong(`not valid:\n${errors.map(readable).join('\n')}`)
  })
  for (const { name, variablesFiles } of environmentsIn(copy)) {
    const variables = variablesFiles.map((file) => `-var-file=${file}`)
    const added = await step(
      `plan of ${name}`,
      async () => /Plan: .* to add/.exec(await ask('plan', ...variables))?.[0]
    )
    if (added === undefined) throw new Wrong(`the plan of ${name} adds nothing`)
    await step(`policies on ${name}`, async () => {
      const fleet = new PlannedFleet(await terraform.foresee(copy, variablesFiles), copy)
      const broken = policies.flatMap(({ says, check }) =>
        check(fleet).map((finding) => lineFor(says, finding))
      )
      if (broken.length > 0) throw new Wrong(`the plan of ${name} breaks policies:\n${broken.join('\n')}`)
      return `${policies.length} hold of ${fleet.resources.length} resources`
    })
  }
  for (const { file, passed } of runCases(terraform, copy)) await step(file, () => passed)
}

function lineFor(says: string, { file, line, address, message }: Finding): string {
  return `terraform/${file}:${line}  ${says}: ${address}: ${message}`
}

/** Runs a step, and says how it went and how long it took. What it returns as text is said too. */
async function step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const begin = performance.now()
  const result = await work()
  const detail = typeof result === 'string' && !result.includes('\n') && result !== '' ? `: ${result}` : ''
  report(`${name} ✓ ${((performance.now() - begin) / 1000).toFixed(1)} s${detail}`)
  return result
}

/** Of test/terraform/, what the steps above have done already. */
const done = ['root.test.ts', 'policies.test.ts']

/** The tests of the harness itself, under tap. */
async function proveByFaults(leave: AbortSignal): Promise<void> {
  const tap = fileURLToPath(new URL('../node_modules/.bin/tap', import.meta.url))
  const tests = fileURLToPath(new URL('../test/terraform', import.meta.url))
  const files = readdirSync(tests).filter((file) => file.endsWith('.test.ts') && !done.includes(file))
  const paths = files.map((file) => join(tests, file))
  const run = spawnBound(
    [process.execPath, tap, '--disable-coverage', '--reporter=terse', ...paths],
    'SIGHUP',
    {
      stdio: 'inherit'
    }
  )
  const ended = new Promise<number>((resolve) => run.once('exit', (code) => resolve(code ?? 1)))
  void aborted(leave).then(() => run.kill('SIGINT'))
  const code = await ended
  leave.throwIfAborted()
  if (code !== 0) throw new Wrong('the tests of test/terraform failed: their lines above say why')
}

process.exitCode = await command()
