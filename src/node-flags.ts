// How Node itself is to run the service. Said here and nowhere else, so that a unit, an image, a test and a benchmark that
// start `node src/server.ts` all get the same.

import { roomIn } from './cache/room.ts'

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
 * Of glibc: it would give each thread of V8 and of libuv its own, and each keeps what it once took to compile or to compress.
 */
const mostArenas = '1'

/**
 * Begins this process anew, with the same id, files and environment, unless it runs with these flags already: V8 takes
 * them only before its heap is made. Costs about 40 ms. What an operator says on the command line comes last and wins.
 * @param l1Bytes what the entries in this process may take
 */
export function withNodeFlags(l1Bytes: number): void {
  const { hot, absences } = roomIn(l1Bytes)
  const old = oldMebibytes + 2 * Math.ceil((hot + absences) / 2 ** 20)
  const flags = [`--max-semi-space-size=${youngMebibytes}`, `--max-old-space-size=${old}`, alone]
  if (flags.every((flag) => process.execArgv.includes(flag))) return
  // A parent's channel (node --watch) would not survive; there is none in production, nor is there another system.
  if (process.connected || !process.execve) return
  const [script = '', ...parameters] = process.argv.slice(1)
  process.execve(process.execPath, [process.execPath, ...flags, ...process.execArgv, script, ...parameters], {
    MALLOC_ARENA_MAX: mostArenas,
    ...process.env
  })
}
