// The same with somebody who has to be recognised.
import type { Scenario } from './scenario.ts'

export const hitToken: Scenario = {
  name: 'hit-token',
  title: 'Hits that need a token',
  says: "One's own account from the nearest layer: signature and session of the token checked each time.",
  mix: { me: 100 },
  encoding: 'identity',
  warmUp: 8,
  compared: { rounds: 8, seconds: 3, rate: 20_000, with: ['bare'] }
}
