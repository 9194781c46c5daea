// What each kind of request costs, as measured, and what it costs at another payload. Pure.
import type { Block, Result } from '../result.ts'

/** One request of a kind: processor time of everybody in it, and what it asks of the engines. Microseconds. */
export type Step = {
  /** Requests that were counted. */
  requests: number
  /** Of an answer on the wire, head included. */
  bytes: number
  service: number
  redis: number
  primary: number
  /** Of all replicas together. */
  replicas: number
  redisCommands: number
  primaryStatements: number
  replicaStatements: number
}

/** Each a whole request, answered by that layer. */
export const stepNames = [
  'hit',
  'hitList',
  'shared',
  'sharedList',
  'load',
  'loadList',
  'create',
  'change'
] as const
export type StepName = (typeof stepNames)[number]

/** bench/plan/measured.json, as `npm run plan -- --measure` writes it. */
export type Measured = {
  commit: string
  /** The code was not the commit's. */
  changed: boolean
  measuredAt: string
  machine: {
    model: string
    processors: number
    node: string
    mariadb: string
    redis: string
    loadAverage: number
  }
  /** Profiles in the data. */
  profiles: number
  /** Of an answer, head without body. */
  headBytes: number
  steps: Record<StepName, Step>
}

/** Costs of a request, processor microseconds by who spends them. */
export type Spent = Pick<Step, 'service' | 'redis' | 'primary' | 'replicas'>

export type Costs = {
  headBytes: number
  /** Any answer from L1: a base, and something for each byte. */
  hit: { service: number; perByte: number }
  /** What it takes besides, when the process does not have it; by kind of view. */
  item: { shared: Step; load: Step }
  list: { shared: Step; load: Step }
  create: Step
  change: Step
  /** Where these come from, for people. */
  from: string
}

export function costsOf(measured: Measured): Costs {
  const { hit, hitList, shared, sharedList, load, loadList, create, change } = measured.steps
  const perByte = Math.max(0, (hitList.service - hit.service) / Math.max(1, hitList.bytes - hit.bytes))
  return {
    headBytes: measured.headBytes,
    hit: { service: hit.service - perByte * hit.bytes, perByte },
    item: { shared: besides(shared, hit), load: besides(load, hit) },
    list: { shared: besides(sharedList, hitList), load: besides(loadList, hitList) },
    create,
    change,
    from: `a short run at ${measured.commit}${measured.changed ? ' and changes' : ''}, ${measured.measuredAt.slice(0, 10)}, ${measured.machine.model}, Node ${measured.machine.node}`
  }
}

/** What a step takes beyond a hit. Noise may make that less than nothing. */
function besides(step: Step, hit: Step): Step {
  const above = (name: Exclude<keyof Step, 'requests' | 'bytes'>) => Math.max(0, step[name] - hit[name])
  return {
    requests: step.requests,
    bytes: step.bytes,
    service: above('service'),
    redis: above('redis'),
    primary: above('primary'),
    replicas: above('replicas'),
    redisCommands: above('redisCommands'),
    primaryStatements: above('primaryStatements'),
    replicaStatements: above('replicaStatements')
  }
}

/** Of a hit whose body has so many bytes, the service's microseconds. */
export const hitCost = ({ hit, headBytes }: Costs, payload: number): number =>
  hit.service + hit.perByte * (payload + headBytes)

/**
 * Costs as a full run of the benchmark found them. It measures hits alone well; how all else stands to a hit is the
 * short run's, so that is taken as many times as the hits differ. The same where the run measured no hits.
 */
export function recalibrated(costs: Costs, result: Result): Costs {
  const blocks = ofTurno(result, 'hit')
  const requests = blocks.reduce((sum, { counts }) => sum + counts.requests, 0)
  if (requests === 0) return costs
  const bytes = blocks.reduce((sum, { counts }) => sum + counts.bytes, 0) / requests
  const service = blocks.reduce((sum, { counts }) => sum + serviceOf(counts.cpuMicroseconds), 0) / requests
  const factor = service / (costs.hit.service + costs.hit.perByte * bytes)
  const scaled = (step: Step): Step => ({
    ...step,
    service: step.service * factor,
    redis: step.redis * factor,
    primary: step.primary * factor,
    replicas: step.replicas * factor
  })
  const both = ({ shared, load }: Costs['item']) => ({ shared: scaled(shared), load: scaled(load) })
  return {
    headBytes: costs.headBytes,
    hit: { service: costs.hit.service * factor, perByte: costs.hit.perByte * factor },
    item: both(costs.item),
    list: both(costs.list),
    create: scaled(costs.create),
    change: scaled(costs.change),
    from: `hits of the full run at ${result.commit.slice(0, 7)}, ${result.startedAt.slice(0, 10)}; all else × ${factor.toFixed(2)} of ${costs.from}`
  }
}

/** Blocks of one instance of ours that nothing speaks against. */
export function ofTurno(result: Result, scenario: string): Block[] {
  return result.blocks.filter(
    (block) => block.scenario === scenario && block.subject === 'turno' && block.doubts.length === 0
  )
}

/** Of the service's processes: `turno-1`, `turno-2`, … */
export function serviceOf(cpuMicroseconds: Record<string, number>): number {
  return Object.entries(cpuMicroseconds).reduce(
    (sum, [name, spent]) => sum + (/^turno(-\d+)*$/.test(name) ? spent : 0),
    0
  )
}
