// The audit trail of the service: `app.audit.record` for whoever acts on a record, and this instance's share of
// writing entries to the table. The trail itself is src/audit.
import { hash } from 'node:crypto'
import { resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type AuditConsumer, startAuditConsumer } from '../src/audit/consumer.ts'
import { toStream, toTable } from '../src/audit/destinations.ts'
import { type AuditEvent, lineOf, type Origin } from '../src/audit/entry.ts'
import { Recorder } from '../src/audit/recorder.ts'
import { Spool } from '../src/audit/spool.ts'
import { streamConnection } from '../src/audit/stream.ts'

export type Audit = {
  /** Notes who did what to which record, from where. Fire and forget: it never waits and never throws. */
  record(event: AuditEvent, request: Origin): void
  readonly recorder: Recorder
  /** Null where this instance writes none. */
  readonly consumer: AuditConsumer | null
}

declare module 'fastify' {
  interface FastifyInstance {
    audit: Audit
  }
}

/** Limit of a command of the recorder: nobody waits for it but the recorder. */
const commandTimeoutMs = 1_000
/** How long a leaving instance tries to hand on what it holds before the disk gets it. */
const farewellMs = 500

export default fp(
  async (app: FastifyInstance) => {
    const { mysql, redis, audit } = app.settings
    const spool = new Spool(resolve(audit.spoolDirectory, nameOf(mysql.primaryUrl)), audit.spoolBytes)
    const connection = redis.url === null ? null : streamConnection(redis.url, commandTimeoutMs)
    connection?.connect().catch(() => {}) // it goes on trying
    const recorder = new Recorder(connection ? toStream(connection) : toTable(app.mysql.primary), spool)
    const consumer =
      redis.url !== null && audit.consumer === 'on'
        ? startAuditConsumer({ redisUrl: redis.url, pool: app.mysql.primary, log: app.log })
        : null

    app.decorate('audit', {
      record(event, request) {
        try {
          recorder.record(lineOf(event, request))
        } catch (error) {
          app.log.error({ err: error }, 'an audit entry could not be made')
        }
      },
      recorder,
      consumer
    })
    app.addHook('onClose', async () => {
      await recorder.close(farewellMs)
      connection?.disconnect()
      await consumer?.close()
    })
  },
  { name: 'audit', dependencies: ['mysql'] }
)

// Entries that wait on this host for one database must never reach another.
function nameOf(primaryUrl: string): string {
  const { host, pathname } = new URL(primaryUrl)
  return hash('sha256', host + pathname, 'hex').slice(0, 16)
}
