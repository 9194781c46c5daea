// The same for longer: what grows.
import { popularProfiles, type Scenario } from './scenario.ts'

export const soak: Scenario = {
  name: 'soak',
  title: 'A longer while',
  says: 'The profiles mix at a steady rate: memory, event loop and collections over time.',
  mix: { list: 80, item: 10, createProfile: 5, patchProfile: 5 },
  keys: popularProfiles,
  filled: true,
  encoding: 'browser',
  warmUp: 2,
  open: [{ steps: [{ seconds: 60, rate: 500 }], subjects: ['turno'] }]
}
