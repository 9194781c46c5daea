// npm run migrate: brings the schema of MYSQL_PRIMARY_URL to the newest.

import { migrate } from '../db/migrate.ts'

const primaryUrl = process.env.MYSQL_PRIMARY_URL
if (process.argv.length > 2) {
  console.log('usage: MYSQL_PRIMARY_URL=mysql://user:password@host:port/database npm run migrate')
  process.exit(process.argv[2] === '--help' ? 0 : 2)
}
if (!primaryUrl) {
  console.error('MYSQL_PRIMARY_URL is not set: which database is to be migrated?')
  process.exit(2)
}

try {
  const applied = await migrate(primaryUrl, console.log)
  console.log(applied === 0 ? 'the schema is current' : `applied ${applied}: the schema is current`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
