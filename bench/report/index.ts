// The report of a run: one page to look at, and pictures for the README. Both from the result alone, and always the same.
import { rename, writeFile } from 'node:fs/promises'
import type { Result } from '../result.ts'
import { answersByLayer, answersUnderFault } from './charts/answers.ts'
import { comparisons } from './charts/comparison.ts'
import { curves } from './charts/curve.ts'
import { memoryAndLoop } from './charts/memory.ts'
import { spectra } from './charts/spectrum.ts'
import { pageOf } from './page.ts'
import { standalone } from './standalone.ts'

/** Writes one self-contained HTML file. Under another name first: an interrupted run leaves no half of it. */
export async function writeReport(result: Result, path: string): Promise<void> {
  await writeFile(`${path}.new`, pageOf(result))
  await rename(`${path}.new`, path)
}

/** The main chart of each kind by its name (`spectrum`, `curve`, …); a kind that the run has no figures for is missing. */
export function svgs(result: Result): Record<string, string> {
  const kinds = {
    spectrum: spectra(result),
    curve: curves(result),
    comparison: comparisons(result),
    layers: answersByLayer(result),
    fault: answersUnderFault(result),
    memory: memoryAndLoop(result)
  }
  return Object.fromEntries(
    Object.entries(kinds).flatMap(([name, [chart]]) =>
      chart === undefined ? [] : [[name, standalone(chart)]]
    )
  )
}
