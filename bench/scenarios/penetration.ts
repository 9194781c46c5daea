// Somebody guesses ids.
import type { Scenario } from './scenario.ts'

export const penetration: Scenario = {
  name: 'penetration',
  title: 'Guessed ids',
  says: 'Profiles that do not exist, each asked for once, beside some that do and are there already.',
  mix: { absent: 90, item: 10 },
  keys: { profiles: 1_000 },
  filled: true,
  encoding: 'browser',
  warmUp: 1,
  open: [{ steps: [{ seconds: 8, rate: 500 }], subjects: ['turno'] }]
}
