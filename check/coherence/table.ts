// Outcomes for people: a line for each phase, what broke, and on what machine it was found.
import type { Outcome } from './check.ts'
import type { Figures } from './history.ts'

const columns: readonly (readonly [title: string, of: (figures: Figures) => string])[] = [
  ['writes', ({ writes }) => count(writes)],
  ['reads', ({ reads }) => count(reads)],
  ['>50 ms', ({ late50 }) => count(late50)],
  ['>300 ms', ({ late300 }) => count(late300)],
  ['>1 s', ({ late1000 }) => count(late1000)],
  ['sticky', ({ sticky }) => count(sticky)],
  ['worst ms', ({ worstMs }) => count(Math.round(worstMs))],
  ['less stalls', ({ worstWithoutStallsMs }) => count(Math.round(worstWithoutStallsMs))],
  ['own unseen', ({ ownUnseen, ownReads }) => `${count(ownUnseen)} of ${count(ownReads)}`],
  ['backwards', ({ backwards }) => count(backwards)],
  ['torn', ({ torn }) => count(torn)],
  ['failed', ({ failedReads, failedWrites }) => count(failedReads + failedWrites)]
]

/** All there is to say of one run. */
export function tableOf(outcome: Outcome): string {
  const { phases, total, broken } = outcome
  const many = phases.length > 1
  return [
    titleOf(outcome),
    '',
    ...aligned([
      ['faults', ...columns.map(([title]) => title)],
      ...phases.map(({ name, figures }) => [name, ...columns.map(([, of]) => of(figures))]),
      ...(many ? [['in all', ...columns.map(([, of]) => of(total))]] : [])
    ]),
    '',
    `answered by ${Object.entries(total.layers)
      .filter(([, reads]) => reads > 0)
      .map(([layer, reads]) => `${layer} ${percent(reads / total.reads)}`)
      .join(', ')}`,
    `faults: ${
      Object.entries(outcome.injected)
        .map(([fault, times]) => `${fault} ${times}`)
        .join(', ') || 'none'
    }`,
    ...countsOf(outcome.notInjected).map(([line, times]) => `left out ${times} times: ${line}`),
    ...Object.entries(outcome.failures).map(([error, times]) => `failed ${times} times: ${error}`),
    machineOf(outcome),
    ...(broken.length === 0 ? ['holds'] : broken.map((line) => `BROKEN ${line}`))
  ].join('\n')
}

/** A line for each run, to be read beside each other. */
export function comparisonOf(outcomes: readonly Outcome[]): string {
  return aligned([
    ['rule removed', 'faults', ...columns.map(([title]) => title), 'shown failing'],
    ...outcomes.map((outcome) => [
      nameOf(outcome),
      outcome.faults,
      ...columns.map(([, of]) => of(outcome.total)),
      outcome.broken.length > 0 ? 'yes' : 'no'
    ])
  ]).join('\n')
}

/** One line on how a run stands. */
export function progressOf({ atMs, phase, total }: { atMs: number; phase: string; total: Figures }): string {
  const { writes, reads, late50, late300, late1000, sticky, ownUnseen, backwards } = total
  return (
    `${String(Math.round(atMs / 1000)).padStart(5)} s  ${phase.padEnd(10)} ${count(writes)} writes, ${count(reads)} reads, ` +
    `late ${count(late50)} / ${count(late300)} / ${count(late1000)}, sticky ${count(sticky)}, own unseen ${count(ownUnseen)}, backwards ${count(backwards)}`
  )
}

function countsOf(lines: readonly string[]): [string, number][] {
  return [...Map.groupBy(lines, (line) => line)].map(([line, { length }]) => [line, length])
}

function titleOf(outcome: Outcome): string {
  const { durationMs, instances, replicas, seed } = outcome
  return `${nameOf(outcome)}: ${durationMs / 1000} s, ${instances} instances, ${replicas} replicas, seed ${seed}`
}

function nameOf({ subject: { design, removed } }: Outcome): string {
  return removed === null ? design : `${design} without ${removed}`
}

function machineOf({ machine: { cores, loadMost, stalls, longestStallMs } }: Outcome): string {
  const stood =
    stalls === 0 ? 'never stood still' : `stood still ${stalls} times, ${longestStallMs} ms at most`
  return `machine: ${cores} cores, load up to ${loadMost.toFixed(1)}; the checker ${stood}`
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  ')
  )
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
