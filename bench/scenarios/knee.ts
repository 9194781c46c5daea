// Where it breaks.
import { popularProfiles, type Scenario } from './scenario.ts'

export const knee: Scenario = {
  name: 'knee',
  title: 'The knee',
  says: 'The rate of the profiles mix is raised until the slowest in a hundred wait 50 ms or answers fall behind.',
  mix: { list: 80, item: 10, createProfile: 5, patchProfile: 5 },
  keys: popularProfiles,
  filled: true,
  encoding: 'identity',
  warmUp: 3,
  knee: { from: 500, to: 12_000, factor: 1.5, seconds: 3, subjects: ['turno', 'seed'] }
}
