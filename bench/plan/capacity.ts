// From a wish and what requests cost to what has to be there: how many of each, how full, and what is full first. Pure.
import { type Costs, hitCost, type Step } from './costs.ts'
import { type Hits, hitsOf, type Load } from './hits.ts'
import { cacheTypes, databaseTypes, type InstanceType, instanceTypes } from './machines.ts'
import type { Wish } from './options.ts'

/** How full a processor may be at the peak: above it waiting grows faster than work. */
const target = 0.7
const zones = 3
/** Of the writes; the rest makes something new. The mix of the profiles scenario. */
export const changesShare = 0.5
/** nginx on each instance, without a cache: its own side of one request. Measured on nginx 1.22, wrk, 1.2 KB, 2026-11. */
const nginxMicroseconds = 54
/** A process hearing of one write of another's. From memory: a line to take apart and two comparisons. */
const heardMicroseconds = 5
/** Redis telling one process of one write. From memory. */
const publishMicroseconds = 3
/** A process that is idle asks Redis so often whether it hears everything (src/cache/link.ts), and what that takes. */
const beatsPerSecond = 60
const beatMicroseconds = 8
/** Beside entries, of a process under load: measured 80 MB at rest, doubled for what requests hold. */
const processBytes = 160 * 2 ** 20
/** Memory that an entry really takes, of what L1 counts. */
const bytesPerCounted = 1.1
/** From asking for a connection to giving it back, in commits. */
const commitsPerWrite = 3
/** Writes that share a transaction when they queue for that row (src/cache/together.ts). */
const mostTogether = 50
/** terraform/variables.tf: fleet.max_size at most, and its own default. */
const fleetDefault = 100

export type Resource = {
  name: string
  /** Used, and there, in `unit`. */
  used: number
  there: number
  unit: string
  /** Requests a second at which it is full, if each request goes on taking what it takes now. */
  fullAt: number
}

export type Capacity = {
  hits: Hits
  /** Of the reads that reach instances: without a database, and from the process itself. */
  hitRatio: number
  l1Ratio: number
  /** Requests a second that reach the instances; reads and writes of them. */
  requests: number
  reads: number
  writes: number
  /** The service's, of one request. */
  serviceMicroseconds: number
  instances: number
  processes: number
  maxSize: number
  poolSize: number
  replicas: number
  maxConnections: number
  cacheNodes: number
  /** Bytes a second that go out to people, and out of the instances. */
  outBytes: number
  redisPerSecond: number
  replicaQueriesPerSecond: number
  primaryStatementsPerSecond: number
  /** The fullest first. */
  resources: readonly Resource[]
}

/** What the fleet does, each a second. */
export type Work = { l1: number; create: number; change: number } & Pick<
  Hits,
  'redis' | 'loaded' | 'refreshedFromRedis' | 'refreshedByLoad'
>

export function capacityOf(wish: Wish, costs: Costs): Capacity {
  const instance = known(instanceTypes, wish.instanceType)
  const allReads = wish.rps * (1 - wish.writes)
  const reads = allReads * (1 - (wish.edge ?? 0))
  const writes = wish.rps * wish.writes

  // More instances are more processes, each with fewer requests, so with fewer hits: until it stays as it is.
  let instances = zones
  for (;;) {
    const reckoned = reckon(wish, costs, instance, reads, writes, instances * instance.vcpus)
    const needed = instancesFor(reckoned.serviceSecond / 1e6, instance)
    if (needed <= instances) return finish(wish, costs, instance, reckoned, instances)
    instances = needed
  }
}

type Reckoned = {
  hits: Hits
  work: Work
  reads: number
  writes: number
  processes: number
  /** Microseconds a second of all instances' processors; nginx in it. */
  serviceSecond: number
}

function reckon(
  wish: Wish,
  costs: Costs,
  instance: InstanceType,
  reads: number,
  writes: number,
  processes: number
): Reckoned {
  const load: Load = {
    reads,
    writes,
    changes: changesShare,
    lists: wish.lists,
    itemKeys: wish.keys,
    listKeys: wish.listKeys,
    theta: wish.theta,
    itemBytes: wish.payload,
    listBytes: wish.listPayload
  }
  const redisBytes = usableBytes(wish)
  const reckonedHits = hitsOf(load, { l1Bytes: wish.l1Bytes, processes, redisBytes })
  const hits = wish.hit === null ? reckonedHits : overridden(reckonedHits, reads, wish.hit)
  const work = workOf(hits, load)
  const answering = reads * hitCost(costs, meanPayload(wish)) + spent('service', work, wish.lists, costs)
  const serviceSecond =
    instance.slower *
    ((reads + writes) * nginxMicroseconds + answering + writes * processes * heardMicroseconds)
  return { hits, work, reads, writes, processes, serviceSecond }
}

export function workOf(hits: Hits, { writes, changes }: Load): Work {
  return { ...hits, create: writes * (1 - changes), change: writes * changes }
}

const meanPayload = ({ lists, payload, listPayload }: Wish) => lists * listPayload + (1 - lists) * payload

/** What all of it takes a second, beyond what a read takes whose answer is there. */
export function spent(
  name:
    | 'service'
    | 'redis'
    | 'primary'
    | 'replicas'
    | 'redisCommands'
    | 'primaryStatements'
    | 'replicaStatements',
  work: Work,
  lists: number,
  { item, list, create, change }: Costs
): number {
  const mixed = (step: (of: Costs['item']) => Step) =>
    lists * step(list)[name] + (1 - lists) * step(item)[name]
  return (
    work.redis * mixed(({ shared }) => shared) +
    work.loaded * mixed(({ load }) => load) +
    work.refreshedFromRedis * list.shared[name] +
    work.refreshedByLoad * list.load[name] +
    work.create * create[name] +
    work.change * change[name]
  )
}

/** A ratio that somebody knows better: what is not loaded is answered as near as reckoned. */
function overridden(hits: Hits, reads: number, ratio: number): Hits {
  const found = hits.l1 + hits.redis
  const factor = found === 0 ? 0 : (reads * ratio) / found
  return { ...hits, l1: hits.l1 * factor, redis: hits.redis * factor, loaded: reads * (1 - ratio) }
}

/**
 * So many that each is at its target, and one more; a zone's worth apart; and what is left after losing a zone still
 * carries all.
 */
export function instancesFor(processorSeconds: number, { vcpus, sustained }: InstanceType): number {
  const each = vcpus * sustained
  let count = Math.max(zones, Math.ceil(processorSeconds / (each * target)) + 1)
  while ((count - Math.ceil(count / zones)) * each < processorSeconds) count++
  return count
}

const usableBytes = ({ cacheType }: Wish) => known(cacheTypes, cacheType).memoryGib * 2 ** 30 * 0.75

function finish(
  wish: Wish,
  costs: Costs,
  instance: InstanceType,
  { hits, work, reads, writes, processes, serviceSecond }: Reckoned,
  instances: number
): Capacity {
  const requests = reads + writes
  const second = (name: Parameters<typeof spent>[0]) => spent(name, work, wish.lists, costs)
  const maxSize = Math.min(1000, Math.max(fleetDefault, 2 * instances))

  // Little: connections at work are writes a second times how long each is held; twice that, for they come in crowds.
  const poolSize = Math.max(4, Math.ceil((2 * writes * wish.commitMs * commitsPerWrite) / 1000 / processes))
  const connections =
    Math.ceil(maxSize * 1.1) * instance.vcpus * (poolSize + Math.max(2, Math.ceil(poolSize * 0.4)))
  const maxConnections = Math.max(2000, Math.ceil(connections / 0.9 / 100) * 100)

  // Each replica applies every write; what is left of it reads.
  const replica = known(databaseTypes, wish.replicaType)
  const { create, change } = costs
  const measuredReplicas = 2
  const applying = (work.create * create.replicas + work.change * change.replicas) / measuredReplicas / 1e6
  const reading = (second('replicas') - applying * measuredReplicas * 1e6) / 1e6
  const left = replica.vcpus * target - applying
  const replicas = left <= 0 ? 15 : Math.max(zones, Math.min(15, Math.ceil(Math.max(0, reading) / left) + 1))

  const redisBusy =
    (second('redis') +
      writes * processes * publishMicroseconds +
      processes * beatsPerSecond * beatMicroseconds) /
    1e6
  const outOf = (readsOut: number) =>
    readsOut * (meanPayload(wish) + costs.headBytes) + writes * (wish.payload + costs.headBytes)
  const processMemory = processBytes + Math.min(wish.l1Bytes, hits.l1Used) * bytesPerCounted
  const full = (name: string, used: number, there: number, unit: string): Resource => ({
    name,
    used,
    there,
    unit,
    fullAt: used === 0 ? Number.POSITIVE_INFINITY : (wish.rps * there) / used
  })
  const perVcpu = instance.sustained
  const primary = known(databaseTypes, wish.primaryType)
  const resources = [
    full('processors of the largest fleet', serviceSecond / 1e6, maxSize * instance.vcpus * perVcpu, 'vCPU'),
    full(
      'network of the largest fleet',
      (outOf(reads) * 8) / 1e9,
      maxSize * instance.gigabitsPerSecond,
      'Gbit/s'
    ),
    full("Redis' thread", redisBusy, 1, 'cores'),
    full("primary's processors", second('primary') / 1e6, primary.vcpus, 'vCPU'),
    full('row that every list depends on', (writes * wish.commitMs) / 1000 / mostTogether, 1, 'locked'),
    full(
      "replicas' processors",
      applying * replicas + Math.max(0, reading),
      15 * replica.vcpus,
      'vCPU, 15 replicas'
    )
  ].sort((a, b) => a.fullAt - b.fullAt)
  const standing = [
    full(
      'memory of an instance',
      processMemory * instance.vcpus,
      instance.memoryGib * 2 ** 30 * 0.8,
      'bytes'
    ),
    full('memory of Redis', hits.redisUsed, usableBytes(wish), 'bytes'),
    full('connections to the primary', connections, maxConnections * 0.9, 'connections')
  ].map((one) => ({ ...one, fullAt: Number.POSITIVE_INFINITY }))

  return {
    hits,
    hitRatio: reads === 0 ? 0 : 1 - hits.loaded / reads,
    l1Ratio: reads === 0 ? 0 : hits.l1 / reads,
    requests,
    reads,
    writes,
    serviceMicroseconds: serviceSecond / requests / instance.slower - nginxMicroseconds,
    instances,
    processes,
    maxSize,
    poolSize,
    replicas,
    maxConnections,
    cacheNodes: 2,
    outBytes: outOf(wish.rps * (1 - wish.writes)),
    redisPerSecond: second('redisCommands') + processes * beatsPerSecond,
    replicaQueriesPerSecond: second('replicaStatements'),
    primaryStatementsPerSecond: second('primaryStatements'),
    resources: [...resources, ...standing]
  }
}

function known<Type>(types: Readonly<Record<string, Type>>, name: string): Type {
  const type = types[name]
  if (type === undefined) throw new Error(`nothing is known of ${name}`)
  return type
}
