// Redis keeps its connections and answers nothing.
import { popularProfiles, type Scenario } from './scenario.ts'

export const redisHung: Scenario = {
  name: 'redis-hung',
  title: 'A hung Redis',
  says: 'Redis stands still for six seconds: what answers do meanwhile and after.',
  mix: { list: 80, item: 15, patchProfile: 5 },
  keys: popularProfiles,
  filled: true,
  encoding: 'identity',
  warmUp: 2,
  open: [{ steps: [{ seconds: 16, rate: 300 }], subjects: ['turno', 'seed', 'seed-hardened'] }],
  fault: { what: 'Redis hangs', from: 4, until: 10 }
}
