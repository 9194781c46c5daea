// What Node has made of the source files, without their types and compiled: kept on disk, so that it is made once and not by
// each process. What strips the types takes 17 MiB, which stay resident, and stripping 0.2 s of each start.
import { flushCompileCache, getCompileCacheDir } from 'node:module'
import { fileURLToPath } from 'node:url'
import { beginAnew } from './begin-anew.ts'

/** Where it is kept unless NODE_COMPILE_CACHE says otherwise. Whoever may write there may as well write the packages beside. */
export const compiledCodeDirectory = fileURLToPath(new URL('../node_modules/.cache/turno', import.meta.url))

const stripper = 'NativeModule internal/deps/amaro/dist/index'
const begunAnew = 'TURNO_CODE_KEPT'

/**
 * To be called when all code is loaded, before anything is begun: keeps what is new, and lets go of what was read. If types
 * had to be stripped in this process it begins anew, once. Where nothing can be kept it goes on as it is.
 */
export function withCompiledCode(): void {
  if (getCompileCacheDir() === undefined) return
  flushCompileCache()
  if (hasStripped() && process.env[begunAnew] === undefined) beginAnew([], { [begunAnew]: '1' })
}

// Node does not say it otherwise. A Node that names it differently is no harm: then only the next process gains.
function hasStripped(): boolean {
  return (
    'moduleLoadList' in process &&
    Array.isArray(process.moduleLoadList) &&
    process.moduleLoadList.includes(stripper)
  )
}
