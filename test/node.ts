// Processes of ours that a test starts, signals and listens to. They die with the test, also when it is killed.
import { once } from 'node:events'
import { setTimeout as elapsed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { spawnBound } from '../db/stack/process.ts'
import type { Settings } from '../src/config.ts'

/** All tests come from one address, and more often than a person would. Tests of the limits set their own. */
export const unlimited = {
  RATE_LIMIT_READS_PER_MINUTE: '0',
  RATE_LIMIT_LOGINS: '0',
  RATE_LIMIT_LOGINS_PER_ADDRESS: '0',
  RATE_LIMIT_PAYMENTS: '0'
}

/** Runs a file of this repository, its path relative to here, in a Node of its own. */
export function runNode(
  t: Pick<Test, 'teardown'>,
  file: string,
  environment: NodeJS.ProcessEnv,
  parameters: readonly string[] = []
) {
  const script = fileURLToPath(new URL(file, import.meta.url))
  const child = spawnBound([process.execPath, script, ...parameters], 'SIGKILL', {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout?.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr?.on('data', (chunk) => {
    said.err += chunk
  })
  const ended = once(child, 'close').then(([code]) => ({ code: Number(code), ...said }))
  /** The first group of the pattern, once standard output matches it. */
  const found = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const match = pattern.exec(said.out)?.[1]
      if (match !== undefined) return match
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said.err}`)
      await elapsed(10)
    }
  }
  return { said, pid: child.pid ?? 0, kill: (signal: NodeJS.Signals) => child.kill(signal), ended, found }
}

/** Runs the service itself on these engines, on free ports. */
export function runService(
  t: Pick<Test, 'teardown'>,
  { mysql, redis, auth, audit }: Settings,
  environment: Record<string, string> = {}
) {
  return runNode(t, '../src/server.ts', {
    PATH: process.env.PATH,
    NODE_ENV: 'test',
    PORT: '0',
    MYSQL_PRIMARY_URL: mysql.primaryUrl,
    MYSQL_REPLICA_URLS: mysql.replicaUrls.join(','),
    REDIS_URL: redis.url ?? '',
    JWT_SECRET: auth.secret,
    AUDIT_SPOOL_DIR: audit.spoolDirectory,
    DRAIN_MS: '0',
    ...unlimited,
    ...environment
  })
}

/** Where a service says that it answers. */
export const serviceUrl = /serving on (http:[^"]+)/
/** Where it says that it answers its operators. */
export const operatorsUrl = /operators on (http:[^"]+)/
