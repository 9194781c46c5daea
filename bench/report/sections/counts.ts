// What was counted, subject by subject: the figures that a noisy machine cannot change.
import type { Block, Counts, Result } from '../../result.ts'
import { castOf } from '../cast.ts'
import { merged, valueAt } from '../distributions.ts'
import { escaped, type Table, tableMarkup } from '../markup.ts'
import { duration, figure, grouped, memory, share } from '../quantities.ts'

const engines = /^(redis|primary|replica|mariadb|mysql)/
const untold = 'not told'

/** Processor time of the engines and of the load's driver stands apart from the subject's own. */
export function processorTime(counts: Counts): { own: number; engines: number } {
  const sum = (belongs: (name: string) => boolean) =>
    Object.entries(counts.cpuMicroseconds)
      .filter(([name]) => belongs(name))
      .reduce((all, [, microseconds]) => all + microseconds, 0)
  return {
    own: sum((name) => !engines.test(name) && !name.startsWith('driver')),
    engines: sum((name) => engines.test(name))
  }
}

export function counts(result: Result): string {
  const cast = castOf(result)
  const tables = cast.scenarios.flatMap((scenario) => {
    const blocks = result.blocks.filter((block) => block.scenario === scenario)
    if (blocks.length === 0) return []
    const told = cast.players.flatMap(({ name, title }) => {
      const own = blocks.filter(({ subject }) => subject === name)
      return own.length === 0 ? [] : [{ title, figures: figuresOf(own) }]
    })
    const table: Table = {
      columns: ['', ...told.map(({ title }) => title)],
      rows: kinds.map((kind, at) => [kind, ...told.map(({ figures }) => figures[at] ?? '')])
    }
    const caption = cast.scenarioTitle(scenario)
    return [{ caption, markup: tableMarkup(table, `Counts: ${caption}`) }]
  })
  return tables
    .map(({ caption, markup }, at) =>
      at === 0
        ? `<h3>${escaped(caption)}</h3>${markup}`
        : `<details><summary>${escaped(caption)}</summary>${markup}</details>`
    )
    .join('\n')
}

const kinds = [
  'requests',
  'good',
  'own processor time for a good answer',
  'processor time of the engines for it',
  'good answers for a second of own processor time',
  'database queries for a request',
  'database queries for a read alone',
  'Redis round trips for a request',
  'loads for a read',
  'answered without the database',
  'bytes for a request',
  'memory at most',
  '99 % within, from when it was due'
]

/** In the order of `kinds`. */
function figuresOf(blocks: readonly Block[]): string[] {
  const all = <T>(pick: (counts: Counts) => T) => blocks.map((block) => pick(block.counts))
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
  const requests = total(all((counts) => counts.requests))
  const good = total(all((counts) => counts.good))
  const reads = total(all((counts) => counts.reads))
  const own = total(all((counts) => processorTime(counts).own))
  const beside = total(all((counts) => processorTime(counts).engines))
  const queries = known(
    all(({ queries }) => queries && queries.primary + queries.replicas.reduce((sum, one) => sum + one, 0))
  )
  const latency = merged(blocks.filter(({ driver }) => driver === 'open').map((block) => block.latency))
  const p99 = valueAt(latency, 99)
  return [
    grouped(requests),
    share(good / Math.max(1, requests)),
    own === 0 || good === 0 ? untold : duration(own / good),
    beside === 0 || good === 0 ? untold : duration(beside / good),
    own === 0 ? untold : grouped((good * 1_000_000) / own),
    queries === null ? untold : figure(queries / Math.max(1, requests)),
    told(queriesOfReads(blocks), reads),
    told(known(all((counts) => counts.redisRoundTrips)), requests),
    told(known(all((counts) => counts.loads)), reads),
    withoutDatabase(all((counts) => counts.layers)),
    memory(total(all((counts) => counts.bytes)) / Math.max(1, requests)),
    memory(Math.max(...blocks.map(({ rssPeak }) => rssPeak))),
    p99 === null ? 'no open loop' : duration(p99)
  ]
}

/** Those that neither heartbeats nor writes took; only where every block measured them. */
const queriesOfReads = (blocks: readonly Block[]) =>
  known(
    blocks.map(({ counts: { perRead, reads } }) =>
      perRead ? (perRead.primaryQueries + perRead.replicaQueries) * reads : null
    )
  )

/** A sum only where every block could tell. */
function known(values: readonly (number | null)[]): number | null {
  let sum = 0
  for (const value of values) {
    if (value === null) return null
    sum += value
  }
  return sum
}

const told = (sum: number | null, of: number) => (sum === null || of === 0 ? untold : figure(sum / of))

function withoutDatabase(layers: readonly Counts['layers'][]): string {
  const sum = (pick: (one: Counts['layers']) => number) => layers.reduce((all, one) => all + pick(one), 0)
  const near = sum(({ l1 = 0, redis = 0, stale = 0 }) => l1 + redis + stale)
  const far = sum(({ replica = 0, primary = 0 }) => replica + primary)
  return near + far === 0 ? untold : share(near / (near + far))
}
