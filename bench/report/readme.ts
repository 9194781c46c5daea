// The benchmark's figures in README.md: what was to hold and whether it did, and who does how much beside whom. Between two
// marks, from the result of a full run alone.
import type { Result, Verdict } from '../result.ts'
import { castOf } from './cast.ts'
import { duration, figure, quantity, times } from './quantities.ts'

const marked = /(?<=<!-- benchmark -->\n)[\s\S]*?(?=<!-- end of benchmark -->)/

const compared = 'profiles'
const columns = [
  ['requests per CPU second', 'requests in a second of its processor'],
  ['requests per CPU second, engines included', '… the engines’ included'],
  ['queries per request', 'queries for a request'],
  ['p99', 'slowest in a hundred'],
  ['rss', 'memory']
] as const

const outcomes: Record<Verdict['outcome'], string> = {
  pass: '✔',
  broken: '**missed**',
  invalid: 'invalid',
  'not run': 'not run'
}

/** @throws Error of one line where the marks are missing */
export function withFigures(readme: string, result: Result): string {
  if (!marked.test(readme)) throw new Error('README.md has no <!-- benchmark --> … <!-- end of benchmark -->')
  return readme.replace(marked, () => `${parts(result).join('\n\n')}\n\n`)
}

function parts(result: Result): string[] {
  return [from(result), goals(result), others(result), faults(result)]
}

function from({ commit, startedAt, seconds, machine }: Result): string {
  const { processors, model, node, mariadb, redis, loadBefore, loadAfter } = machine
  return [
    `Of commit \`${commit.slice(0, 7)}\`, ${startedAt.slice(0, 10)}, in ${figure(seconds / 60)} minutes on ${processors} processors (${model}), Node`,
    `${node.replace('v', '')}, MariaDB ${mariadb.split('-')[0]}, Redis ${redis}; load ${figure(loadBefore)} before, ${figure(loadAfter)} after.`
  ].join('\n')
}

function goals({ verdicts }: Result): string {
  return table(
    ['what has to hold', 'goal', 'measured', ''],
    verdicts.map(({ says, direction, bound, unit, value, outcome }) => [
      says,
      `${direction} ${quantity(bound, unit)}`,
      value === null ? '–' : quantity(value, unit),
      outcomes[outcome]
    ])
  )
}

function others(result: Result): string {
  const cast = castOf(result)
  const ofMix = result.comparisons.filter(({ scenario }) => scenario === compared)
  const baselines = [...new Set(ofMix.map(({ baseline }) => baseline))]
  return table(
    [`${cast.scenarioTitle(compared)}: Turno’s, of theirs`, ...columns.map(([, title]) => title)],
    baselines.map((name) => [
      cast.player(name).title,
      ...columns.map(([metric]) => {
        const found = ofMix.find((one) => one.baseline === name && one.metric === metric)
        if (found === undefined) return '–'
        const { ratio, low, high, doubts } = found
        return `${times(ratio)} [${figure(low)}; ${figure(high)}]${doubts.length > 0 ? ' (doubted)' : ''}`
      })
    ])
  )
}

function faults(result: Result): string {
  const cast = castOf(result)
  return table(
    ['While Redis stands still', 'good answers', 'the worst', 'as before again after'],
    result.faults.map(({ subject, goodShare, worstMs, recoveredAfterMs }) => [
      cast.player(subject).title,
      quantity(goodShare, 'share'),
      duration(worstMs * 1000),
      recoveredAfterMs === null
        ? 'never'
        : recoveredAfterMs === 0
          ? 'at once'
          : duration(recoveredAfterMs * 1000)
    ])
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
