// On what this was measured, how noisy it was, what speaks against the figures, and what they cannot show.
import type { Block, Result } from '../../result.ts'
import { castOf } from '../cast.ts'
import { escaped, tableMarkup } from '../markup.ts'
import { figure, grouped, memory, share } from '../quantities.ts'

export function machine(result: Result): string {
  const { machine, commit, changed, startedAt, seconds, seed, options, blocks } = result
  const facts: readonly (readonly [string, string])[] = [
    ['Commit', changed ? `${commit}, with uncommitted changes` : commit],
    ['Begun', startedAt],
    ['Took', `${figure(seconds / 60)}\u00a0minutes`],
    ['Seed', `${seed}: the same keys, at the same moments, in every run with this seed`],
    ['Options', optionsOf(options)],
    ['Processors', `${machine.processors} × ${machine.model}`],
    ['Memory', memory(machine.memoryBytes)],
    ['Kernel', machine.kernel],
    ['Node.js', machine.node],
    ['Database', machine.mariadb],
    ['Redis', machine.redis],
    ['Load average', `${figure(machine.loadBefore)} before, ${figure(machine.loadAfter)} after`],
    [
      'Blocks',
      `${grouped(blocks.length)} stretches measured, ${grouped(blocks.filter(({ doubts }) => doubts.length > 0).length)} of them with a doubt`
    ]
  ]
  return `<dl class="facts">${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${escaped(value)}</dd></div>`).join('')}</dl>`
}

function optionsOf(options: Result['options']): string {
  const given = Object.entries(options).map(([name, value]) => `${name} ${value}`)
  return given.length === 0 ? 'none given' : given.join(', ')
}

export function noise({ blocks }: Result): string {
  const rows = (
    [
      ['Something waited for a processor', ({ pressure }: Block) => pressure],
      ['Taken by the host', ({ steal }: Block) => steal],
      ['The driver’s own processor', ({ driverLoad }: Block) => driverLoad]
    ] as const
  ).map(([what, pick]) => {
    const values = blocks
      .map(pick)
      .filter((value) => value !== null)
      .sort((one, other) => one - other)
    const [median, worst] = [values[Math.floor(values.length / 2)], values.at(-1)]
    return [
      what,
      median === undefined ? 'not told' : share(median),
      worst === undefined ? 'not told' : share(worst),
      grouped(values.length)
    ]
  })
  return tableMarkup(
    { columns: ['share of time', 'in the middle block', 'in the worst', 'blocks that tell'], rows },
    'Noise of the machine'
  )
}

export function doubts(result: Result): string {
  const cast = castOf(result)
  const told = [
    ...result.blocks.flatMap(({ scenario, subject, doubts }) =>
      doubts.map((doubt) => ({
        doubt,
        where: `${cast.scenarioTitle(scenario)}, ${cast.player(subject).title}`
      }))
    ),
    ...result.comparisons.flatMap(({ scenario, subject, baseline, metric, doubts }) =>
      doubts.map((doubt) => ({
        doubt,
        where: `${metric} of ${cast.player(subject).title} beside ${cast.player(baseline).title}, ${cast.scenarioTitle(scenario)}`
      }))
    )
  ]
  if (told.length === 0) return '<p>Nothing was seen that speaks against these figures.</p>'
  const groups = [...Map.groupBy(told, ({ where }) => where).entries()]
  const items = groups.map(([where, own]) => {
    const each = [...Map.groupBy(own, ({ doubt }) => doubt).entries()]
    const said = each.map(([doubt, times]) => (times.length > 1 ? `${doubt} (${times.length} times)` : doubt))
    return `<li><b>${escaped(where)}</b>: ${escaped(said.join('; '))}</li>`
  })
  return `<ul>${items.join('\n')}</ul>`
}

export function crossCheck({ crossCheck }: Result): string {
  if (crossCheck.length === 0) return '<p>The servers’ own counters were not asked in this run.</p>'
  return tableMarkup(
    {
      columns: ['', 'we counted', 'the server counted', 'apart by'],
      rows: crossCheck.map(({ what, counted, server }) => [
        what,
        grouped(counted),
        grouped(server),
        counted === server ? 'nothing' : share(Math.abs(counted - server) / Math.max(1, counted, server))
      ])
    },
    'Own counters beside the servers’ own'
  )
}

/** What no reader should take from this page. */
export function limits(result: Result): string {
  const { machine } = result
  const fleet = `Everything ran on one machine with ${machine.processors} processors and spoke over its loopback: no network, no TLS, no balancer, no other tenant’s load. Times elsewhere will be longer, and differently distributed.`
  const items = [
    fleet,
    'Absolute times and rates are this machine’s. Counts, and ratios of subjects measured in turns, carry over; a figure in milliseconds does not.',
    `The database was ${machine.mariadb}; production is MySQL 8.4 or later, whose costs for a query differ.`,
    'Keys follow Zipf’s law and arrivals a Poisson process. Real readers have weeks, mornings and campaigns.',
    'The others are written as their documentation teaches, by people who know them less well than their authors do.',
    'A confidence interval covers chance within this run, not what is systematically wrong with its set-up.',
    'A run of minutes shows no leak of hours, and says nothing of days.'
  ]
  return `<ul>${items.map((item) => `<li>${escaped(item)}</li>`).join('\n')}</ul>`
}
