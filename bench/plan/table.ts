// How a plan reads. Pure.
import { type Bill, pricesOf, region, terms } from './bill.ts'
import type { Capacity, Resource } from './capacity.ts'
import type { Compared } from './check.ts'
import type { Wish } from './options.ts'
import { tfvarsOf, type Variables } from './tfvars.ts'

/** Columns as wide as they must be; those of `right` end at one line. */
function aligned(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows
    .map((row) =>
      `  ${row.map((cell, at) => (right.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0))).join('  ')}`.trimEnd()
    )
    .join('\n')
}

export function planText(
  wish: Wish,
  capacity: Capacity,
  bill: Bill,
  variables: Variables,
  from: string
): string {
  const { hits, resources } = capacity
  const how =
    wish.hit === null
      ? `reckoned: Zipf ${wish.theta}, ${whole(wish.keys)} profiles, ${whole(wish.listKeys)} lists`
      : 'as given'
  const elastic = resources.filter(({ fullAt }) => Number.isFinite(fullAt))
  const [first] = elastic
  const needs = aligned([
    ['hit ratio', percent(capacity.hitRatio), `${how}; ${percent(capacity.l1Ratio)} in the process itself`],
    [
      'processor time',
      `${capacity.serviceMicroseconds.toFixed(0)} µs`,
      'of the service for a request, and nginx before it'
    ],
    [
      'instances',
      whole(capacity.instances),
      `${wish.instanceType}: 70 % at the peak, one more, three zones of which one may go`
    ],
    [
      'Redis',
      `${whole(capacity.redisPerSecond)}/s`,
      `${capacity.cacheNodes} × ${wish.cacheType}, one of them ready; ${size(hits.redisUsed)} of entries`
    ],
    [
      'replicas',
      whole(capacity.replicas),
      `${wish.replicaType}; ${whole(capacity.replicaQueriesPerSecond)} statements a second together`
    ],
    [
      'primary',
      `${whole(capacity.primaryStatementsPerSecond)}/s`,
      `${wish.primaryType}, Multi-AZ; ${whole(capacity.writes)} writes a second`
    ],
    [
      'connections',
      whole(capacity.processes * capacity.poolSize),
      `for writes, of ${capacity.processes} processes; ${capacity.poolSize} each`
    ],
    ['network', `${((capacity.outBytes * 8) / 1e9).toFixed(2)} Gbit/s`, 'to people']
  ])
  const full = aligned(
    [
      ['', 'used', 'there', '', 'full at'],
      ...elastic.map((one) => [
        one.name,
        figure(one.used),
        figure(one.there),
        one.unit,
        `${whole(one.fullAt)} req/s`
      ]),
      ...resources.filter(({ fullAt }) => !Number.isFinite(fullAt)).map(standing)
    ],
    [1, 2, 4]
  )
  const late = first && first.fullAt < wish.rps
  const breaks = first
    ? late
      ? `It does not hold: ${first.name} would be ${percent(first.used / first.there)} full. It breaks at ${whole(first.fullAt)} requests a second.`
      : `First to break: ${first.name}, at ${whole(first.fullAt)} requests a second.`
    : 'Nothing breaks.'
  const cost = aligned(
    [
      ...bill.lines.map(({ what, arithmetic, usd }) => [what, money(usd), arithmetic]),
      ['without the edge', money(bill.withoutEdge), ''],
      [
        'all',
        money(bill.total),
        `$${bill.perMillion.toFixed(2)} a million requests, ${whole(bill.millions)} million a month`
      ]
    ],
    [1]
  )
  const prices = aligned(
    pricesOf(bill).map(({ name, usd, per, source, read }) => [
      name,
      String(usd),
      `per ${per}`,
      read === null ? `from ${source}` : `${source}, read ${read}`
    ]),
    [1]
  )
  return `${whole(wish.rps)} requests a second, ${percent(wish.writes)} of them writes, ${whole(wish.payload)} bytes each

${needs}

${breaks}

${full}

$ a month, if the peak went on all month
${cost}

prices of ${region}: ${terms}
${prices}

terraform.tfvars
${tfvarsOf(variables)
  .split('\n')
  .map((line) => (line === '' ? '' : `  ${line}`))
  .join('\n')
  .trimEnd()}

costs of requests: ${from}
`
}

function standing({ name, used, there, unit }: Resource): string[] {
  return unit === 'bytes'
    ? [name, size(used), size(there), '', '']
    : [name, figure(used), figure(there), unit, '']
}

export function checkText(compared: readonly Compared[], from: string): string {
  const row = (
    name: string,
    { predicted, measured }: { predicted: number; measured: number },
    show: (value: number) => string,
    off: string
  ) => [name, show(predicted), show(measured), off]
  const points = ({ predicted, measured }: { predicted: number; measured: number }) =>
    `${signed((predicted - measured) * 100)} points`
  const share = ({ predicted, measured }: { predicted: number; measured: number }) =>
    `${signed((predicted / measured - 1) * 100)} %`
  const blocks = compared.map(({ driver, round, requestsPerSecond, doubts, hitRatio, l1Ratio, cpu }) => {
    const title = `${driver} loop, round ${round}, ${whole(requestsPerSecond)} requests a second${doubts.length > 0 ? ` (doubted: ${doubts.join('; ')})` : ''}`
    const table = aligned(
      [
        ['', 'predicted', 'measured', 'off by'],
        row('hit ratio', hitRatio, percent, points(hitRatio)),
        row('in the process itself', l1Ratio, percent, points(l1Ratio)),
        row('processor time', cpu, (value) => `${value.toFixed(1)} µs`, share(cpu))
      ],
      [1, 2, 3]
    )
    return `${title}\n${table}\n`
  })
  return `${blocks.join('\n')}\ncosts of requests: ${from}\n`
}

/** The table between the marks of terraform/README.md. */
export function readmeTable(wish: Wish, capacity: Capacity, bill: Bill, from: string): string {
  const rest = bill.lines.filter(({ edge }) => !edge)
  const edge = bill.lines.filter((line) => line.edge)
  const row = (what: string, arithmetic: string, usd: string) => `| ${what} | ${arithmetic} | ${usd} |`
  const prices = pricesOf(bill)
  const [first] = capacity.resources
  return `${whole(wish.rps)} requests a second, ${percent(wish.writes)} of them writes, ${whole(wish.payload)} bytes each (${whole(bill.millions)} million a month): a hit ratio of
${percent(capacity.hitRatio)}, ${capacity.serviceMicroseconds.toFixed(0)} µs of the service for a request (${from}).
First to break: ${first?.name}, at ${whole(first?.fullAt ?? 0)} requests a second.

| | arithmetic | $ a month |
|---|---|---:|
${rest.map(({ what, arithmetic, usd }) => row(what, arithmetic, whole(usd))).join('\n')}
${row('**without the edge**', '', `**${whole(bill.withoutEdge)}**`)}
${edge.map(({ what, arithmetic, usd }) => row(what, arithmetic, whole(usd))).join('\n')}
${row('**all**', `$${bill.perMillion.toFixed(2)} a million requests`, `**${whole(bill.total)}**`)}

Prices of ${region}: ${terms}.

| price | $ | per | known from |
|---|---:|---|---|
${prices.map(({ name, usd, per, source, read }) => `| ${name} | ${usd} | ${per} | ${read === null ? `from ${source}: check it before a budget rests on it` : `${source}, read ${read}`} |`).join('\n')}
`
}

const whole = (value: number) => Math.round(value).toLocaleString('en-US')
const percent = (share: number) => `${(100 * share).toFixed(1)} %`
const money = (usd: number) => whole(usd)
const figure = (value: number) => (value >= 100 ? whole(value) : value.toFixed(2))
const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`
const size = (bytes: number) =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`
