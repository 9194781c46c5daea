// `npm run token`: an access token for trying the API as anybody, without signing in. Signed with this environment's
// key and belonging to no session, which is why production would not take it.

import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import auth, { longestTokenSeconds, roles } from '../plugins/auth.ts'
import { readSettings, SettingsError } from '../src/config.ts'
import { isUuid } from '../src/http/id.ts'

const help = `Usage: npm run token -- --user <uuid> --role ${roles.join('|')} [--expires <seconds>]

Prints an access token for development.

  --user     id of the user that the token is for
  --role     what the user is
  --expires  seconds until the token ends, at most and by default ${longestTokenSeconds}
`

/** What is wrong with the command, in one line. */
class UsageError extends Error {}

try {
  const wanted = readArguments()
  process.stdout.write(wanted === null ? help : `${await tokenFor(wanted)}\n`)
} catch (error) {
  if (error instanceof SettingsError) for (const line of error.lines) process.stderr.write(`${line}\n`)
  else if (error instanceof UsageError) process.stderr.write(`${error.message}\n`)
  else throw error
  process.exitCode = 1
}

type Wanted = { id: string; role: (typeof roles)[number]; seconds: number }

function readArguments(): Wanted | null {
  const { user, role: name, expires, help } = parse()
  if (help) return null
  if (user === undefined || name === undefined)
    throw new UsageError('Both --user <uuid> and --role <role> are needed.')
  if (!isUuid(user)) throw new UsageError(`--user ${user} is not a UUID.`)
  const role = roles.find((one) => one === name)
  if (role === undefined) throw new UsageError(`--role ${name} is none of ${roles.join(', ')}.`)
  const seconds = Number(expires)
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > longestTokenSeconds) {
    throw new UsageError(
      `--expires ${expires} is not a whole number of seconds from 1 to ${longestTokenSeconds}.`
    )
  }
  return { id: user.toLowerCase(), role, seconds }
}

function parse() {
  try {
    const options = {
      user: { type: 'string' },
      role: { type: 'string' },
      expires: { type: 'string', default: String(longestTokenSeconds) },
      help: { type: 'boolean', short: 'h', default: false }
    } as const
    return parseArgs({ options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

async function tokenFor({ id, role, seconds }: Wanted): Promise<string> {
  // The settings want a database; a token needs none, and `npm start` runs one of its own.
  const settings = readSettings({ MYSQL_PRIMARY_URL: 'mysql://nobody@127.0.0.1/none', ...process.env })
  if (settings.environment === 'production')
    throw new UsageError('Production takes the tokens of sessions alone: POST /api/auth/login gives one.')
  const app = Fastify()
  app.decorate('settings', settings)
  await app.register(auth)
  return app.signToken({ id, role }, seconds)
}
