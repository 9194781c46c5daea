// Time that passes only when a test says so: performance.now, setTimeout and setInterval of this process.
// setImmediate stays real: it orders work within one moment and takes no time.
import { setImmediate } from 'node:timers/promises'

type Timer = { due: number; every: number | null; run: () => void }

/** What setTimeout returns here: enough for those who keep it to clear it. */
class Handle {
  unref(): this {
    return this
  }
}

export class Clock {
  #now = 1_000
  #timers = new Map<object, Timer>()
  #restore: (() => void)[] = []

  get now(): number {
    return this.#now
  }

  install(): void {
    const start = (run: () => void, ms = 0) => this.#set(run, ms, null)
    const clear = (handle: object) => void this.#timers.delete(handle)
    this.#replace(globalThis, 'setTimeout', start)
    this.#replace(globalThis, 'setInterval', (run: () => void, ms: number) => this.#set(run, ms, ms))
    this.#replace(globalThis, 'clearTimeout', clear)
    this.#replace(globalThis, 'clearInterval', clear)
    this.#replace(performance, 'now', () => this.#now)
  }

  restore(): void {
    for (const restore of this.#restore.splice(0)) restore()
  }

  /** Runs what becomes due on the way, in order. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const [next] = [...this.#timers]
        .filter(([, { due }]) => due <= end)
        .sort(([, a], [, b]) => a.due - b.due)
      if (!next) break
      const [handle, timer] = next
      this.#now = Math.max(this.#now, timer.due)
      if (timer.every === null) this.#timers.delete(handle)
      else timer.due += timer.every
      timer.run()
      await settled()
    }
    this.#now = end
  }

  #set(run: () => void, ms: number, every: number | null): object {
    const handle = new Handle()
    this.#timers.set(handle, { due: this.#now + ms, every, run })
    return handle
  }

  #replace(owner: object, name: string, value: unknown): void {
    const own = Object.getOwnPropertyDescriptor(owner, name)
    Object.defineProperty(owner, name, { value, configurable: true, writable: true })
    this.#restore.push(() => {
      if (own) Object.defineProperty(owner, name, own)
      else Reflect.deleteProperty(owner, name)
    })
  }
}

/** Resolves when all that can go on without time or messages has gone on. */
export async function settled(): Promise<void> {
  await setImmediate()
  await setImmediate()
}
