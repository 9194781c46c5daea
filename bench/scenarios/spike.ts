// Two spikes: from nobody to two hundred and back, and ten times the usual.
import { popularProfiles, type Scenario } from './scenario.ts'

export const spike: Scenario = {
  name: 'spike',
  title: 'Spikes',
  says: '1, 200, 1 requests a second; then ten times of 1,000. What is turned away is counted as such.',
  mix: { list: 80, item: 10, createProfile: 5, patchProfile: 5 },
  keys: popularProfiles,
  filled: true,
  encoding: 'browser',
  warmUp: 2,
  open: [
    {
      steps: [
        { seconds: 3, rate: 1 },
        { seconds: 6, rate: 200 },
        { seconds: 3, rate: 1 }
      ],
      subjects: ['turno']
    },
    {
      steps: [
        { seconds: 4, rate: 1_000 },
        { seconds: 4, rate: 10_000 },
        { seconds: 4, rate: 1_000 }
      ],
      subjects: ['turno', 'seed']
    }
  ]
}
