// npm run seed: loads a data set into MYSQL_PRIMARY_URL, if it has none yet.

import { parseArgs } from 'node:util'
import type { Scale } from '../db/seed/seed.ts'
import { seed } from '../db/seed/seed.ts'

const usage = `usage: MYSQL_PRIMARY_URL=mysql://user:password@host:port/database npm run seed -- [--scale tiny|seed|x10]

  tiny    20 therapists,      2,000 bookings: for tests
  seed    500 therapists,   100,000 bookings: the default
  x10     5,000 therapists, 1,000,000 bookings`

const scales: readonly Scale[] = ['tiny', 'seed', 'x10']

try {
  const { values } = parseArgs({
    options: { scale: { type: 'string', default: 'seed' }, help: { type: 'boolean', default: false } }
  })
  const scale = scales.find((one) => one === values.scale)
  const primaryUrl = process.env.MYSQL_PRIMARY_URL
  if (values.help) console.log(usage)
  else if (!scale) throw new Error(`--scale is one of ${scales.join(', ')}`)
  else if (!primaryUrl) throw new Error('MYSQL_PRIMARY_URL is not set: which database is to be filled?')
  else await seed(primaryUrl, scale, console.log)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
