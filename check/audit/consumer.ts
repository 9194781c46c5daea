// A consumer in a process of its own, made to be killed. Engines by environment; it ends with its parent.
import { Pool } from '../../db/pool.ts'
import { startAuditConsumer } from '../../src/audit/consumer.ts'

const { REDIS_URL: redisUrl = '', MYSQL_PRIMARY_URL: url = '' } = process.env

startAuditConsumer({
  redisUrl,
  pool: new Pool({ url, purpose: 'write', connections: 1, connectTimeoutMs: 2_000, workTimeoutMs: 5_000 }),
  log: { warn: (_details, message) => process.stderr.write(`${message}\n`) }
})
