// Imported for what it does, before anything that imports drizzle-orm: tells Node that its files are ES modules.
//
// Node 26 finds that out for each file anew from the package.json above it, and to do so parses that file's `exports`
// whole. Drizzle's is 170 kB and its files are a hundred and fifty: 200 MB of garbage, which stays resident, and half
// a second of a start. One file of Drizzle importing another needs none of it.
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, nextResolve) {
    const { parentURL } = context
    const isDrizzlesOwn =
      parentURL?.includes('/node_modules/drizzle-orm/') && /^\.\.?\/.*\.js$/.test(specifier)
    if (!isDrizzlesOwn) return nextResolve(specifier, context)
    return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true }
  }
})
