// What it costs a month, line by line, at list prices. Pure.
import type { Capacity } from './capacity.ts'
import type { Wish } from './options.ts'
import list from './prices.json' with { type: 'json' }

export const hoursPerMonth = 730
const secondsPerMonth = hoursPerMonth * 3600
const zones = 3
const databaseGb = 100
const instanceGb = 20
const endpoints = 6
const freeEdgeRequests = 10e6
const freeEdgeGb = 1000

type PriceName = keyof typeof list.prices

export type Line = {
  what: string
  arithmetic: string
  usd: number
  /** Lines of the edge come after the sum of the rest. */
  edge: boolean
  prices: readonly PriceName[]
}

export type Bill = {
  lines: readonly Line[]
  total: number
  withoutEdge: number
  perMillion: number
  millions: number
}

/** As if the peak went on all month: the upper bound. */
export function billOf(wish: Wish, capacity: Capacity): Bill {
  const { instances, replicas, cacheNodes, outBytes } = capacity
  const millions = (wish.rps * secondsPerMonth) / 1e6
  const gbOut = (outBytes * secondsPerMonth) / 1e9
  // What an LCU is made of: 1 GB an hour; new connections and rules do not matter behind CloudFront's kept ones.
  const originBytes = (outBytes * capacity.requests) / wish.rps
  const lcus = (originBytes * 3600) / 1e9
  const lines: Line[] = [
    {
      what: 'instances',
      arithmetic: `${instances} ${wish.instanceType} × (${price(wish.instanceType)} × 730 + ${instanceGb} GB × ${price('instance storage')} + ${price('detailed monitoring')} monitoring)`,
      usd:
        instances *
        (hourly(wish.instanceType) + instanceGb * price('instance storage') + price('detailed monitoring')),
      edge: false,
      prices: [named(wish.instanceType), 'instance storage', 'detailed monitoring']
    },
    {
      what: 'MySQL primary, Multi-AZ',
      arithmetic: `2 × (${wish.primaryType} ${price(wish.primaryType)} × 730 + ${databaseGb} GB × ${price('database storage')})`,
      usd: 2 * (hourly(wish.primaryType) + databaseGb * price('database storage')),
      edge: false,
      prices: [named(wish.primaryType), 'database storage']
    },
    {
      what: 'replicas',
      arithmetic: `${replicas} × (${wish.replicaType} ${price(wish.replicaType)} × 730 + ${databaseGb} GB × ${price('database storage')})`,
      usd: replicas * (hourly(wish.replicaType) + databaseGb * price('database storage')),
      edge: false,
      prices: [named(wish.replicaType), 'database storage']
    },
    {
      what: 'Valkey',
      arithmetic: `${cacheNodes} × ${wish.cacheType} ${price(wish.cacheType)} × 730`,
      usd: cacheNodes * hourly(wish.cacheType),
      edge: false,
      prices: [named(wish.cacheType)]
    },
    {
      what: 'load balancer',
      arithmetic: `(${price('load balancer')} + ${lcus.toFixed(1)} LCU × ${price('capacity unit')}) × 730`,
      usd: hourly('load balancer') + lcus * hourly('capacity unit'),
      edge: false,
      prices: ['load balancer', 'capacity unit']
    },
    {
      what: 'NAT, endpoints, addresses',
      arithmetic: `${zones} × (${price('NAT')} + ${endpoints} × ${price('endpoint')} + ${price('address')}) × 730`,
      usd: zones * (hourly('NAT') + endpoints * hourly('endpoint') + hourly('address')),
      edge: false,
      prices: ['NAT', 'endpoint', 'address']
    },
    {
      what: 'logs, alarms, keys, secrets, zone',
      arithmetic: 'an estimate',
      usd: price('watching'),
      edge: false,
      prices: ['watching']
    },
    ...(wish.edge === null ? [withoutCdn(gbOut)] : edgeLines(millions, gbOut))
  ]
  const total = lines.reduce((sum, { usd }) => sum + usd, 0)
  const withoutEdge = lines.reduce((sum, { usd, edge }) => sum + (edge ? 0 : usd), 0)
  return { lines, total, withoutEdge, perMillion: total / millions, millions }
}

function withoutCdn(gb: number): Line {
  return {
    what: 'transfer out',
    arithmetic: `${whole(gb)} GB × ${price('transfer out')}`,
    usd: gb * price('transfer out'),
    edge: true,
    prices: ['transfer out']
  }
}

function edgeLines(millions: number, gb: number): Line[] {
  const paidMillions = Math.max(0, millions - freeEdgeRequests / 1e6)
  const paidGb = Math.max(0, gb - freeEdgeGb)
  return [
    {
      what: 'CloudFront',
      arithmetic: `${whole(paidMillions)} million × ${price('edge request')} + ${whole(paidGb)} GB × ${price('edge transfer')}`,
      usd: paidMillions * price('edge request') + paidGb * price('edge transfer'),
      edge: true,
      prices: ['edge request', 'edge transfer']
    },
    {
      what: 'WAF',
      arithmetic: `${price('firewall')} + ${whole(millions)} million × ${price('firewall request')}`,
      usd: price('firewall') + millions * price('firewall request'),
      edge: true,
      prices: ['firewall', 'firewall request']
    }
  ]
}

/** What a bill rests on: each price once, with where it is from. */
export function pricesOf(
  bill: Bill
): { name: string; usd: number; per: string; source: string; read: string | null }[] {
  const names = [...new Set(bill.lines.flatMap(({ prices }) => prices))]
  return names.map((name) => ({ name, ...list.prices[name] }))
}

export const { region, terms } = list

function named(name: string): PriceName {
  if (!isPriceName(name)) throw new Error(`prices.json has no price of ${name}`)
  return name
}
const isPriceName = (name: string): name is PriceName => Object.hasOwn(list.prices, name)

const price = (name: string): number => list.prices[named(name)].usd
const hourly = (name: string): number => price(name) * hoursPerMonth
const whole = (value: number) => Math.round(value).toLocaleString('en-US')
