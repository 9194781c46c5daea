// `npm test`: the test suite, on engines that are installed first where they are missing. Takes tap's arguments.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { installEdge, installEngines } from '../db/stack/install.ts'

const report = (line: string) => console.error(`turno: ${line}`)

try {
  await installEngines(report)
  // Without it the tests of nginx/ are skipped, and say so.
  await installEdge(report).catch((error: Error) => report(error.message))
  const tap = fileURLToPath(new URL('../node_modules/.bin/tap', import.meta.url))
  const run = spawn(process.execPath, [tap, ...process.argv.slice(2)], { stdio: 'inherit' })
  // tap hears Ctrl-C from the terminal and ends its tests; what it then says is worth waiting for.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => run.kill(signal))
  const [code] = await once(run, 'exit')
  process.exitCode = code ?? 1
} catch (error) {
  report(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
