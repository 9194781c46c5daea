// What is explored: small worlds, each around one thing that can go wrong, and the rule that each shows to be needed.
import type { neededRules, thriftyRules } from './rules.ts'
import type { Bounds } from './state.ts'

/** Small enough to be visited to the last state on every run. */
export const scenarios = {
  'a replica lags through two commits': { commits: 2, fills: [1], gap: 1, start: 'warm' },
  'everything is empty': { commits: 1, fills: [null] },
  'a connection is lost': { commits: 1, cuts: 1, fills: [null], start: 'warm' },
  'Redis fails over': { commits: 1, failovers: 1, fills: [null], start: 'warm' },
  'Redis forgets': { commits: 1, forgets: 1, fills: [2], start: 'warm' },
  'Redis refuses changes': { commits: 1, refusals: 1, fills: [null], start: 'warm' },
  'two fills at once in one instance': { commits: 1, fills: [2], flights: 2, gap: 1, start: 'warm' },
  'two instances': { commits: 1, fills: [1, 0], gap: 1, start: 'warm' }
} as const satisfies Record<string, Bounds>

/** Minutes of work. */
export const largerScenarios = {
  'two commits, and two fills': { commits: 2, fills: [2], start: 'warm' },
  'two commits before anything is known, and Redis forgets': { commits: 2, forgets: 1, fills: [1], gap: 1 },
  'a connection is lost between two fills at once': {
    commits: 1,
    cuts: 1,
    fills: [2],
    flights: 2,
    start: 'warm'
  },
  'a connection is lost twice': { commits: 2, cuts: 2, fills: [1], gap: 1, start: 'warm' },
  'Redis forgets and fails over': { commits: 1, forgets: 1, failovers: 1, fills: [2], start: 'warm' },
  'two instances fill, and one is lost': { commits: 1, cuts: 1, fills: [1, 0], gap: 1, start: 'warm' },
  'two instances fill at once': { commits: 1, fills: [1, 1], gap: 1, start: 'warm' },
  'two instances begin with nothing': { commits: 1, fills: [1, 0], gap: 1 }
} as const satisfies Record<string, Bounds>

/**
 * Where the lack of each rule shows. Not explored to the end: the shortest way there is what is looked for. `idle`:
 * steps that are left out to find it sooner (what is found without them is still a way that the model allows).
 */
export const shownBy: Record<(typeof neededRules)[number], { in: Bounds; idle?: RegExp }> = {
  'a replica that lags behind what is known is not used': {
    in: scenarios['a replica lags through two commits']
  },
  'a proof lives for one tick': { in: scenarios['a replica lags through two commits'] },
  'what its writer could not tell is relayed': { in: scenarios['a replica lags through two commits'] },
  'relay before a connection is trusted': { in: scenarios['a connection is lost'] },
  'relay after a gap in the proofs': { in: scenarios['a replica lags through two commits'] },
  'a Redis that failed over is another namespace': { in: scenarios['Redis fails over'] },
  'a slot that Redis does not know is asked of the primary': { in: scenarios['everything is empty'] },
  'only who reserved a missing slot creates it': {
    in: { commits: 2, forgets: 1, fills: [1] },
    idle: /token|evicts|everything|pings|primary|relays 1|writer of 2/
  },
  'each connection is another generation': { in: scenarios['a connection is lost'] },
  'only a reply proves': {
    in: { commits: 1, cuts: 1, fills: [2], flights: 2, start: 'connected' },
    idle: /token|relays|catches up|primary|lease/
  },
  'a refusal costs the trust': { in: scenarios['Redis refuses changes'] },
  'join a flight only if it knew enough': { in: scenarios['a replica lags through two commits'] },
  'stamp before rows': { in: scenarios['a replica lags through two commits'] },
  'stamp and rows in one read view': {
    in: { commits: 1, forgets: 2, fills: [2], start: 'connected' },
    idle: /token|relays|catches up|tick|tells|lease|known|everything/
  },
  'what a put raises is announced': { in: scenarios['two instances'] }
}

/** Where the lack of each rule would show first, if a promise rested on it. */
export const wouldBeShownBy: Record<(typeof thriftyRules)[number], Bounds> = {
  'one filler in the fleet': scenarios['everything is empty'],
  'a put is refused where something newer is known': scenarios['everything is empty'],
  'a late fill does not replace what is newer': scenarios['two fills at once in one instance']
}
