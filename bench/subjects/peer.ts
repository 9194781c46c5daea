// A peer that is a program of bench/peers/servers/, in a Node of its own: the same that Turno runs on.
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnBound } from '../../db/stack/process.ts'
import { installPeers } from '../peers/install.ts'
import { endProcess, pinned, whenSaid } from './process.ts'
import type { Context, RunningSubject } from './subject.ts'

const servers = fileURLToPath(new URL('../peers/servers/', import.meta.url))

export type Program = {
  name: string
  /** In bench/peers/servers/. */
  file: string
  /** What it is told besides where the engines are. */
  environment?: Readonly<Record<string, string>>
}

/** Resolves when it serves. Its packages are installed if they are not. @throws Error of one line */
export async function startPeer(
  { name, file, environment = {} }: Program,
  { mysql, redisUrl, jwt, directory, processor, abort }: Context
): Promise<RunningSubject> {
  await installPeers(() => {}, abort)
  const log = join(directory, `${name}.log`)
  const out = openSync(log, 'w')
  const child = spawnBound([...pinned(processor), process.execPath, join(servers, file)], 'SIGKILL', {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      MYSQL_PRIMARY_URL: mysql.primaryUrl,
      MYSQL_REPLICA_URLS: mysql.replicaUrls.join(','),
      REDIS_URL: redisUrl,
      JWT_PUBLIC_KEY: jwt.publicPem,
      JWT_ISSUER: jwt.issuer,
      JWT_AUDIENCE: jwt.audience,
      JWT_SECRET: jwt.secret,
      KEY_PREFIX: `${name}:`,
      ...environment
    },
    stdio: ['ignore', out, out]
  })
  const stop = () => endProcess(child)
  try {
    const url = await whenSaid(
      child,
      () => readFileSync(log, 'utf8'),
      /listening on (http:\S+)\n/,
      name,
      abort
    )
    return { name, urls: [url], pids: { [name]: child.pid ?? 0 }, operatorsUrls: [], stop }
  } catch (error) {
    await stop()
    throw error
  }
}
