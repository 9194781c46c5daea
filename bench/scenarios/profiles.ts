// The mix of the seed project on horizontal scaling: lists 80, items 10, creations 5, changes 5.
import { peers, popularProfiles, type Scenario } from './scenario.ts'

export const profiles: Scenario = {
  name: 'profiles',
  title: 'Profiles, one write in ten',
  says: 'Lists 80 %, single profiles 10 %, new profiles 5 %, changed profiles 5 %; popularity by Zipf.',
  mix: { list: 80, item: 10, createProfile: 5, patchProfile: 5 },
  keys: popularProfiles,
  filled: true,
  encoding: 'identity',
  warmUp: 15,
  compared: { rounds: 6, seconds: 3, with: peers },
  open: [{ steps: [{ seconds: 10, rate: 1000 }], subjects: ['turno', ...peers] }]
}
