// Follows the journals of the fleet and brings what is in them before the judge, in an order in which it can judge.
import type { Fleet } from './fleet.ts'
import type { History } from './history.ts'
import type { Entry } from './journal.ts'

type Read = Extract<Entry, { kind: 'read' }>
type Noted = { instance: number; process: string; entry: Entry }
type NotedRead = { instance: number; process: string; read: Read }

export class Observer {
  #fleet: Fleet
  #history: History
  #waiting: NotedRead[] = []

  constructor(fleet: Fleet, history: History) {
    this.#fleet = fleet
    this.#history = history
  }

  /**
   * Judges what is new. A read is judged only after all journals have been looked at once more: whatever was
   * acknowledged before it began is in them by then, for a write is noted before its writer goes on.
   */
  look(): void {
    const first = this.#news()
    const second = this.#news()
    for (const noted of [...first, ...second]) this.#note(noted)
    for (const { instance, process, read } of [...this.#waiting, ...readsOf(first)]) {
      this.#history.read(read, instance, process)
    }
    this.#waiting = readsOf(second)
  }

  /** When nothing is written any more. */
  finish(): void {
    this.look()
    this.look()
  }

  #news(): Noted[] {
    return this.#fleet
      .journals()
      .flatMap(({ instance, process, tail }) => tail.news().map((entry) => ({ instance, process, entry })))
  }

  #note({ instance, entry }: Noted): void {
    const { kind, from, to } = entry
    if (kind === 'write') this.#history.write(entry)
    else if (kind === 'failedRead' || kind === 'failedWrite') this.#history.failed(kind, from)
    else if (kind === 'stall' && !this.#fleet.wasPaused(instance, from, to)) this.#history.stall(from, to)
  }
}

function readsOf(noted: readonly Noted[]): NotedRead[] {
  return noted.flatMap(({ instance, process, entry }) =>
    entry.kind === 'read' ? [{ instance, process, read: entry }] : []
  )
}
