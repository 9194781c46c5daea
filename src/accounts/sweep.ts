// Removes sessions that have run out. Nothing depends on it but the size of the table: whoever reads sessions looks at
// their end himself.
import { asc, lt } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
import type { FastifyInstance } from 'fastify'
import type { Pool } from '../../db/pool.ts'
import { sessions } from '../../db/schema.ts'

/** How often each instance looks; not all at one moment. */
const everyMs = 600_000
/** Locks of one statement, and statements of one sweep: it is in nobody's way, and what is left waits. */
const rowsAtOnce = 500
const mostStatements = 20

/** Sweeps now and then, until the service closes. */
export function sweepSessions(app: FastifyInstance): void {
  let timer: NodeJS.Timeout | undefined
  const schedule = () => {
    timer = setTimeout(sweep, everyMs * (0.5 + Math.random()))
    timer.unref()
  }
  const sweep = () => {
    removeEndedSessions(app.mysql.primary)
      .catch((error: unknown) => app.log.warn({ err: error }, 'could not remove ended sessions'))
      .finally(schedule)
  }
  app.addHook('onReady', async () => schedule())
  app.addHook('onClose', async () => clearTimeout(timer))
}

/** Removes the tokens of sessions that have run out. @returns how many */
export async function removeEndedSessions(primary: Pool): Promise<number> {
  let removed = 0
  for (let statement = 0; statement < mostStatements; statement++) {
    const [{ affectedRows }] = await primary.use((connection) =>
      drizzle({ client: connection })
        .delete(sessions)
        .where(lt(sessions.expiresAt, new Date().toISOString()))
        .orderBy(asc(sessions.expiresAt))
        .limit(rowsAtOnce)
    )
    removed += affectedRows
    if (affectedRows < rowsAtOnce) break
  }
  return removed
}
