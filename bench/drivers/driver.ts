// Starts a driver in a process of its own, and speaks with it.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnBound } from '../../db/stack/process.ts'
import { endProcess, pinned } from '../subjects/process.ts'
import type { DriverOutcome, FromDriver, Plan } from './plan.ts'

const child = fileURLToPath(new URL('child.ts', import.meta.url))
const shownOfError = 1_000

export type Driver = {
  pid: number
  /** Counts from here; resolves with what was seen. */
  go(): Promise<DriverOutcome>
  stop(): Promise<void>
}

/** Resolves when it has warmed up. @throws Error of one line when it ends before its time */
export async function startDriver(plan: Plan, processor: number | null, abort: AbortSignal): Promise<Driver> {
  abort.throwIfAborted()
  const process_ = spawnBound([...pinned(processor), process.execPath, child], 'SIGKILL', {
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'pipe']
  })
  const { stdin, stdout, stderr } = process_
  if (!stdin || !stdout || !stderr) throw new Error('a driver without pipes')
  let trouble = ''
  stderr.on('data', (chunk) => {
    trouble = (trouble + chunk).slice(-shownOfError)
  })
  stdin.on('error', () => {}) // that it is gone is told by its end
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  const kill = () => process_.kill('SIGKILL')
  abort.addEventListener('abort', kill)
  const hear = async (): Promise<FromDriver> => {
    const { value, done } = await lines.next()
    abort.throwIfAborted()
    if (!done) return JSON.parse(value)
    throw new Error(`a driver ended before its time: ${trouble}`)
  }
  const stop = async () => {
    abort.removeEventListener('abort', kill)
    await endProcess(process_)
  }
  try {
    stdin.write(`${JSON.stringify(plan)}\n`)
    const warm = await hear()
    if (warm.say !== 'warm') throw new Error('a driver that did not warm up')
  } catch (error) {
    await stop()
    throw error
  }
  return {
    pid: process_.pid ?? 0,
    async go() {
      stdin.write('go\n')
      const said = await hear()
      if (said.say !== 'done') throw new Error('a driver without an outcome')
      if (process_.exitCode === null) await once(process_, 'exit')
      return said.outcome
    },
    stop
  }
}
