// The cache with a rule taken out of its source text, beside the cache as it is: to see that the tests can fail.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { type Patch, patched } from '../../../check/coherence/patch.ts'
import type { layers } from '../../../src/cache/layers.ts'

export type Mutant = { name: string; patches: readonly Patch[] }
export type MakeLayers = typeof layers

const root = new URL('../../../', import.meta.url)
const sources = new URL('src/cache/', root).href
const known = new Map<string, readonly Patch[]>()
let hooked = false

/** `layers` of src/cache with these patches. @throws Error when one finds no place, or more than one */
export async function layersOf({ name, patches }: Mutant): Promise<MakeLayers> {
  if (!hooked) hook()
  known.set(name, patches)
  const made: unknown = await import(`${sources}layers.ts?without=${encodeURIComponent(name)}`)
  if (!isLayersModule(made)) throw new Error('src/cache/layers.ts exports no layers')
  return made.layers
}

// The mark is handed on to all that a marked module of src/cache imports there, so that a mutant has modules of its own.
function hook(): void {
  hooked = true
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context)
      const without = context.parentURL?.startsWith(sources) ? new URL(context.parentURL).search : ''
      if (!without || !resolved.url.startsWith(sources)) return resolved
      return { ...resolved, url: new URL(without, resolved.url).href }
    },
    load(url, context, next) {
      const loaded = next(url, context)
      const { searchParams, href } = new URL(url)
      const patches = known.get(searchParams.get('without') ?? '')
      if (!patches || !href.startsWith(sources)) return loaded
      const file = new URL(url)
      file.search = ''
      const here = patches.filter((patch) => new URL(patch.file, root).href === file.href)
      return here.length === 0 ? loaded : { ...loaded, source: patched(readFileSync(file, 'utf8'), here) }
    }
  })
}

function isLayersModule(made: unknown): made is { layers: MakeLayers } {
  return typeof made === 'object' && made !== null && 'layers' in made && typeof made.layers === 'function'
}
