// Somebody guesses ids.
import type { Scenario } from './scenario.ts'

export const penetration: Scenario = {
  name: 'penetration',
  title: 'Guessed ids',
  says: 'Profiles that do not exist, each asked for once, beside some that do.',
  mix: { absent: 90, item: 10 },
  encoding: 'browser',
  warmUp: 1,
  open: [{ steps: [{ seconds: 8, rate: 500 }], subjects: ['turno'] }]
}
