// Brings the peers to this machine when a benchmark first needs them, in the versions that the lock file names.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, promisify } from 'node:util'

const directory = fileURLToPath(new URL('.', import.meta.url))
const withinMs = 180_000

/** @throws Error of one line when they cannot be installed */
export async function installPeers(report: (line: string) => void, signal: AbortSignal): Promise<void> {
  if (await installed()) return
  report('installing the peers (npm ci in bench/peers)')
  const command = ['ci', '--no-audit', '--no-fund', '--ignore-scripts']
  try {
    await promisify(execFile)('npm', command, { cwd: directory, signal, timeout: withinMs })
  } catch (error) {
    signal.throwIfAborted()
    throw new Error(`the peers could not be installed: ${reasonOf(error)}`)
  }
}

// npm leaves a lock file of its own beside what it has installed, written last.
async function installed(): Promise<boolean> {
  const [wanted, found] = await Promise.all([
    packagesOf('package-lock.json'),
    packagesOf('node_modules/.package-lock.json')
  ])
  if (!wanted || !found) return false
  const { '': _root, ...packages } = wanted
  return isDeepStrictEqual(versions(packages), versions(found))
}

type Packages = Record<string, { version?: string }>

async function packagesOf(file: string): Promise<Packages | null> {
  const text = await readFile(`${directory}${file}`, 'utf8').catch(() => null)
  if (text === null) return null
  const lock: { packages: Packages } = JSON.parse(text)
  return lock.packages
}

function versions(packages: Packages): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(packages).map(([path, { version }]) => [path, version]))
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ENOENT') return 'there is no npm in PATH'
  if ('killed' in error && error.killed === true) return `npm took longer than ${withinMs / 1000} s`
  const stderr = 'stderr' in error ? String(error.stderr) : ''
  const said = stderr.split('\n').find((line) => /^npm error (?!code|errno|A complete log)/.test(line))
  return said?.replace(/^npm error\s*/, '') ?? 'npm ci failed'
}
