// The profiles mix with what people really ask lists for: each change of a profile makes all of them old.
import type { Scenario } from './scenario.ts'

export const searches: Scenario = {
  name: 'searches',
  title: 'Two hundred searches, one write in ten',
  says: 'The profiles mix, but the lists are 200 searches by specialty and city instead of one for all.',
  mix: { list: 80, item: 10, createProfile: 5, patchProfile: 5 },
  keys: { profiles: 10_000, lists: 200 },
  filled: true,
  encoding: 'identity',
  warmUp: 2,
  open: [{ steps: [{ seconds: 8, rate: 1_000 }], subjects: ['turno', 'seed'] }]
}
