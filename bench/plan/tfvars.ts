// The variables of terraform/ that go with a plan. Pure.
import type { Capacity } from './capacity.ts'
import type { Wish } from './options.ts'

export type Variables = Readonly<Record<string, Readonly<Record<string, string | number>>>>

const secondsPerMinute = 60

export function variablesOf(wish: Wish, capacity: Capacity): Variables {
  const { instances, maxSize, poolSize, replicas, maxConnections, cacheNodes, requests } = capacity
  return {
    fleet: {
      instance_type: wish.instanceType,
      min_size: instances,
      max_size: maxSize,
      cpu_percent: 70,
      requests_per_target: Math.max(60, Math.ceil((requests * secondsPerMinute) / instances))
    },
    service: { mysql_pool_size: poolSize, l1_bytes: wish.l1Bytes },
    database: {
      instance_class: wish.primaryType,
      replica_class: wish.replicaType,
      replicas,
      max_connections: maxConnections
    },
    cache: { node_type: wish.cacheType, nodes: cacheNodes }
  }
}

/** As terraform fmt would have it. */
export function tfvarsOf(variables: Variables): string {
  return Object.entries(variables)
    .map(([name, fields]) => {
      const width = Math.max(...Object.keys(fields).map((field) => field.length))
      const lines = Object.entries(fields).map(
        ([field, value]) => `  ${field.padEnd(width)} = ${JSON.stringify(value)}\n`
      )
      return `${name} = {\n${lines.join('')}}\n`
    })
    .join('\n')
}
