// Redis as an engine of the private stack: a cache, so nothing of it is kept on disk.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findProgram, type Program } from './process.ts'

const ASK_MS = 1000

export type RedisOptions = {
  directory: string
  logFile: string
  password: string
  whenOrphaned: Program['whenOrphaned']
}

/** Writes the configuration (the password must not be on a command line that everybody can list). */
export async function redisProgram(options: RedisOptions): Promise<Program> {
  const { directory, password } = options
  const server = findProgram('redis-server', 'valkey-server')
  if (server === null) throw new Error('redis-server is not installed (Debian: apt-get install redis-server)')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const configuration = join(directory, 'redis.conf')
  const lines = [
    'bind 127.0.0.1',
    `requirepass ${password}`,
    `dir ${JSON.stringify(directory)}`,
    'save ""',
    'appendonly no',
    'maxmemory 256mb',
    'maxmemory-policy allkeys-lru'
  ]
  await writeFile(configuration, `${lines.join('\n')}\n`, { mode: 0o600 })
  return {
    name: 'redis',
    directory,
    logFile: options.logFile,
    whenOrphaned: options.whenOrphaned,
    command: (port) => [server, configuration, '--port', String(port)],
    answers: async (port, pid) => {
      const info = await ask(redisUrl(port, password))
      if (!info.includes(`process_id:${pid}\r`)) throw new Error('another Redis answers on this port')
    }
  }
}

export function redisUrl(port: number, password: string): string {
  return `redis://:${password}@127.0.0.1:${port}`
}

async function ask(url: string): Promise<string> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: ASK_MS,
    commandTimeout: ASK_MS,
    retryStrategy: () => null,
    enableReadyCheck: false
  })
  client.on('error', () => {}) // connect() rejects with the same
  try {
    await client.connect()
    return await client.info('server')
  } finally {
    client.disconnect()
  }
}
