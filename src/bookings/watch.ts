// Looks every few minutes whether bookings overlap, and shows the number to whoever scrapes. It has to be 0: page
// somebody when it is not. On a replica where there is one, and of what is to come: `npm run check:overlaps` looks at all.
import type { FastifyInstance } from 'fastify'
import { countOverlaps } from './overlaps.ts'

const everyMs = 5 * 60_000
const dayMs = 86_400_000
const withinMs = 1_500

export default async function watch(app: FastifyInstance): Promise<void> {
  let overlaps = 0
  app.metrics.meter
    .createObservableGauge('turno.bookings.overlaps', {
      description:
        'Bookings from yesterday on that begin before another has ended, when last looked. Has to be 0.'
    })
    .addCallback((result) => result.observe(overlaps))

  const look = async () => {
    const pool = app.mysql.replicas.choose()?.pool ?? app.mysql.primaryReads
    overlaps = await pool.use(
      (connection) => countOverlaps(connection, new Date(Date.now() - dayMs)),
      withinMs
    )
    if (overlaps > 0) app.log.error({ overlaps }, 'bookings overlap')
  }
  // Not all instances at one moment; and a database that does not answer is other parts' to speak of.
  let timer: NodeJS.Timeout
  const again = () => {
    timer = setTimeout(
      () =>
        look()
          .catch(() => {})
          .finally(again),
      everyMs * (0.8 + 0.4 * Math.random())
    )
    timer.unref()
  }
  again()
  app.addHook('onClose', async () => clearTimeout(timer))
}
