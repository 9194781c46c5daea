// Turno as in production: NODE_ENV, keys of its own, rate limits, security headers, metrics and the access log on.
// Only the limits' quotas are out of reach, so that their cost is in every answer and their refusals in none.
import { openSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnBound } from '../../db/stack/process.ts'
import { endProcess, pinned, whenSaid } from './process.ts'
import type { Context, RunningSubject, Subject } from './subject.ts'

const server = fileURLToPath(new URL('../../src/server.ts', import.meta.url))

/** @param instances how many processes share the engines */
export function turno(name: string, instances: number): Subject {
  return {
    name,
    title: instances === 1 ? 'Turno' : `Turno, ${instances} instances`,
    serves: [
      'hit',
      'hit-token',
      'profiles',
      'searches',
      'practice',
      'spike',
      'bookings',
      'stampede',
      'penetration',
      'conditional',
      'entries',
      'knee',
      'redis-hung',
      'soak'
    ],
    async start(context) {
      const started = await Promise.allSettled(
        Array.from({ length: instances }, (_, index) => startInstance(context, `${name}-${index + 1}`))
      )
      const running = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      const stop = async () => {
        await Promise.all(running.map((instance) => instance.stop()))
      }
      const failure = started.find((one) => one.status === 'rejected')
      if (failure) {
        await stop()
        throw failure.reason
      }
      return {
        name,
        urls: running.map(({ url }) => url),
        operatorsUrls: running.map(({ operatorsUrl }) => operatorsUrl),
        pids: Object.fromEntries(running.map(({ name, pid }) => [name, pid])),
        stop
      } satisfies RunningSubject
    }
  }
}

async function startInstance(context: Context, name: string) {
  const { mysql, redisUrl, jwt, directory, processor, abort } = context
  const spool = join(directory, `${name}-audit`)
  await mkdir(spool, { recursive: true })
  const log = join(directory, `${name}.log`)
  const file = openSync(log, 'w')
  const child = spawnBound([...pinned(processor), process.execPath, server], 'SIGKILL', {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PORT: '0',
      MYSQL_PRIMARY_URL: mysql.primaryUrl,
      MYSQL_REPLICA_URLS: mysql.replicaUrls.join(','),
      REDIS_URL: redisUrl,
      JWT_SECRET: jwt.secret,
      JWT_KEYS: jwt.keys,
      JWT_ISSUER: jwt.issuer,
      JWT_AUDIENCE: jwt.audience,
      AUDIT_SPOOL_DIR: spool,
      DRAIN_MS: '0',
      RATE_LIMIT_READS_PER_MINUTE: '100000000',
      RATE_LIMIT_LOGINS: '1000000',
      RATE_LIMIT_LOGINS_PER_ADDRESS: '1000000',
      RATE_LIMIT_PAYMENTS: '1000000'
    },
    stdio: ['ignore', file, file]
  })
  const stop = () => endProcess(child)
  try {
    const said = () => readFileSync(log, 'utf8')
    const url = await whenSaid(child, said, /serving on (http:[^"]+)/, name, abort)
    const operatorsUrl = await whenSaid(child, said, /operators on (http:[^"]+)/, name, abort)
    return { name, url, operatorsUrl, pid: child.pid ?? 0, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
