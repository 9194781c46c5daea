// Every scenario, in the order in which a full run goes through them.
import { bookings } from './bookings.ts'
import { conditional } from './conditional.ts'
import { entries } from './entries.ts'
import { hit } from './hit.ts'
import { hitToken } from './hit-token.ts'
import { knee } from './knee.ts'
import { penetration } from './penetration.ts'
import { practice } from './practice.ts'
import { profiles } from './profiles.ts'
import { redisHung } from './redis-hung.ts'
import type { Scenario } from './scenario.ts'
import { searches } from './searches.ts'
import { soak } from './soak.ts'
import { spike } from './spike.ts'
import { stampede } from './stampede.ts'

export const scenarios: readonly Scenario[] = [
  hit,
  hitToken,
  profiles,
  searches,
  practice,
  conditional,
  penetration,
  bookings,
  spike,
  knee,
  redisHung,
  stampede,
  entries,
  soak
]
