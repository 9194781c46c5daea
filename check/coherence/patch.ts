// Changes to the text of a module as it is loaded, so that the production code holds no switch for the checker. Each
// names its place by text that must occur exactly once; test/check/coherence.test.ts sees to it that it still does.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

export type Patch = {
  /** From the root of the repository. */
  file: string
  find: string
  replace: string
}

const root = new URL('../../', import.meta.url)

/** From now on modules are loaded with these changes. @throws Error (at their import) when one finds no place */
export function patchModules(patches: readonly Patch[]): void {
  const byUrl = Map.groupBy(patches, ({ file }) => new URL(file, root).href)
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const changes = byUrl.get(url)
      if (!changes) return loaded
      return { ...loaded, source: patched(readFileSync(new URL(url), 'utf8'), changes) }
    }
  })
}

/** @throws Error that names the patch whose text does not occur exactly once */
export function patched(source: string, patches: readonly Patch[]): string {
  return patches.reduce((text, { file, find, replace }) => {
    const [before, after, ...more] = text.split(find)
    if (before === undefined || after === undefined || more.length > 0) {
      throw new Error(`in ${file} there is not exactly one place that reads: ${find}`)
    }
    return before + replace + after
  }, source)
}

/** The source of a patch's file as it stands. */
export function sourceOf({ file }: Patch): string {
  return readFileSync(new URL(file, root), 'utf8')
}
