// The same process, begun anew with what only its beginning can be told.

/**
 * Replaces the program by itself: the same id, files and parameters. Returns only where that cannot be done: a parent's channel
 * (node --watch) would not survive, and not every system can.
 * @param flags Node's, before those that it has
 * @param environment beside what it has, which wins
 */
export function beginAnew(flags: readonly string[], environment: Record<string, string>): void {
  if (process.connected || !process.execve) return
  const [script = '', ...parameters] = process.argv.slice(1)
  process.execve(process.execPath, [process.execPath, ...flags, ...process.execArgv, script, ...parameters], {
    ...environment,
    ...process.env
  })
}
