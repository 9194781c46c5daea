// An explicit-state model checker: visits every state that a model can reach, breadth first, so that a
// counter-example is as short as can be. Deterministic. Knows nothing of what is modelled.

/** `steps` reports each thing that can happen next; `broken` says which promise the new state breaks. */
export type Model<State> = {
  initial: State
  /** Two states with one key are one state. */
  key(state: State): string
  steps(state: State, take: (does: string, next: State, broken: string | null) => void): void
}

export type Exploration = {
  states: number
  transitions: number
  /** The longest shortest way to a state. */
  depth: number
  /** False when `most` states were not enough. */
  exhausted: boolean
  /** The shortest way to a broken promise, one line a step; null when none can be broken. */
  counterExample: { broken: string; steps: readonly string[] } | null
  /** Kinds of steps (their text, without names and numbers) and how often each was taken: a model that cannot move proves nothing. */
  taken: ReadonlyMap<string, number>
}

/** Explores until a promise is broken, every state has been visited, or `most` states have been. */
export function explore<State>(model: Model<State>, most: number): Exploration {
  const number = new Map<string, number>([[model.key(model.initial), 0]])
  // How each state was reached first: the state before, and what was done there.
  const before: number[] = [-1]
  const did: string[] = ['']
  const taken = new Map<string, number>()
  let transitions = 0
  let depth = 0
  let layer: State[] = [model.initial]
  let firstOfLayer = 0
  let counterExample: Exploration['counterExample'] = null

  const path = (last: number): string[] => {
    const steps: string[] = []
    for (let at = last; at > 0; at = before[at] ?? 0) steps.push(did[at] ?? '')
    return steps.reverse()
  }

  while (layer.length > 0 && counterExample === null && number.size < most) {
    const next: State[] = []
    for (const [index, state] of layer.entries()) {
      const from = firstOfLayer + index
      model.steps(state, (does, reached, broken) => {
        transitions++
        const kind = kindOf(does)
        taken.set(kind, (taken.get(kind) ?? 0) + 1)
        if (broken !== null) counterExample ??= { broken, steps: [...path(from), does] }
        const key = model.key(reached)
        if (number.has(key)) return
        number.set(key, number.size)
        before.push(from)
        did.push(does)
        next.push(reached)
      })
      if (counterExample !== null || number.size >= most) break
    }
    firstOfLayer += layer.length
    layer = next
    if (next.length > 0) depth++
  }
  const exhausted = layer.length === 0 && counterExample === null
  return { states: number.size, transitions, depth, exhausted, counterExample, taken }
}

const kinds = new Map<string, string>()

function kindOf(does: string): string {
  const known = kinds.get(does)
  if (known !== undefined) return known
  const kind = does
    .replace(/^[A-Z] /, '')
    .replace(/\b[A-Z]'s/g, 'its')
    .replace(/ \d+/g, '')
  kinds.set(does, kind)
  return kind
}
