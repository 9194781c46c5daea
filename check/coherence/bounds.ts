// What may never be seen, and how late a read may be: 50 ms when all is well, 500 ms under one fault, 1 s under several
// at once. A replica that is held behind is no fault: it is not used.
import type { Figures } from './history.ts'
import type { Fault } from './schedule.ts'

const healthyMs = 50
const oneFaultMs = 500
const manyFaultsMs = 1_000

export function boundOf(faults: readonly Fault[]): number {
  const count = faults.filter((fault) => fault !== 'delay').length
  return count === 0 ? healthyMs : count === 1 ? oneFaultMs : manyFaultsMs
}

/**
 * A line for each bound that is broken. Lateness counts less the time in which a process of the checker's own stood
 * still without having been stopped: that says something of the machine. What it was in all is in the figures.
 */
export function brokenBounds(
  total: Figures,
  phases: readonly { name: string; boundMs: number; figures: Figures }[]
): string[] {
  const never: readonly (readonly [count: number, what: string])[] = [
    [total.sticky, 'reads late by more than 2 s: a value has stuck'],
    [total.ownUnseen, 'own writes not seen with their token'],
    [total.backwards, 'reads older than one before by the same reader'],
    [total.torn, 'answers put together of two moments']
  ]
  const tooLate = phases.flatMap(({ name, boundMs, figures: { worstWithoutStallsMs } }) =>
    worstWithoutStallsMs > boundMs
      ? [`${name}: a read late by ${Math.round(worstWithoutStallsMs)} ms, at most ${boundMs} ms are allowed`]
      : []
  )
  const nothing = total.reads === 0 || total.writes === 0 ? ['nothing was read or nothing was written'] : []
  return [
    ...never.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`),
    ...tooLate,
    ...nothing
  ]
}
