// Browsers that have it already.
import type { Scenario } from './scenario.ts'

export const conditional: Scenario = {
  name: 'conditional',
  title: 'Revalidation',
  says: 'Each asks with the ETag that it has: 304, no body.',
  mix: { revalidate: 100 },
  keys: { profiles: 1_000 },
  encoding: 'browser',
  warmUp: 1,
  open: [{ steps: [{ seconds: 8, rate: 1_000 }], subjects: ['turno'] }]
}
