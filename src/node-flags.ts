// How Node itself is to run the service. Said here and nowhere else, so that a unit, an image, a test and a benchmark that
// start `node src/server.ts` all get the same.

/**
 * The young generation: what requests make and drop. Node lets it grow to 32 MB a half, and what it has grown to stays
 * resident for good.
 */
const flags = ['--max-semi-space-size=4']

/**
 * Begins this process anew, with the same id, files and environment, unless it runs with these flags already: V8 takes
 * them only before its heap is made. Costs about 40 ms. What an operator says on the command line comes last and wins.
 */
export function withNodeFlags(): void {
  if (flags.every((flag) => process.execArgv.includes(flag))) return
  // A parent's channel (node --watch) would not survive; there is none in production, nor is there another system.
  if (process.connected || !process.execve) return
  const [script = '', ...parameters] = process.argv.slice(1)
  process.execve(
    process.execPath,
    [process.execPath, ...flags, ...process.execArgv, script, ...parameters],
    process.env
  )
}
