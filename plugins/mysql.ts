// MySQL for the service: the primary's two pools and the replicas with their health. It knows no table.
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Pool } from '../db/pool.ts'
import { Replicas } from '../db/replicas.ts'

export type MySql = {
  /** READ COMMITTED, UTC: every write. */
  primary: Pool
  /** One read view per unit of work, on the primary: what no replica can answer. Small, so that reads cannot drown writes. */
  primaryReads: Pool
  replicas: Replicas
}

declare module 'fastify' {
  interface FastifyInstance {
    mysql: MySql
  }
}

// When every replica is gone, reads may load the primary no further than this share of its pool.
const primaryReadShare = 0.4

export default fp(
  async (app: FastifyInstance) => {
    const { primaryUrl, replicaUrls, poolSize, connectTimeoutMs, queryTimeoutMs, maxLagMs } =
      app.settings.mysql
    const limits = { connectTimeoutMs, workTimeoutMs: queryTimeoutMs }
    const primary = new Pool({ url: primaryUrl, purpose: 'write', connections: poolSize, ...limits })
    const primaryReads = new Pool({
      url: primaryUrl,
      purpose: 'read',
      connections: Math.max(2, Math.ceil(poolSize * primaryReadShare)),
      ...limits
    })
    const replicas = new Replicas({ urls: replicaUrls, connections: poolSize, maxLagMs, ...limits })
    app.decorate('mysql', { primary, primaryReads, replicas })
    app.addHook('onClose', async () => {
      await Promise.all([primary.close(), primaryReads.close(), replicas.close()])
    })
    app.health.add('mysql-primary', () => ({
      status: primary.answering ? 'up' : 'down',
      figures: { ...primary.stats() }
    }))
    for (const replica of replicas.all) {
      app.health.add(`mysql-${replica.name}`, () => {
        const { serving, lagSeconds, pool } = replica.state()
        return { status: serving ? 'up' : 'down', figures: { lagSeconds, ...pool } }
      })
    }
    await replicas.start()
  },
  { name: 'mysql', dependencies: ['health'] }
)
