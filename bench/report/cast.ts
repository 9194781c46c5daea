// Who appears in a result, in which order, under which name and colour: the same in every chart of a page.
import type { Layer, Result } from '../result.ts'
import { type Hue, others } from './palette.ts'

export type Player = { name: string; title: string; hue: Hue; dash: string | undefined; ours: boolean }
export type Cast = {
  players: readonly Player[]
  player(name: string): Player
  /** The one with most subjects first: it is what a page begins with. */
  scenarios: readonly string[]
  scenarioTitle(name: string): string
}

const dashes = [undefined, '7 3', '2 3', '10 3 2 3', undefined, '5 2', '1 3']

export function castOf(result: Result): Cast {
  const named = new Set(
    [...result.blocks, ...result.curves, ...result.faults, ...result.comparisons].flatMap((part) =>
      'baseline' in part ? [part.subject, part.baseline] : [part.subject]
    )
  )
  const order = [...named].sort((one, other) => Number(other === 'turno') - Number(one === 'turno'))
  const players = new Map<string, Player>()
  let place = 0
  for (const name of order) {
    const title = result.titles?.subjects[name] ?? (name === 'turno' ? 'Turno' : name)
    const ours = name === 'turno'
    const hue = ours ? 'turno' : (others[place % others.length] ?? 'other-1')
    const dash = ours ? undefined : dashes[place % dashes.length]
    if (!ours) place += 1
    players.set(name, { name, title, hue, dash, ours })
  }
  return {
    players: [...players.values()],
    player(name) {
      const player = players.get(name)
      if (player === undefined) throw new Error(`no subject is called "${name}"`)
      return player
    },
    scenarios: scenariosOf(result),
    scenarioTitle: (name) => result.titles?.scenarios[name] ?? name
  }
}

function scenariosOf({ blocks, curves, comparisons }: Result): string[] {
  const names = [...new Set([...blocks, ...curves, ...comparisons].map(({ scenario }) => scenario))]
  const subjects = (scenario: string) =>
    new Set(blocks.filter((block) => block.scenario === scenario).map(({ subject }) => subject)).size
  return names.sort((one, other) => subjects(other) - subjects(one))
}

export const layers: readonly { layer: Layer; title: string }[] = [
  { layer: 'l1', title: 'its own memory' },
  { layer: 'redis', title: 'Redis' },
  { layer: 'replica', title: 'a replica' },
  { layer: 'primary', title: 'the primary' },
  { layer: 'stale', title: 'an old value while a new one is fetched' },
  { layer: 'other', title: 'answered, layer not told' },
  { layer: 'shed', title: 'turned away (overload)' },
  { layer: 'failed', title: 'failed or timed out' }
]
