// The wishes of whoever runs a command: to end it, and to end it faster.

/**
 * One Ctrl-C comes several times: from the terminal to the whole process group, and again from npm, which passes on
 * what it hears. Within this time, ms, it is one.
 */
const onePressMs = 500

export type Wishes = {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP; the reason is an Interrupted. */
  leave: AbortSignal
  /** Aborted by the second. */
  hurry: AbortSignal
}

export class Interrupted extends Error {
  override name = 'Interrupted'
  readonly signal: NodeJS.Signals
  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`)
    this.signal = signal
  }
}

/** From here on no signal ends the process by itself. */
export function hearSignals(): Wishes {
  const leave = new AbortController()
  const hurry = new AbortController()
  let heardAt = Number.NEGATIVE_INFINITY
  const hear = (signal: NodeJS.Signals) => {
    const now = performance.now()
    if (now - heardAt < onePressMs) return
    heardAt = now
    const wish = leave.signal.aborted ? hurry : leave
    wish.abort(new Interrupted(signal))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, hear)
  return { leave: leave.signal, hurry: hurry.signal }
}

/** Settles when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** The work's result, or the signal's reason when that comes first; what then becomes of the work is nobody's. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {})
  const stopped = aborted(signal).then((): never => {
    throw signal.reason
  })
  return Promise.race([work, stopped])
}
