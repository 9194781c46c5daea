// Why the database refused a statement, by the numbers that MariaDB and MySQL share.

export const duplicateKey = 1062
export const noParentRow = 1452
export const lockWaitTimeout = 1205
export const deadlock = 1213

/** The number of a driver's error, also where the query builder has wrapped it; undefined for any other error. */
export function errnoOf(error: unknown): unknown {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error && 'errno' in cause ? cause.errno : undefined
}
