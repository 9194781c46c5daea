// The rules of the protocol, each as the change to the real code that takes it out, with the faults under which its
// absence shows soonest; and the points where the checker looks into the real code.
import type { Points } from './design.ts'
import type { Patch } from './patch.ts'

declare global {
  /** Set by an instance before it loads the cache; called from the places that `pointPatches` name. */
  var checkPoints: Points
}

const cache = 'src/cache/cache.ts'
const fill = 'src/cache/fill.ts'
const link = 'src/cache/link.ts'
const sources = 'src/cache/sources.ts'
const pool = 'db/pool.ts'

export const pointPatches: readonly Patch[] = [
  {
    file: cache,
    find: 'floors.raiseTo(stamp)\n    if (history',
    replace: 'await globalThis.checkPoints.committed(result)\n    floors.raiseTo(stamp)\n    if (history'
  },
  {
    file: fill,
    find: "return { layer: 'redis', content: Content.stored(body, String(tag)), stamp, generation, provenAt }",
    replace:
      "await globalThis.checkPoints.answered()\n        return { layer: 'redis', content: Content.stored(body, String(tag)), stamp, generation, provenAt }"
  }
]

export type Rule = {
  name: string
  /** As docs/coherence.md has it. */
  says: string
  /** As --faults takes them. */
  faults: string
  patches: readonly Patch[]
}

const autocommit: Patch = { file: pool, find: 'autocommit = 0', replace: 'autocommit = 1' }

/**
 * Those whose absence shows within a minute of running. That a version missing in Redis is made by its reservation
 * alone takes a coincidence that does not: test/cache/model has the counter-example.
 */
export const rules: readonly Rule[] = [
  {
    name: 'replica-stamp',
    says: 'a replica whose stamp is below what is known is not used',
    faults: 'lag+delay',
    patches: [
      {
        file: sources,
        find: '!waiting.needed || atLeast(versions, waiting.needed)',
        replace: 'true'
      },
      { file: fill, find: '!loaded || !atLeast(loaded.versions, needed)', replace: '!loaded' }
    ]
  },
  {
    name: 'proof',
    says: 'floors are believed for 50 ms after a proof, not for as long as the connection seems to stand',
    faults: 'hpause+ipause',
    patches: [
      {
        file: cache,
        find: 'return time - entry.provenAt < proofMs',
        replace: 'return entry.generation === link?.generation || time - entry.provenAt < proofMs'
      }
    ]
  },
  {
    name: 'relay',
    says: 'what a writer could not tell is told by others',
    faults: 'crash',
    patches: [
      {
        file: 'src/cache/primary.ts',
        find: 'async relay(tell: (pairs: readonly number[]) => Promise<void>): Promise<void> {\n',
        replace:
          'async relay(tell: (pairs: readonly number[]) => Promise<void>): Promise<void> {\n    return\n'
      }
    ]
  },
  {
    name: 'relay-on-connect',
    says: 'a connection is trusted only after what is untold has been told on it',
    faults: 'rstop',
    patches: [
      {
        file: link,
        find: 'const session = { generation, namespace, primary }\n      await this.#parts.relay((pairs) => this.#tellIn(session, pairs))\n',
        replace: 'const session = { generation, namespace, primary }\n'
      }
    ]
  },
  {
    name: 'relay-after-gap',
    says: 'after a gap in the proofs, what is untold is told before Redis is believed again',
    faults: 'hpause',
    patches: [
      { file: link, find: 'if (now() - this.#proof <= gapMs) {', replace: 'if (true) {' },
      {
        file: link,
        find: 'return this.#session && now() - this.#proof < gapMs ? this.#session : null',
        replace: 'return this.#session'
      }
    ]
  },
  {
    name: 'namespace',
    says: 'a Redis with another past is another namespace',
    faults: 'rold+crash',
    patches: [
      {
        file: link,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of that module
        find: '`turno:${replication.slice(0, 12)}.${primary}:`',
        replace: "'turno:'"
      }
    ]
  },
  {
    name: 'missing',
    says: 'a version missing in Redis means: ask the primary',
    faults: 'rempty+flush+delay+crash',
    patches: [{ file: fill, find: 'reserved.includes(true) ?', replace: 'false ?' }]
  },
  {
    name: 'generation',
    says: 'what one connection proved must be proved anew on the next',
    faults: 'killpub+part',
    patches: [
      {
        file: cache,
        find: 'entry.generation === link.generation &&',
        replace: 'entry.generation !== -1 &&'
      }
    ]
  },
  {
    name: 'join',
    says: 'a flight is joined only if it began knowing what the reader knows',
    faults: 'slow',
    patches: [
      {
        file: cache,
        find: 'if (flying && flying.startedAt >= since && atLeast(flying.floors, least)) {',
        replace: 'if (flying) {'
      }
    ]
  },
  {
    name: 'stamp-first',
    says: 'the stamp is read before the rows, and in their read view',
    faults: 'slow',
    patches: [
      autocommit,
      {
        file: sources,
        find: 'const versions = await versionsOn(connection, slots)\n',
        replace: `const early = new Map()
      for (const { parameters } of batch) early.set(parameters, await loader.load(drizzle({ client: connection }), parameters))
      const versions = await versionsOn(connection, slots)\n`
      },
      {
        file: sources,
        find: `const contents = loader.loadMany
        ? await loader.loadMany(database, wanted)
        : [await loader.load(database, wanted[0])]`,
        replace: 'const contents = wanted.map((parameters) => early.get(parameters))'
      }
    ]
  },
  {
    name: 'read-view',
    says: 'stamp and rows are read in one read view',
    faults: 'slow',
    patches: [autocommit]
  }
]
