// The instances under check: child processes, each behind a proxy of its own to Redis, started, paused, killed and
// started again.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findProgram } from '../../db/stack/process.ts'
import { clock, JournalTail } from './journal.ts'
import type { Beginning, FromInstance, ToInstance } from './messages.ts'
import { proxyTo, type TcpProxy } from './proxy.ts'

const readyWithinMs = 30_000
/** A crash waits for the next write; an instance that is cut off from everything has none. */
const crashWithinMs = 1_500
const stopWithinMs = 2_000

type Instance = {
  number: number
  proxy: TcpProxy
  child: ChildProcess
  journals: { process: string; tail: JournalTail }[]
  /** When it was stopped by us: what it then reports as a stall is none. */
  pauses: { from: number; to: number }[]
}

export type FleetOptions = {
  instances: number
  /** Journals and logs go there. */
  directory: string
  redisPort: number
  beginning: Omit<Beginning, 'redisUrl' | 'journal' | 'seed' | 'slow'>
  redisUrl: string
  seed: string
  /** Instances will be killed. */
  crashes: boolean
  /** An instance ended that nobody had killed. */
  failed(error: Error): void
}

export class Fleet {
  /** What reads and writes failed with, and how often. */
  readonly failures: Record<string, number> = {}
  #options: FleetOptions
  #instances: Instance[] = []
  /** Loaded and waiting to take the place of the next that dies: loading takes seconds on a busy machine. */
  #spare: ChildProcess | undefined
  #slow = false
  #stopping = false

  private constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Starts all and resolves once each is at work. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options)
    try {
      const starts = Array.from({ length: options.instances }, (_, number) => fleet.#start(number))
      const failure = (await Promise.allSettled(starts)).find(({ status }) => status === 'rejected')
      if (failure?.status === 'rejected') throw failure.reason
      if (options.crashes) fleet.#spare = fleet.#launch('spare')
      return fleet
    } catch (error) {
      await fleet.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#spare?.kill('SIGKILL')
    await Promise.all(this.#instances.map((instance) => this.#end(instance)))
    for (const { proxy } of this.#instances) proxy.close()
  }

  /** After `stop`, and the last look into the journals. */
  closeJournals(): void {
    for (const { journals } of this.#instances) for (const { tail } of journals) tail.close()
  }

  journals(): { instance: number; process: string; tail: JournalTail }[] {
    return this.#instances.flatMap(({ number, journals }) =>
      journals.map((journal) => ({ instance: number, ...journal }))
    )
  }

  /** True when an instance stood still because we had stopped it. */
  wasPaused(number: number, from: number, to: number): boolean {
    const pauses = this.#instances[number]?.pauses ?? []
    return pauses.some((one) => one.from < to && one.to > from)
  }

  pause(number: number): void {
    const instance = this.#instances[number]
    instance?.pauses.push({ from: clock(), to: Number.POSITIVE_INFINITY })
    instance?.child.kill('SIGSTOP')
  }

  resume(number: number): void {
    const instance = this.#instances[number]
    instance?.child.kill('SIGCONT')
    const now = clock()
    for (const pause of instance?.pauses ?? []) pause.to = Math.min(pause.to, now)
  }

  cut(number: number, how: 'silence' | 'refusal'): void {
    this.#instances[number]?.proxy.cut(how)
  }

  heal(number: number): void {
    this.#instances[number]?.proxy.heal()
  }

  slow(on: boolean): void {
    this.#slow = on
    for (const { child } of this.#instances) say(child, { say: 'slow', on })
  }

  /** It dies between COMMIT and telling, or wherever it is when it writes nothing; then it is started again. */
  async crash(number: number): Promise<void> {
    const instance = this.#instances[number]
    if (!instance) return
    const { child } = instance
    child.removeAllListeners('exit')
    const gone = exitOf(child)
    say(child, { say: 'crash' })
    await Promise.race([gone, pause(crashWithinMs, null, { ref: false })])
    child.kill('SIGKILL')
    await gone
    if (this.#stopping) return
    await this.#replace(instance)
  }

  async #start(number: number): Promise<void> {
    const proxy = await proxyTo(this.#options.redisPort)
    const child = this.#launch(`instance ${number + 1}`)
    const instance: Instance = { number, proxy, child, journals: [], pauses: [] }
    this.#instances[number] = instance
    await this.#begin(instance)
  }

  async #replace(instance: Instance): Promise<void> {
    instance.child = this.#spare ?? this.#launch(`instance ${instance.number + 1}`)
    this.#spare = this.#launch('spare')
    await this.#begin(instance)
  }

  // Its life is bound to ours by the kernel: a stopped process would not notice that we are gone.
  #launch(name: string): ChildProcess {
    const { directory, failed, beginning } = this.#options
    const { design, removed } = beginning.subject
    const script = fileURLToPath(new URL('instance.ts', import.meta.url))
    const setpriv = findProgram('setpriv')
    const command = [...(setpriv ? [setpriv, '--pdeathsig', 'KILL'] : []), process.execPath, script, design]
    if (removed !== null) command.push(removed)
    const log = openSync(join(directory, 'instances.log'), 'a')
    // Nothing of the environment: a test runner's settings are not for it.
    const child = spawn(command[0] ?? '', command.slice(1), {
      stdio: ['ignore', log, log, 'ipc'],
      env: { PATH: process.env.PATH },
      detached: true
    })
    closeSync(log)
    child.once('error', failed)
    child.once('exit', (code, signal) => {
      if (this.#stopping) return
      failed(new Error(`${name} ended unasked (${signal ?? code}): ${lastLine(directory)}`))
    })
    return child
  }

  async #begin(instance: Instance): Promise<void> {
    const { number, child, proxy, journals } = instance
    const { directory, redisUrl, beginning, seed } = this.#options
    const incarnation = `${number + 1}-${journals.length + 1}`
    const journal = join(directory, `instance-${incarnation}.journal`)
    closeSync(openSync(journal, 'a'))
    journals.push({ process: incarnation, tail: new JournalTail(journal) })
    const url = new URL(redisUrl)
    url.port = String(proxy.port)
    const ready = new Promise<void>((resolve) => {
      child.on('message', (message: FromInstance) => {
        if (message.say === 'ready') resolve()
        else if (message.say === 'written') this.#handOver(number, message)
        else this.failures[message.error] = (this.failures[message.error] ?? 0) + 1
      })
    })
    say(child, {
      say: 'begin',
      beginning: {
        ...beginning,
        redisUrl: url.href,
        journal,
        seed: `${seed}:${incarnation}`,
        slow: this.#slow
      }
    })
    const timeout = pause(readyWithinMs, 'late', { ref: false })
    if ((await Promise.race([ready, once(child, 'exit'), timeout])) === 'late') {
      throw new Error(`instance ${number + 1} was not at work after ${readyWithinMs / 1000} s`)
    }
  }

  // Whoever wrote on one instance reads on the next, as a balancer would have it.
  #handOver(number: number, { key, token, written }: Extract<FromInstance, { say: 'written' }>): void {
    const next = this.#instances[(number + 1) % this.#instances.length]
    if (next) say(next.child, { say: 'read', key, token, written })
  }

  async #end({ child }: Instance): Promise<void> {
    const gone = exitOf(child)
    child.kill('SIGCONT')
    say(child, { say: 'stop' })
    await Promise.race([gone, pause(stopWithinMs, null, { ref: false })])
    child.kill('SIGKILL')
    await gone
  }
}

// The directory is gone when somebody reads the error.
function lastLine(directory: string): string {
  const lines = readFileSync(join(directory, 'instances.log'), 'utf8').trimEnd().split('\n')
  return lines.findLast((line) => /Error/.test(line)) ?? lines.at(-1) ?? ''
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

function say(child: ChildProcess, message: ToInstance): void {
  // One that is dead or dying does not hear it; what follows from that is what is being checked.
  if (child.connected) child.send(message, () => {})
}
