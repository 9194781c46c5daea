// The command line of the checker.
import { parseArgs } from 'node:util'
import type { Subject } from './messages.ts'
import { rules } from './rules.ts'
import { faultNames, faults, readFaults } from './schedule.ts'

export type Options = {
  help: boolean
  durationMs: number
  /** null: those that suit what is checked. */
  faults: string | null
  seed: string
  instances: number
  replicas: number
  /** What is run, one after another. */
  subjects: readonly Subject[]
  /** Where the outcome goes as JSON. */
  report: string | null
}

export const help = `Runs several instances on real engines, breaks things, and tells how old the answers were.

  npm run check:coherence -- [options]

  --seconds N       how long (60)
  --faults LIST     which faults (all). A comma: one after another; a plus: together. Also
                    all: each by itself, then all together, a replica held 2 s behind throughout
                    mixed: all together       none: all is well
  --seed TEXT       the faults follow from it: the same seed, the same faults (1)
  --instances N     how many instances (3)
  --replicas N      how many replicas (2)
  --design NAME     protocol, or naive: cache-aside with DEL and a message (protocol)
  --remove RULE     the protocol without one of its rules; each: all of them in turn, ${
    rules.length
  } times --seconds,
                    each under the faults that show it soonest
  --report FILE     writes the outcome there as JSON, too
  --help

faults
${faultNames.map((name) => `  ${name.padEnd(16)}  ${faults[name].says}`).join('\n')}

rules
${rules.map(({ name, says }) => `  ${name.padEnd(16)}  ${says}`).join('\n')}

It ends with 0 when every bound holds: no value sticks (2 s), every own write is seen with its token, no reader goes
back, no answer is torn, and no read is later than 50 ms (healthy), 500 ms (one fault) or 1 s (several); else with 1.
With --remove each it ends with 0 when every removal was shown to break a bound.
`

/** @throws Error of one line that says what to change */
export function readOptions(args: readonly string[]): Options {
  const { values } = parse(args)
  const removed = values.remove ?? null
  const design = values.design
  if (design !== 'protocol' && design !== 'naive') {
    throw new Error(`--design: there is no design "${design}": use protocol or naive`)
  }
  if (removed !== null && design === 'naive')
    throw new Error('--remove takes a rule of the protocol: leave out --design naive')
  if (removed !== null && removed !== 'each' && !rules.some(({ name }) => name === removed)) {
    throw new Error(
      `--remove: there is no rule "${removed}": use ${rules.map(({ name }) => name).join(', ')} or each`
    )
  }
  if (values.faults !== undefined) readFaults(values.faults)
  return {
    help: values.help,
    durationMs: whole('seconds', values.seconds, 1, 86_400) * 1000,
    faults: values.faults ?? null,
    seed: values.seed,
    instances: whole('instances', values.instances, 1, 32),
    replicas: whole('replicas', values.replicas, 1, 8),
    subjects:
      removed === 'each' ? rules.map(({ name }) => ({ design, removed: name })) : [{ design, removed }],
    report: values.report ?? null
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        seconds: { type: 'string', default: '60' },
        faults: { type: 'string' },
        seed: { type: 'string', default: '1' },
        instances: { type: 'string', default: '3' },
        replicas: { type: 'string', default: '2' },
        design: { type: 'string', default: 'protocol' },
        remove: { type: 'string' },
        report: { type: 'string' }
      }
    })
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
