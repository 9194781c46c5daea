// Pairs of blocks, made into comparisons. Pure.
import { valueAt } from './drivers/distribution.ts'
import type { Block, Comparison } from './result.ts'
import { ratioOf } from './statistics/pairs.ts'

/** How the doubt begins that the driver was too slow. It says nothing of what a request took of the subject. */
export const driverDoubt = 'the driver took'
/** What a driver that is too slow would spoil. */
const driven = new Set(['requests per second', 'p99'])

const cpuOf = ({ subject, counts }: Block) => {
  const own = Object.entries(counts.cpuMicroseconds).filter(([name]) => name.startsWith(subject))
  return own.reduce((sum, [, value]) => sum + value, 0)
}
const enginesOf = ({ counts }: Block) => {
  const engines = Object.entries(counts.cpuMicroseconds).filter(([name]) =>
    /^(primary|replica-\d+|redis)$/.test(name)
  )
  return engines.reduce((sum, [, value]) => sum + value, 0)
}
const queriesOf = ({ counts: { queries } }: Block) =>
  queries === null ? 0 : queries.primary + queries.replicas.reduce((sum, one) => sum + one, 0)

const metrics: Record<string, (block: Block) => number> = {
  'requests per CPU second': (block) => (block.counts.good / cpuOf(block)) * 1e6,
  'requests per CPU second, engines included': (block) =>
    (block.counts.good / (cpuOf(block) + enginesOf(block))) * 1e6,
  'CPU per request': (block) => cpuOf(block) / block.counts.good,
  'requests per second': (block) => block.counts.good / block.seconds,
  p99: (block) => valueAt(block.service, 99),
  rss: (block) => block.rssPeak,
  'queries per request': (block) => queriesOf(block) / block.counts.requests
}

/** Of the first subject with each of the others, over the rounds in which neither block was doubted. */
export function comparisonsOf(blocks: readonly Block[], subject: string): Comparison[] {
  const scenarios = [...new Set(blocks.map(({ scenario }) => scenario))]
  return scenarios.flatMap((scenario) => {
    const paired = blocks.filter((block) => block.scenario === scenario && block.paired)
    const own = paired.filter((block) => block.subject === subject)
    const others = [...new Set(paired.map((block) => block.subject))].filter((name) => name !== subject)
    return others.flatMap((baseline) => {
      const rounds = own.flatMap((block) => {
        const other = paired.find((one) => one.subject === baseline && one.round === block.round)
        return other ? [[block, other] as const] : []
      })
      return Object.entries(metrics).flatMap(([metric, value]): Comparison[] => {
        const sound = rounds.filter((pair) => doubtsOf(pair, metric).length === 0)
        // Without a sound pair the ratio is still shown, and said to be none.
        const used = sound.length > 0 ? sound : rounds
        const [first = 'there are none'] = rounds.flatMap((pair) => doubtsOf(pair, metric))
        const most = sound.length > 0 && sound.length * 2 >= rounds.length
        const doubts = most ? [] : [`most pairs of blocks are in doubt: ${first}`]
        const ratio = ratioOf(used.map(([one, other]) => [value(one), value(other)]))
        return ratio ? [{ scenario, metric, subject, baseline, ...ratio, doubts }] : []
      })
    })
  })
}

function doubtsOf(pair: readonly [Block, Block], metric: string): string[] {
  const all = pair.flatMap(({ doubts }) => doubts)
  return driven.has(metric) ? all : all.filter((doubt) => !doubt.startsWith(driverDoubt))
}
