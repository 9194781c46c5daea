// How much memory a hundred thousand entries take.
import type { Scenario } from './scenario.ts'

export const entries: Scenario = {
  name: 'entries',
  title: 'A hundred thousand entries',
  says: 'Every profile once, in turn, then by popularity: memory, and what of it stays near.',
  mix: { everyItem: 100 },
  encoding: 'identity',
  warmUp: 0,
  cold: true,
  open: [{ steps: [{ seconds: 30, rate: 4_000 }], subjects: ['turno'] }]
}
