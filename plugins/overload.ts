// How much this instance has under way at Redis and the databases at a time, and who is refused when it is more. It has
// no hook: what is answered from memory pays nothing for it, and what is not passes it in the cache (src/overload/).
// plugins/load-shedding.ts stands before it for a process that cannot even keep up with answering from memory.
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Admission, urgencies } from '../src/overload/admission.ts'

declare module 'fastify' {
  interface FastifyInstance {
    admission: Admission
  }
}

export default fp(
  async (app: FastifyInstance) => {
    const admission = new Admission()
    app.decorate('admission', admission)

    const { meter } = app.metrics
    const gauge = (name: string, description: string, of: () => number) =>
      meter.createObservableGauge(name, { description }).addCallback((result) => result.observe(of()))
    gauge('turno.admission.limit', 'Work that may be under way at a time.', () => admission.state.limit)
    gauge('turno.admission.used', 'Work that is under way.', () => admission.state.underWay)
    gauge('turno.admission.waiting', 'Work that waits for its turn.', () => admission.state.waiting)
    meter
      .createObservableCounter('turno.admission.refused', { description: 'Work refused, by its urgency.' })
      .addCallback((result) => {
        for (const urgency of urgencies) result.observe(admission.refused[urgency], { urgency })
      })
  },
  { name: 'overload', dependencies: ['telemetry'] }
)
