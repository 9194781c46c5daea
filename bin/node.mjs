// node bin/node.mjs [arguments of node]: runs this project's own Node, whatever Node the machine has, after making
// node_modules what package-lock.json says. Plain JavaScript of Node 18 and nothing but its own modules: it has to
// run where there is nothing yet.

import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const commands = join(root, 'node_modules', '.bin')
const oldestNode = 18

/** The running child, so that whoever signals us (npm, a service manager) reaches it. */
let child = null
let interrupted = false
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => passOn(name))

// npm waits for what it runs: when it is no longer our parent, it was killed, and nobody could stop us any more.
const parent = process.ppid
if (process.env.npm_lifecycle_event) {
  setInterval(() => process.ppid !== parent && passOn('SIGHUP'), 500).unref()
}

if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  leave(`Node ${process.versions.node} is too old to begin with: install Node ${oldestNode} or later`)
}
if (!dependenciesAreRight()) {
  console.error('turno: installing dependencies (npm ci)')
  const code = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    ...process.env,
    // Not by the Node that is about to be replaced.
    PATH: (process.env.PATH || '')
      .split(delimiter)
      .filter((path) => path !== commands)
      .join(delimiter)
  })
  if (interrupted) process.exit(130)
  if (code !== 0) leave('npm ci failed: its lines above say why')
}
process.exit(
  await run(...boundToUs(join(commands, 'node'), process.argv.slice(2)), {
    ...process.env,
    PATH: [commands, process.env.PATH].join(delimiter)
  })
)

function passOn(signal) {
  interrupted = true
  if (child) child.kill(signal)
}

/** Resolves with the exit code of the command, as a shell would count it. */
function run(command, parameters, env) {
  return new Promise((resolve) => {
    child = spawn(command, parameters, { cwd: root, env, stdio: 'inherit' })
    child.on('error', (error) => leave(`cannot run ${command}: ${error.message}`))
    child.on('exit', (code, signal) => {
      child = null
      resolve(signal ? 128 + constants.signals[signal] : code)
    })
  })
}

/** Where Linux can: a kill -9 of this process ends the child too, in order. */
function boundToUs(command, parameters) {
  const setpriv = '/usr/bin/setpriv'
  return existsSync(setpriv)
    ? [setpriv, ['--pdeathsig', 'HUP', command, ...parameters]]
    : [command, parameters]
}

/** By content, not by date: a checkout of another branch changes the lock without touching what is installed. */
function dependenciesAreRight() {
  const installedFile = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedFile) || !existsSync(join(commands, 'node'))) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages
  const isMissing = ([path, entry]) => path !== '' && !entry.optional && !installed[path]
  const isOther = ([path, entry]) => !wanted[path] || wanted[path].version !== entry.version
  return !Object.entries(wanted).some(isMissing) && !Object.entries(installed).some(isOther)
}

function leave(line) {
  console.error(`turno: ${line}`)
  process.exit(1)
}
