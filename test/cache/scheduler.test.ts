// The real cache on two instances, with every request to Redis, to the primary and to the replica, and every reply,
// delayed in whatever order the scheduler can think of. FC_SEED and FC_RUNS look elsewhere and longer.
import fc from 'fast-check'
import t from 'tap'
import type { Patch } from '../../check/coherence/patch.ts'
import type { ViewCounters } from '../../src/cache/events.ts'
import { layersOf, type MakeLayers, type Mutant } from './scheduler/mutant.ts'
import { type doings, events, type Happening, sum, World } from './scheduler/world.ts'

const seed = Number(process.env.FC_SEED ?? 20_260_101)
const runs = Number(process.env.FC_RUNS ?? 100)

const does = (what: (typeof doings)[number]) =>
  fc.constantFrom<0 | 1>(0, 1).map((at): Happening => ({ do: what, at }))

const happening = fc.oneof(
  { weight: 10, arbitrary: does('read') },
  { weight: 3, arbitrary: does('read with token') },
  { weight: 3, arbitrary: does('look for the newest') },
  { weight: 1, arbitrary: does('look for one’s own') },
  { weight: 6, arbitrary: does('guess') },
  { weight: 3, arbitrary: does('write') },
  { weight: 4, arbitrary: does('write and keep') },
  { weight: 2, arbitrary: does('is cut off') },
  { weight: 1, arbitrary: does('hangs') },
  { weight: 1, arbitrary: does('goes on') },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 60 }).map((pass): Happening => ({ pass })) },
  { weight: 6, arbitrary: fc.constantFrom(10, 60, 120).map((rest): Happening => ({ rest })) },
  { weight: 8, arbitrary: fc.constantFrom(...events).map((event): Happening => ({ event })) }
)

/** Floods are short here, and so is what is done against them; else it is the code as it stands. */
const soonFlooded: readonly Patch[] = [
  { file: 'src/cache/flood.ts', find: 'const beginsAt = 100', replace: 'const beginsAt = 2' },
  { file: 'src/cache/census.ts', find: 'const againMs = 60_000', replace: 'const againMs = 200' }
]
const layers = await layersOf({ name: 'nothing', patches: soonFlooded })

const histories = fc.array(happening, { minLength: 10, maxLength: 40 })

/** Holds when no reader is told less than he is due, in whatever order the messages of such a history arrive. */
function truth(
  makeLayers: MakeLayers,
  happenings: fc.Arbitrary<Happening[]>,
  lived: (world: World) => void = () => {}
) {
  return fc.asyncProperty(fc.scheduler(), happenings, async (scheduler, happenings) => {
    const world = new World(scheduler, makeLayers)
    try {
      await world.live(happenings)
      lived(world)
    } finally {
      world.end()
    }
    world.check()
  })
}

t.test('whatever the order of its messages, the cache tells nobody less than he is due', async (t) => {
  const seen: ViewCounters[] = []
  const property = truth(layers, histories, (world) => void seen.push(world.counted()))
  const { failed, errorInstance } = await fc.check(property, { seed, numRuns: runs, endOnFailure: true })
  t.notOk(failed, String(errorInstance ?? ''))

  const [first, ...others] = seen
  const total = first && others.reduce(sum, first)
  t.comment(JSON.stringify(total))
  for (const layer of ['l1', 'redis', 'replica', 'primary'] as const)
    t.ok(total?.[layer], `${layer} has answered`)
  for (const rule of [
    'coalesced',
    'leaseWaits',
    'laggingReplicas',
    'refusedFills',
    'revalidated',
    'denied',
    'censuses'
  ] as const) {
    t.ok(total?.[rule], `${rule} has been counted`)
  }
})

const cache = 'src/cache/cache.ts'
const census = 'src/cache/census.ts'
const fill = 'src/cache/fill.ts'
const link = 'src/cache/link.ts'

const sources = 'src/cache/sources.ts'
const primary = 'src/cache/primary.ts'
const [A, B] = [0, 1] as const

/** Somebody guesses at B until what is there has been counted. */
const flooded: Happening[] = [
  { rest: 60 },
  { do: 'guess', at: B },
  { rest: 60 },
  { do: 'guess', at: B },
  { rest: 60 }
]

/** A rule taken out of the real code, and a history in which that shows. */
const mutants: readonly (Mutant & { history: Happening[] })[] = [
  {
    name: 'a lagging replica is good enough',
    patches: [
      { file: sources, find: '!waiting.needed || atLeast(versions, waiting.needed)', replace: 'true' },
      { file: fill, find: '!loaded || !atLeast(loaded.versions, needed)', replace: '!loaded' }
    ],
    history: [{ do: 'write', at: A }, { rest: 120 }, { do: 'read', at: B }]
  },
  {
    name: 'any flight is joined',
    patches: [
      {
        file: cache,
        find: 'flying && flying.startedAt >= since && atLeast(flying.floors, least)',
        replace: 'flying'
      }
    ],
    history: [
      { rest: 60 },
      { do: 'write', at: A },
      { do: 'read', at: B },
      ...Array.from({ length: 8 }, (): Happening => ({ do: 'read with token', at: B }))
    ]
  },
  {
    name: 'a proof lives as long as its connection',
    patches: [
      {
        file: cache,
        find: 'return time - entry.provenAt < proofMs',
        replace: 'return entry.generation === link?.generation || time - entry.provenAt < proofMs'
      }
    ],
    history: [
      { rest: 60 },
      { do: 'read', at: A },
      { rest: 10 },
      { do: 'hangs', at: A },
      { do: 'write', at: B },
      { rest: 60 },
      { do: 'read', at: A }
    ]
  },
  {
    name: 'entries of a former connection are renewed',
    patches: [
      { file: cache, find: 'entry.generation === link.generation', replace: 'entry.generation !== -1' }
    ],
    history: [
      { rest: 60 },
      { do: 'read', at: A },
      { rest: 10 },
      { do: 'is cut off', at: A },
      { do: 'write', at: B },
      { rest: 160 },
      { do: 'read', at: A }
    ]
  },
  {
    name: 'nobody relays',
    patches: [{ file: primary, find: 'if (rows.length === 0) return', replace: 'return' }],
    history: [{ rest: 60 }, { do: 'read', at: A }, { rest: 10 }, { event: 'a writer crashes after COMMIT' }]
  },
  {
    name: 'a refusal costs nothing',
    patches: [
      { file: link, find: 'error instanceof ReplyError && generation', replace: 'false && generation' }
    ],
    history: [
      { rest: 60 },
      { do: 'read', at: A },
      { rest: 10 },
      { event: 'Redis refuses changes' },
      { event: 'a writer crashes after COMMIT' }
    ]
  },
  {
    name: 'every Redis has the same names',
    patches: [{ file: link, find: '{replication.slice(0, 12)}', replace: '{"one"}' }],
    history: [
      { rest: 60 },
      { do: 'read', at: A },
      { rest: 10 },
      { event: 'Redis is dumped' },
      { do: 'hangs', at: B },
      { do: 'write', at: A },
      { rest: 160 },
      { event: 'Redis fails over' },
      { do: 'goes on', at: B },
      { rest: 160 },
      { do: 'read', at: B }
    ]
  },
  {
    name: 'a missing version is not asked for',
    patches: [{ file: fill, find: 'reserved.includes(true) ?', replace: 'false ?' }],
    history: [
      { rest: 60 },
      { do: 'hangs', at: B },
      { do: 'write', at: A },
      { rest: 160 },
      { event: 'Redis forgets everything' },
      { do: 'is cut off', at: B },
      { do: 'goes on', at: B },
      { rest: 160 },
      { do: 'read', at: B }
    ]
  },
  {
    name: 'what was counted before a change counts after it',
    patches: [
      {
        file: census,
        find: 'if (!slots.every((slot, i) => (versions[slot] ?? 0) >= (least[i] ?? 0))) return false',
        replace: ''
      }
    ],
    history: [...flooded, { do: 'write', at: A }, { rest: 120 }, { do: 'look for the newest', at: B }]
  },
  {
    name: 'what was counted on another connection counts on this one',
    patches: [{ file: census, find: 'generation !== link.generation || ', replace: '' }],
    history: [
      ...flooded,
      { do: 'is cut off', at: B },
      { do: 'write', at: A },
      { rest: 160 },
      { do: 'look for the newest', at: B }
    ]
  },
  {
    name: 'what was counted needs no proof',
    patches: [{ file: census, find: ' || time - link.proof >= proofMs', replace: '' }],
    history: [
      ...flooded,
      { do: 'hangs', at: B },
      { do: 'write', at: A },
      { rest: 60 },
      { do: 'look for the newest', at: B }
    ]
  },
  {
    name: 'a replica may be counted',
    patches: [
      {
        file: census,
        find: 'this.#parts.primaryReads.use',
        replace: 'this.#parts.replicas.choose().pool.use'
      }
    ],
    history: [
      { rest: 60 },
      { do: 'is cut off', at: B },
      { do: 'write', at: A },
      { rest: 160 },
      ...flooded,
      { do: 'look for the newest', at: B }
    ]
  },
  {
    name: 'keys are counted in one read view and versions in the next',
    patches: [
      {
        file: census,
        find: 'const versions = await everyVersion(connection)',
        replace: ''
      },
      {
        file: census,
        find: 'return { versions, keys: await keysOf(view, drizzle({ client: connection }), at + patienceMs) }',
        replace:
          'const keys = await keysOf(view, drizzle({ client: connection }), at + patienceMs)\nreturn { keys, versions: await this.#parts.primaryReads.use(everyVersion) }'
      }
    ],
    history: [
      { rest: 60 },
      { do: 'guess', at: B },
      ...Array.from({ length: 6 }, (): Happening => ({ do: 'write', at: A })),
      { rest: 120 },
      { do: 'look for the newest', at: B }
    ]
  },
  {
    name: 'a token asks nothing of what was counted',
    patches: [
      {
        file: cache,
        find: 'denies(view, key, slots, least)',
        replace: 'denies(view, key, slots, this.#least(slots, undefined))'
      }
    ],
    history: [
      ...flooded,
      { do: 'write', at: A },
      ...Array.from({ length: 8 }, (): Happening => ({ do: 'look for one’s own', at: B }))
    ]
  }
]

t.test('these histories are told as they are, and no more when', async (t) => {
  for (const { history, ...mutant } of mutants) {
    t.test(mutant.name, async (t) => {
      const limits = { seed, numRuns: 60, endOnFailure: true }
      const asItIs = await fc.check(truth(layers, fc.constant(history)), { ...limits, numRuns: 8 })
      t.notOk(asItIs.failed, String(asItIs.errorInstance ?? ''))
      const without = await layersOf({ ...mutant, patches: [...soonFlooded, ...mutant.patches] })
      const mutated = await fc.check(truth(without, fc.constant(history)), limits)
      t.ok(mutated.failed, 'a reader was told less than he was due')
      t.comment(`${mutated.numRuns} orders tried`)
    })
  }
})
