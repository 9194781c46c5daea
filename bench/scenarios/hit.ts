// The cheapest answer of all: one public profile from the nearest layer.
import type { Scenario } from './scenario.ts'

export const hit: Scenario = {
  name: 'hit',
  title: 'Hits of the first layer',
  says: 'What an answer costs that is there already, beside a bare route that sends the same bytes.',
  mix: { item: 100 },
  keys: { profiles: 100 },
  encoding: 'identity',
  warmUp: 8,
  compared: { rounds: 8, seconds: 3, rate: 20_000, with: ['bare', 'nginx-static'] }
}
