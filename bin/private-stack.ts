// The private stack as `npm start` and the commands beside it see it: engines with the seed data in them, and a file
// of settings by which `npm run token` and the others find them.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { migrate } from '../db/migrate.ts'
import { type Scale, seed } from '../db/seed/seed.ts'
import { installEngines } from '../db/stack/install.ts'
import { joinStack, StackIsRunning, type StackUrls, startStack, urlsOf } from '../db/stack/stack.ts'
import { developmentSecret } from './development-secret.ts'
import { unlessAborted } from './signals.ts'

type Report = (line: string) => void

/** Engines to stand on: ours, or those of another `npm start` of this checkout. */
export type Ground = {
  /** How the service finds them: environment variables of src/config.ts. */
  variables: { MYSQL_PRIMARY_URL: string; MYSQL_REPLICA_URLS: string; REDIS_URL: string }
  /** Settles when engines that are not ours have ended. */
  gone: Promise<void>
  /** Ends the engines if they are ours; called again, kills them. */
  stop(): Promise<void>
}

/**
 * Starts the stack of `directory`, or joins the one that runs there, and sees to its schema and data.
 * @throws the abort's reason, when nothing of ours runs any more; an Error that says what is missing or failed
 */
export async function standOnStack(
  directory: string,
  scale: Scale,
  report: Report,
  abort: AbortSignal
): Promise<Ground> {
  await installEngines(report)
  const ground = await startOrJoin(directory, report, abort)
  try {
    await unlessAborted(migrate(ground.variables.MYSQL_PRIMARY_URL, report), abort)
    await unlessAborted(seed(ground.variables.MYSQL_PRIMARY_URL, scale, report), abort)
    return ground
  } catch (error) {
    await ground.stop()
    throw error
  }
}

async function startOrJoin(directory: string, report: Report, abort: AbortSignal): Promise<Ground> {
  for (;;) {
    abort.throwIfAborted()
    try {
      const stack = await startStack({ directory, report, abort })
      const variables = variablesOf(urlsOf(stack))
      await writeSettings(directory, variables)
      return { variables, gone: new Promise(() => {}), stop: stack.stop }
    } catch (error) {
      if (!(error instanceof StackIsRunning)) throw error
      report('joining the stack of the npm start that runs already; it ends with that one')
      const joined = await joinStack(directory, abort)
      if (joined) return { variables: variablesOf(joined.urls), gone: joined.gone, stop: async () => {} }
    }
  }
}

function variablesOf({ primaryUrl, replicaUrls, redisUrl }: StackUrls): Ground['variables'] {
  return { MYSQL_PRIMARY_URL: primaryUrl, MYSQL_REPLICA_URLS: replicaUrls.join(','), REDIS_URL: redisUrl }
}

/** What `node --env-file` gives to the commands beside `npm start`: see package.json. */
async function writeSettings(directory: string, variables: Ground['variables']): Promise<void> {
  const all = { ...variables, JWT_SECRET: await developmentSecret(directory) }
  const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(join(directory, 'settings.env'), lines.join(''), { mode: 0o600 })
}
