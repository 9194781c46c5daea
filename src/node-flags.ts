// How Node itself is to run the service. Said here and nowhere else, so that a unit, an image, a test and a benchmark that
// start `node src/server.ts` all get the same.

import { beginAnew } from './begin-anew.ts'
import { roomIn } from './cache/room.ts'
import { compiledCodeDirectory } from './compiled-code.ts'

/**
 * The young generation: what requests make and drop. Node lets it grow to 32 MB a half, and what it has grown to stays
 * resident for good.
 */
const youngMebibytes = 4
/**
 * The old one, beside twice what the entries in it may take. The nearer V8 sees its limit, the less it lets the heap grow before
 * it collects.
 */
const oldMebibytes = 224
/**
 * The young generation is collected by the thread that made it. With four to help it the collection of so little costs more
 * than it does alone, and on a machine with something else to do it waits for each of them: a request of the mix with one write
 * in ten took 0.91 and 0.93 of the processor time without them (twice twelve pairs).
 */
const alone = '--no-parallel-scavenge'
/**
 * Neither are objects made in the old generation from the start because their like grew old once: V8 decides so in a process'
 * first seconds, when what fills the caches does grow old, and then a hit makes garbage of 35 kB between two collections of the
 * young, that only one of everything takes away. A hit took 0.89 of the time without, a request of the mix 0.95.
 */
const young = '--no-allocation-site-pretenuring'
/**
 * V8 would let little more than a tenth of what lives be added to it before it collects everything, and everything is mostly
 * code. With 40 in a hundred a request of the mix took 0.91 of the time, with 80 0.85 (ten pairs), but those are 20 MiB more.
 */
const growth = '--heap-growing-percent=40'
/**
 * Of glibc. It would give each thread of V8 and of libuv an arena, and each keeps what it once took to compile or to compress.
 * And what is as large as a segment of entries would lie among what comes and goes, once as much was given back: mapped by
 * itself it leaves no holes (4 to 8 MiB with 100,000 entries).
 */
const malloc = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' }

/**
 * Begins this process anew, with the same id, files and environment, unless it runs with these flags already: V8 takes
 * them only before its heap is made. Costs about 40 ms. What an operator says on the command line comes last and wins.
 * @param l1Bytes what the entries in this process may take
 */
export function withNodeFlags(l1Bytes: number): void {
  const { hot, absences } = roomIn(l1Bytes)
  const old = oldMebibytes + 2 * Math.ceil((hot + absences) / 2 ** 20)
  const flags = [
    `--max-semi-space-size=${youngMebibytes}`,
    `--max-old-space-size=${old}`,
    alone,
    young,
    growth
  ]
  if (flags.every((flag) => process.execArgv.includes(flag))) return
  beginAnew(flags, { ...malloc, NODE_COMPILE_CACHE: compiledCodeDirectory })
}
