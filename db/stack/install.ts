// The programs of the private stack, installed by Debian's own tools where they are missing and we may.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { findProgram } from './process.ts'

type Program = { name: string; programs: readonly string[]; debianPackage: string }

const engines: readonly Program[] = [
  // The server without its system service: nothing that listens, nothing under /var/lib/mysql.
  { name: 'MariaDB', programs: ['mariadbd'], debianPackage: 'mariadb-server-core' },
  { name: 'Redis', programs: ['redis-server', 'valkey-server'], debianPackage: 'redis-server' }
]

const edge: readonly Program[] = [
  { name: 'nginx', programs: ['nginx'], debianPackage: 'nginx' },
  // Makes the certificate of an edge on this machine.
  { name: 'OpenSSL', programs: ['openssl'], debianPackage: 'openssl' }
]

const installLimitMs = 600_000

type Report = (line: string) => void

/**
 * Sees to it that MariaDB and Redis are on this machine.
 * Not to be interrupted from here: a dpkg that is cut short leaves the machine broken. apt-get hears Ctrl-C itself.
 * @throws Error of one line that says what to install where this process may not, or why it failed
 */
export async function installEngines(report: Report): Promise<void> {
  if (process.platform !== 'linux') throw new Error('the private stack needs Linux: use docker compose up')
  await install(engines, 'install MariaDB 10.11 or later and Redis 7, or use docker compose up', report)
}

/** The same for what an edge in front of the service needs. */
export async function installEdge(report: Report): Promise<void> {
  await install(edge, 'install nginx 1.22 or later and openssl', report)
}

async function install(programs: readonly Program[], advice: string, report: Report): Promise<void> {
  const missing = programs.filter(({ programs }) => findProgram(...programs) === null)
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name).join(' and ')
  const packages = missing.map(({ debianPackage }) => debianPackage)
  if (findProgram('apt-get') === null) throw new Error(`${names} not found: ${advice}`)
  const asRoot = await howToBeRoot()
  if (asRoot === null) {
    throw new Error(`${names} not found: run sudo apt-get install ${packages.join(' ')}, or ${advice}`)
  }
  report(`installing ${packages.join(' and ')} (apt-get)`)
  const [command = 'sh', ...parameters] = [...asRoot, 'sh', '-c', installScript, 'sh', ...packages]
  const apt = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'pipe'], timeout: installLimitMs })
  const output = await outputOf(apt)
  if (apt.exitCode === 0) return
  const end = output.trimEnd().split('\n').slice(-5).join('\n')
  throw new Error(`apt-get could not install ${packages.join(' and ')}; ${advice}:\n${end}`)
}

/**
 * Debian starts a service when it installs its package, unless policy-rc.d says no (invoke-rc.d(8)). The machine's own
 * policy is left alone; ours is gone at the end, or else at the next time. A service that came with the package is not
 * started at the next boot either: this project wanted the program.
 */
const installScript = `
policy=/usr/sbin/policy-rc.d
ours='# turno: services stay down while packages are installed'
grep -qsxF "$ours" "$policy" && rm -f "$policy"
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM HUP
  printf '#!/bin/sh\\n%s\\nexit 101\\n' "$ours" > "$policy" && chmod 755 "$policy" || exit 1
fi
export DEBIAN_FRONTEND=noninteractive
install() {
  apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@"
}
install "$@" || { apt-get update && install "$@"; } || exit 1
for package do
  case $package in
    redis-server | nginx) command -v systemctl > /dev/null && systemctl disable --quiet "$package" ;;
  esac
done
exit 0
`

/** What to put before a command to run it as root without a question; null when we may not. */
async function howToBeRoot(): Promise<string[] | null> {
  if (process.getuid?.() === 0) return []
  const sudo = findProgram('sudo')
  if (sudo === null) return null
  const asked = spawn(sudo, ['-n', 'true'], { stdio: 'ignore', timeout: 10_000 })
  await once(asked, 'close')
  return asked.exitCode === 0 ? [sudo, '-n'] : null
}

async function outputOf(child: ChildProcess): Promise<string> {
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(child, 'close')
  return Buffer.concat(chunks).toString()
}
