// What the process knows of its own health: whether it may get traffic, and each part's last known state. It asks
// nobody: parts keep their own state by their own monitors, so a hung part cannot make the report late.

/** `degraded`: works, with less than it should have (a replica fewer). `off`: not configured, by choice. */
export type PartStatus = 'up' | 'degraded' | 'down' | 'off'

/**
 * What a part tells of itself. Figures are numbers and flags alone, so that no host name, URL or password can ever
 * stand in an answer that anybody may read.
 */
export type PartState = {
  status: PartStatus
  /** The version the server of this part reports, such as `10.11.14`. */
  version?: string
  figures?: Readonly<Record<string, number | boolean | null>>
}

/** A process only ever moves to the right. */
export type Readiness = 'starting' | 'ready' | 'draining'

export type HealthReport = {
  status: 'ok' | 'degraded' | 'unavailable'
  readiness: Readiness
  /** Whole seconds since the process started. */
  uptimeSeconds: number
  versions: Readonly<Record<string, string>>
  parts: Readonly<Record<string, { status: PartStatus | 'unknown'; [figure: string]: unknown }>>
}

// A report is built at most this often, however many ask for it.
const reportLifetimeMs = 1000

/** The health of one process. */
export class Health {
  #versions: Readonly<Record<string, string>>
  #parts = new Map<string, () => PartState>()
  #readiness: Readiness = 'starting'
  #report: HealthReport | undefined
  #reportedAt = 0

  constructor(versions: Readonly<Record<string, string>>) {
    this.#versions = versions
  }

  /**
   * Adds a part to the report. `state` must return at once what its monitor last saw; one that throws is reported
   * as `unknown`.
   */
  add(name: string, state: () => PartState): void {
    this.#parts.set(name, state)
    this.#report = undefined
  }

  get readiness(): Readiness {
    return this.#readiness
  }

  /** The process may get traffic. A process that already drains stays draining. */
  started(): void {
    if (this.#readiness === 'starting') this.#become('ready')
  }

  /** The process asks for no more traffic. */
  drain(): void {
    this.#become('draining')
  }

  /** The report, at most a second old. A change of readiness shows at once. */
  report(): HealthReport {
    const now = performance.now()
    if (!this.#report || now - this.#reportedAt > reportLifetimeMs) {
      this.#report = this.#build()
      this.#reportedAt = now
    }
    return this.#report
  }

  #become(readiness: Readiness): void {
    this.#readiness = readiness
    this.#report = undefined
  }

  #build(): HealthReport {
    const parts: Record<string, { status: PartStatus | 'unknown'; [figure: string]: unknown }> = {}
    let whole = true
    for (const [name, state] of this.#parts) {
      const part = describe(state)
      if (part.status !== 'up' && part.status !== 'off') whole = false
      parts[name] = part
    }
    return {
      status: this.#readiness !== 'ready' ? 'unavailable' : whole ? 'ok' : 'degraded',
      readiness: this.#readiness,
      uptimeSeconds: Math.floor(process.uptime()),
      versions: this.#versions,
      parts
    }
  }
}

function describe(state: () => PartState): { status: PartStatus | 'unknown'; [figure: string]: unknown } {
  try {
    const { status, version, figures } = state()
    return { ...figures, status, ...(version !== undefined && { version }) }
  } catch {
    return { status: 'unknown' }
  }
}
