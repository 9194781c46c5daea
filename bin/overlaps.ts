// npm run check:overlaps: whether any two bookings of MYSQL_PRIMARY_URL overlap. Ends with 0 when none do, else with 1.

import { withConnection } from '../db/connection.ts'
import { countOverlaps } from '../src/bookings/overlaps.ts'

const limitMs = 120_000

const primaryUrl = process.env.MYSQL_PRIMARY_URL
if (process.argv.length > 2) {
  console.log('usage: MYSQL_PRIMARY_URL=mysql://user:password@host:port/database npm run check:overlaps')
  process.exit(process.argv[2] === '--help' ? 0 : 2)
}
if (!primaryUrl) {
  console.error('MYSQL_PRIMARY_URL is not set: which database is to be looked at?')
  process.exit(2)
}

try {
  const overlaps = await withConnection(primaryUrl, 'look for overlaps in', limitMs, (connection) =>
    countOverlaps(connection, null)
  )
  console.log(
    overlaps === 0
      ? '0: no two bookings overlap'
      : `${overlaps}: so many bookings begin before another has ended`
  )
  process.exitCode = overlaps === 0 ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
