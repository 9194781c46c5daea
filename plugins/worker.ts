// The jobs of the service, in this process: those of `npm run worker`, and in-process where the settings say so.

import { drizzle } from 'drizzle-orm/mysql2'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { jobs } from '../src/jobs/jobs.ts'
import { JobWorker } from '../src/jobs/worker.ts'
import { deliver, findDue } from '../src/webhooks/deliveries.ts'
import { webhookSecrets } from '../src/webhooks/secrets.ts'
import { sender } from '../src/webhooks/sender.ts'

/** A job in a long batch is killed where it stands: it is safe there, and the next worker goes on. */
const farewellMs = 5_000
/** A worker whose last look was so long ago is not well. */
const silentMs = 60_000

declare module 'fastify' {
  interface FastifyInstance {
    worker: JobWorker
  }
}

export default fp(
  async (app: FastifyInstance) => {
    const { redis, auth, webhooks } = app.settings
    if (redis.url === null) throw new Error('jobs need REDIS_URL')
    const { primary } = app.mysql
    const { cache, mysql } = app
    const sending = sender(webhooks.insecure)
    const parts = { cache, sender: sending, secrets: webhookSecrets(webhooks.keys, auth.secret) }
    const worker = new JobWorker({
      redisUrl: redis.url,
      jobs: jobs({ cache, mysql, announce: app.events.announce }),
      deliveries: {
        due: () => primary.use((connection) => findDue(drizzle({ client: connection }), Date.now())),
        deliver: async (id) => void (await deliver(parts, id))
      },
      failed: (job, error) => app.log.warn({ err: error, job }, 'a job failed; it comes again')
    })
    app.decorate('worker', worker)

    const startedAt = Date.now()
    app.health.add('worker', () => {
      const lastAt = Math.max(startedAt, ...[...worker.counters.values()].map((job) => job.lastAt))
      return { status: Date.now() - lastAt < silentMs ? 'up' : 'down', figures: { lastLookAt: lastAt } }
    })
    const { meter } = app.metrics
    const count = (name: string, description: string) => meter.createObservableCounter(name, { description })
    const runs = count('turno.jobs.runs', 'Runs of jobs, by name.')
    const failures = count('turno.jobs.failures', 'Runs that failed.')
    const done = count('turno.jobs.done', 'What jobs have done: events, bookings, rows, attempts.')
    const took = meter.createObservableGauge('turno.jobs.duration', {
      description: 'How long the last run took.',
      unit: 's'
    })
    meter.addBatchObservableCallback(
      (result) => {
        for (const [name, job] of worker.counters) {
          const attributes = { 'turno.job': name }
          result.observe(runs, job.runs, attributes)
          result.observe(failures, job.failures, attributes)
          result.observe(done, job.done, attributes)
          result.observe(took, job.lastMs / 1000, attributes)
        }
      },
      [runs, failures, done, took]
    )

    app.addHook('onReady', async () => worker.start())
    // Before the parts that it stands on are closed.
    app.addHook('preClose', async () => {
      await worker.close(farewellMs)
      await sending.close()
    })
  },
  { name: 'worker', dependencies: ['mysql', 'cache', 'events', 'health', 'telemetry'] }
)
