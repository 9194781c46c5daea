// The protocol, every interleaving of it within small bounds. MODEL=large explores bounds that take minutes.
import t, { type Test } from 'tap'
import { type Exploration, explore, type Model } from './explore.ts'
import { neededRules, type Rule, thriftyRules } from './rules.ts'
import { largerScenarios, scenarios, shownBy, wouldBeShownBy } from './scenarios.ts'
import { type Bounds, initialState, keyOf, type State } from './state.ts'
import { steps } from './steps.ts'

const large = process.env.MODEL === 'large'
const most = large ? 6_000_000 : 600_000

function explored(bounds: Bounds, without: Rule | null, idle?: RegExp): Exploration {
  const model: Model<State> = {
    initial: initialState(bounds),
    key: keyOf,
    steps: (state, take) =>
      steps(state, without, (does, next, broken) => {
        if (!idle?.test(does)) take(does, next, broken)
      })
  }
  return explore(model, most)
}

function assertHolds(t: Test, found: Exploration): void {
  t.comment(`${found.states} states, ${found.transitions} transitions, ${found.depth} steps deep`)
  if (found.counterExample) t.comment(story(found.counterExample))
  t.equal(found.counterExample, null, 'no promise can be broken')
  t.ok(found.exhausted, 'every state was visited')
}

function story({ broken, steps }: NonNullable<Exploration['counterExample']>): string {
  return [...steps, `→ ${broken}`].map((line, at) => `${String(at + 1).padStart(3)}  ${line}`).join('\n')
}

// Nothing committed before a tick began is missing from an answer to a reader who comes in it; nobody who carries the
// token of a write reads anything older; no instance goes back. So nothing sticks either: ticks always pass.
t.test('the protocol breaks no promise when', async (t) => {
  const taken = new Set<string>()
  for (const [name, bounds] of Object.entries(large ? { ...scenarios, ...largerScenarios } : scenarios)) {
    t.test(name, async (t) => {
      const found = explored(bounds, null)
      assertHolds(t, found)
      for (const kind of found.taken.keys()) taken.add(kind)
    })
  }

  t.test('and everything that it can do has been done', async (t) => {
    const wanted = [
      'finds in Redis',
      'hears',
      'is refused by Redis',
      'learns that its value is not stored',
      'learns that its value is stored',
      'may fill',
      'reads of the primary',
      'reads of the replica',
      'reads with a token of',
      'relays',
      'waits for the filler elsewhere, and asks again',
      'will not wait for the filler elsewhere',
      'is answered its ping after a gap',
      'answers without Redis',
      'the lease of a dead filler expires'
    ]
    t.same(
      wanted.filter((kind) => !taken.has(kind)),
      []
    )
  })
})

t.test('a promise is broken without the rule', async (t) => {
  for (const rule of neededRules) {
    t.test(rule, async (t) => {
      const { counterExample, states } = explored(shownBy[rule].in, rule, shownBy[rule].idle)
      if (!counterExample) return t.fail(`no counter-example in ${states} states`)
      t.comment(story(counterExample))
      t.match(counterExample.broken, / where \d is due$/)
    })
  }
})

t.test('no promise is broken without the rule, which only saves work', async (t) => {
  for (const rule of thriftyRules) {
    t.test(rule, async (t) => assertHolds(t, explored(wouldBeShownBy[rule], rule)))
  }
})
