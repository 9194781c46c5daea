// An nginx of the machine's own, one worker on the subject's processor, without an access log as all peers are.
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { findProgram, startProcess } from '../../db/stack/process.ts'
import { pinned } from './process.ts'
import type { Context, RunningSubject } from './subject.ts'

export const hasNginx = () => findProgram('nginx') !== null

/**
 * @param outside of the server: caches, upstreams
 * @param inside of the one location
 * @throws Error of one line where this machine has no nginx, or with the end of its log
 */
export async function startNginx(
  name: string,
  outside: string,
  inside: string,
  { directory: parent, processor, abort }: Context
): Promise<RunningSubject> {
  const program = findProgram('nginx')
  if (program === null) throw new Error('nginx is not on this machine (Debian: apt-get install nginx-light)')
  const directory = join(parent, name)
  mkdirSync(directory, { recursive: true })
  const logFile = join(directory, 'error.log')
  const engine = await startProcess(
    {
      name,
      directory,
      logFile,
      command(port) {
        writeFileSync(join(directory, 'nginx.conf'), configuration(port, outside, inside))
        return [...pinned(processor), program, '-p', directory, '-c', 'nginx.conf', '-e', logFile]
      },
      async answers(port, pid) {
        if (Number(readFileSync(join(directory, 'nginx.pid'), 'utf8')) !== pid) throw new Error('not it')
        const socket = connect({ host: '127.0.0.1', port })
        await once(socket, 'connect')
        socket.destroy()
      },
      whenOrphaned: 'SIGTERM'
    },
    undefined,
    abort
  )
  return {
    name,
    urls: [`http://127.0.0.1:${engine.port}`],
    pids: { [name]: await workerOf(engine.pid) },
    operatorsUrls: [],
    stop: () => engine.stop()
  }
}

function configuration(port: number, outside: string, inside: string): string {
  // Started by root, the worker would otherwise become a user who may not look into this directory.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${kind};`)
    .join(' ')
  return `${user}
daemon off;
pid nginx.pid;
worker_processes 1;
events { worker_connections 4096; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 72s;
    keepalive_requests 1000000000;
    ${temporary}
    ${outside}
  server {
    listen 127.0.0.1:${port};
    location / {${inside}
    }
  }
}
`
}

/** The master does nothing: its only child does. */
async function workerOf(master: number): Promise<number> {
  for (;;) {
    const [child] = readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ')
    if (child) return Number(child)
    await pause(10)
  }
}
