// What a call throws, as the Problem that it must be.

import { Problem } from '../../src/http/problem.ts'

/** @throws Error when the work throws nothing, or the work's own error when that is no Problem */
export function thrown(work: () => unknown): Problem {
  try {
    work()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
