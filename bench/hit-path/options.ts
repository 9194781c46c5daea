// The command line of the hit-path benchmark.
import { parseArgs } from 'node:util'

export type Options = {
  help: boolean
  /** All payload sizes together, s. */
  seconds: number
  /** Per payload size, instead of a time. */
  rounds: number | null
  json: string | null
}

export const help = `What a hit in the first layer costs: Turno beside lru-cache alone and other caches.

  npm run bench:hit -- [options]

  --seconds N   how long to measure, all three payload sizes together (90)
  --rounds N    how many rounds for each payload size, instead of a time
  --json FILE   writes every slice and the outcome there, too
  --help

10,000 keys drawn by Zipf's law (exponent 0.99), JSON of 0.5, 2 and 16 KiB. In every round each participant answers a
slice of at most 4,096 hits, in an order drawn anew; ratios are of CPU time, between slices of one round. "to bytes" adds what the
library leaves to its caller: JSON.stringify.

It ends with 0 when the figures may be believed, with 2 when the run is invalid (too noisy, or it could not run).
`

/** @throws Error of one line that says what to change */
export function readOptions(args: readonly string[]): Options {
  const { seconds, rounds, json, help } = parse(args)
  return {
    help,
    seconds: whole('seconds', seconds, 1, 600),
    rounds: rounds === undefined ? null : whole('rounds', rounds, 1, 10_000),
    json: json ?? null
  }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        seconds: { type: 'string', default: '90' },
        rounds: { type: 'string' },
        json: { type: 'string' }
      }
    })
    return values
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw new Error(`${line}; --help lists the options`)
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new Error(`--${name}: "${text}" is not a whole number from ${least} to ${most}`)
}
