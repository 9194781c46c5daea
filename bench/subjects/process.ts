// A subject's processes: bound to one processor, waited for until they serve, ended for sure.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { findProgram } from '../../db/stack/process.ts'

const serveWithinMs = 60_000
const endWithinMs = 5_000
const shownOfLog = 1_000

/** What to put before a command so that it runs on this processor alone. */
export function pinned(processor: number | null): string[] {
  if (processor === null) return []
  const taskset = findProgram('taskset')
  if (taskset === null) throw new Error('taskset is not on this machine (Debian: apt-get install util-linux)')
  return [taskset, '--cpu-list', String(processor)]
}

/** The first group of `pattern`, once what the process has said so far matches it. */
export async function whenSaid(
  child: ChildProcess,
  said: () => string,
  pattern: RegExp,
  name: string,
  abort: AbortSignal
): Promise<string> {
  const deadline = performance.now() + serveWithinMs
  for (;;) {
    abort.throwIfAborted()
    const found = pattern.exec(said())?.[1]
    if (found !== undefined) return found
    const ended = child.exitCode !== null || child.signalCode !== null
    if (ended || performance.now() > deadline) {
      const what = ended ? 'ended' : `does not serve after ${serveWithinMs / 1000} s`
      throw new Error(`${name} ${what}; its log ends: ${said().slice(-shownOfLog)}`)
    }
    await pause(20)
  }
}

/** SIGTERM, then SIGKILL; resolves when it is gone. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const limit = setTimeout(() => child.kill('SIGKILL'), endWithinMs)
  await gone
  clearTimeout(limit)
}
