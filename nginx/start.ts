// Runs an nginx of one role on this machine, for `npm start -- --edge` and the tests: the files beside this one, copied,
// and in here/ what they leave to each machine.

import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { cp, mkdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type EngineProcess, findProgram, freePort, run, startProcess } from '../db/stack/process.ts'

const source = fileURLToPath(new URL('.', import.meta.url))
const configuration = ['conf.d', 'sites', 'problems', 'edge.conf', 'instance.conf']

export type Wanted = {
  role: 'edge' | 'instance'
  /** Holds all that nginx reads and writes; made if it is not there. */
  directory: string
  /** `host:port` of each instance (edge) or process (instance). */
  upstreams: readonly string[]
  /** Proxies in front whose X-Forwarded-For is believed: addresses or CIDR blocks. */
  trusted?: readonly string[]
  /** Whoever sends it as X-Edge-Refresh renews what is kept. Left out, nobody does. */
  refreshSecret?: string
  /** Where the API is to be: https for an edge, http for an instance. Any free port where it is taken or left out. */
  port?: number
  /** Where an edge redirects plain HTTP from. */
  redirectPort?: number
}

export type Nginx = {
  /** Where the API is. */
  readonly url: string
  /** Where an edge redirects from. */
  readonly redirectUrl: string
  /** PEM: what a client must trust to trust this edge. Empty for an instance. */
  readonly certificate: string
  readonly accessLog: string
  stop(): Promise<void>
}

/** Whether this machine has what an edge needs. */
export function hasNginx(): boolean {
  return findProgram('nginx') !== null && findProgram('openssl') !== null
}

/**
 * Starts it and waits until it listens. It ends with this process, however that ends.
 * @throws Error with the end of nginx's log when it does not come up
 */
export async function startNginx(wanted: Wanted, abort?: AbortSignal): Promise<Nginx> {
  const { role, directory } = wanted
  for (const name of ['here', 'log', 'run']) await mkdir(join(directory, name), { recursive: true })
  for (const name of configuration) await cp(join(source, name), join(directory, name), { recursive: true })
  const certificate = role === 'edge' ? await makeCertificate(directory, abort) : ''
  const redirectPort = wanted.redirectPort ?? (await freePort())

  const engine: EngineProcess = await startProcess(
    {
      name: 'nginx',
      directory,
      logFile: join(directory, 'log', 'error.log'),
      command: (port) => {
        writeHere(wanted, port, redirectPort)
        const program = findProgram('nginx') ?? 'nginx'
        const file = join(directory, `${role}.conf`)
        return [
          program,
          '-p',
          directory,
          '-c',
          file,
          '-e',
          join(directory, 'log', 'error.log'),
          '-g',
          'daemon off;'
        ]
      },
      answers: async (port, pid) => {
        if (Number(readFileSync(join(directory, 'run', 'nginx.pid'), 'utf8')) !== pid)
          throw new Error('not it')
        const socket = connect({ host: '127.0.0.1', port })
        await once(socket, 'connect')
        socket.destroy()
      },
      whenOrphaned: 'SIGTERM'
    },
    wanted.port,
    abort
  )
  const at = (scheme: string, port: number) => `${scheme}://127.0.0.1:${port}`
  return {
    url: at(role === 'edge' ? 'https' : 'http', engine.port),
    redirectUrl: at('http', role === 'edge' ? redirectPort : engine.port),
    certificate,
    accessLog: join(directory, 'log', 'access.log'),
    stop: () => engine.stop()
  }
}

// The same files that the user data of an instance writes, for one machine's loopback.
function writeHere(
  { role, directory, upstreams, trusted = [], refreshSecret }: Wanted,
  port: number,
  redirectPort: number
): void {
  const isEdge = role === 'edge'
  const files = {
    // Started by root, the workers would otherwise become a user who may not look into this directory.
    'process.conf': process.getuid?.() === 0 ? ['user root;'] : [],
    'upstream.conf': upstreams.map((server) => `server ${server} max_fails=3 fail_timeout=5s;`),
    'clients.conf': trusted.map((proxy) => `set_real_ip_from ${proxy};`),
    'refresh.conf': refreshSecret === undefined ? [] : [`"${refreshSecret}" 1;`],
    'listen-http.conf': isEdge
      ? [`listen 127.0.0.1:${redirectPort};`, `set $https_port :${port};`]
      : [`listen 127.0.0.1:${port};`],
    'listen-https.conf': [`listen 127.0.0.1:${port} ssl http2;`],
    'certificate.conf': ['ssl_certificate here/certificate.pem;', 'ssl_certificate_key here/key.pem;']
  }
  for (const [name, lines] of Object.entries(files))
    writeFileSync(join(directory, 'here', name), lines.map((line) => `${line}\n`).join(''), { mode: 0o600 })
}

/** A certificate of its own for loopback, good for a month. */
async function makeCertificate(directory: string, abort: AbortSignal | undefined): Promise<string> {
  const path = join(directory, 'here', 'certificate.pem')
  const command = [findProgram('openssl') ?? 'openssl', 'req', '-x509', '-nodes', '-days', '30']
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-keyout',
    join(directory, 'here', 'key.pem')
  ]
  const names = [
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-out',
    path
  ]
  await run([...command, ...key, ...names], {
    input: '',
    directory,
    logFile: join(directory, 'log', 'certificate.log'),
    abort
  })
  return readFile(path, 'utf8')
}
