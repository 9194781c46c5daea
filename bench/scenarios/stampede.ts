// Everything is empty, and everybody is there.
import type { Scenario } from './scenario.ts'

export const stampede: Scenario = {
  name: 'stampede',
  title: 'Cold start at full rate',
  says: 'A new process and an empty Redis meet the full load: how often each thing is loaded.',
  mix: { list: 80, item: 20 },
  encoding: 'browser',
  warmUp: 0,
  cold: true,
  open: [{ steps: [{ seconds: 10, rate: 1_000 }], subjects: ['turno'] }]
}
