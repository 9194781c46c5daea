// How much this instance has under way at Redis and the databases at a time, and who is refused when it is more. It has
// no hook: what is answered from memory pays nothing for it, and what is not passes it in the cache (src/overload/).
// plugins/load-shedding.ts stands before it for a process that cannot even keep up with answering from memory.
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Admission, type Admissions, urgencies } from '../src/overload/admission.ts'

declare module 'fastify' {
  interface FastifyInstance {
    admission: Admissions
  }
}

/** From here to the end of the first burst that a new process meets, ms. */
const coldForMs = 10_000

export default fp(
  async (app: FastifyInstance) => {
    const admission: Admissions = { reads: new Admission(coldForMs), writes: new Admission() }
    app.decorate('admission', admission)

    const { meter } = app.metrics
    const gauge = (name: string, description: string, of: (admission: Admission) => number) =>
      meter.createObservableGauge(name, { description }).addCallback((result) => {
        for (const [work, one] of Object.entries(admission)) result.observe(of(one), { work })
      })
    gauge('turno.admission.limit', 'Work that may be under way at a time.', ({ state }) => state.limit)
    gauge('turno.admission.used', 'Work that is under way.', ({ state }) => state.underWay)
    gauge('turno.admission.waiting', 'Work that waits for its turn.', ({ state }) => state.waiting)
    meter
      .createObservableCounter('turno.admission.refused', { description: 'Work refused, by its urgency.' })
      .addCallback((result) => {
        for (const urgency of urgencies) {
          result.observe(admission.reads.refused[urgency] + admission.writes.refused[urgency], { urgency })
        }
      })
  },
  { name: 'overload', dependencies: ['telemetry'] }
)
