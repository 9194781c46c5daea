// Many who want the same hour: one gets it, the others hear so at once.
import type { Scenario } from './scenario.ts'

export const bookings: Scenario = {
  name: 'bookings',
  title: 'Contended bookings',
  says: 'Twenty people for each slot: one 201, nineteen 409.',
  mix: { bookContended: 60, availability: 40 },
  encoding: 'browser',
  warmUp: 1,
  open: [{ steps: [{ seconds: 8, rate: 150 }], subjects: ['turno'] }]
}
