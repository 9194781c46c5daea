// How an outcome reads.
import type { Outcome, Row } from './outcome.ts'

const columns = ['', 'hands its caller', 'ns/hit', '× lru-cache', '95 % interval', 'bytes/hit'] as const

export function tableOf({ payload, rounds, rows, cpuShare, invalid }: Outcome): string {
  const lines = [columns, ...rows.map(lineOf)]
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  const table = lines.map((line) =>
    line
      .map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
  )
  const title = `${payload}: ${rounds} rounds, this process had a processor ${Math.round(100 * cpuShare)} % of the time`
  const verdict = invalid.map((doubt) => `  INVALID: ${doubt}`)
  return [title, ...table.map((line) => `  ${line}`), ...verdict].join('\n')
}

function lineOf({ name, hands, nsPerHit, ratio, bytesPerHit }: Row): string[] {
  return [
    name,
    hands,
    grouped(nsPerHit),
    figure(ratio.median),
    `${figure(ratio.low)} … ${figure(ratio.high)}`,
    grouped(Math.max(0, bytesPerHit))
  ]
}

const grouped = (value: number) => Math.round(value).toLocaleString('en-US')
const figure = (value: number) =>
  value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : grouped(value)
