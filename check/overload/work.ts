// What is asked for, how long it takes, and how much of it can be done.

export const paths = { item: '/check/item', list: '/check/list', write: '/check/write' } as const
export type Work = keyof typeof paths

/** In the database, ms. */
export const workMs: Readonly<Record<Work, number>> = { item: 50, list: 100, write: 50 }
/** Of a hundred requests. */
export const mix: Readonly<Record<Work, number>> = { item: 60, list: 30, write: 10 }
export const works = ['write', 'item', 'list'] as const satisfies readonly Work[]

/** Whoever has waited so long has gone: what is answered later helps nobody, ms. */
export const patienceMs = 1_000

/** Which work the n-th request asks for: the mix in every hundred, spread evenly. */
export function workOf(n: number): Work {
  // 37 has no factor in common with 100: each place of a hundred is met once.
  const place = (n * 37) % 100
  if (place < mix.write) return 'write'
  return place < mix.write + mix.item ? 'item' : 'list'
}
