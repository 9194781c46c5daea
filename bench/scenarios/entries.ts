// How much memory a hundred thousand entries take, all of them in the process: settings are those of production, and their
// CACHE_L1_BYTES has room for so many.
import type { Scenario } from './scenario.ts'

export const entries: Scenario = {
  name: 'entries',
  title: 'A hundred thousand entries',
  says: 'Every profile is in the process, and is asked for by popularity: memory.',
  mix: { item: 100 },
  // Not faster than they can be made: at 4,000 misses a second nearly all would be refused, and nothing be held.
  filled: true,
  keys: { lists: 0 },
  encoding: 'identity',
  warmUp: 0,
  cold: true,
  open: [{ steps: [{ seconds: 30, rate: 4_000 }], subjects: ['turno'] }]
}
