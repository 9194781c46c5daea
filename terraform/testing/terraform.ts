// Runs the terraform of this machine on a working copy of the HCL, with provider.ts in AWS's place. Touches nothing
// but a directory of its own under the temporary one, and is gone with everything when it is closed.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import type { Http2Server } from 'node:http2'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findProgram, spawnBound } from '../../db/stack/process.ts'
import type { Plan } from './plan.ts'
import { providerServer } from './provider.ts'
import { awsSchema } from './schema/schema.ts'

/** The HCL of this repository. */
export const hclDirectory = fileURLToPath(new URL('..', import.meta.url))

/** Longer than any command takes on a starved machine, ms. */
const COMMAND_LIMIT_MS = 900_000

export type Outcome = { code: number; out: string; err: string }

export type Terraform = {
  /** A copy of the HCL under a directory, or of such a copy: what init has left there comes along. */
  copyOf(directory: string): Promise<string>
  /** One command. Its exit code is the caller's to judge. */
  run(directory: string, command: readonly string[]): Promise<Outcome>
  /**
   * The plan that these variables files make, as terraform's JSON, with foresight (provider.ts): nothing in it is
   * unknown. @throws Error with terraform's own words
   */
  foresee(directory: string, variablesFiles: readonly string[]): Promise<Plan>
  /** Ends what runs and removes all copies. */
  close(): Promise<void>
}

/** Where terraform is on this machine, or null. */
export const terraformProgram = (): string | null => findProgram('terraform')

/** Said wherever terraform is needed and absent. */
export const absent = 'terraform is not installed: put a terraform of 1.11 or later on the PATH'

/** @throws Error where terraform is absent */
export async function attachTerraform(abort?: AbortSignal): Promise<Terraform> {
  const program = terraformProgram()
  if (program === null) throw new Error(absent)
  const home = await mkdtemp(join(tmpdir(), 'turno-tf-'))
  const schema = awsSchema()
  const servers = [providerServer(schema), providerServer(schema, true)]
  const [asAws = '', withForesight = ''] = await Promise.all(servers.map(listening))
  const environment = {
    PATH: process.env.PATH,
    // Nothing of the user's: no CLI configuration, no credentials, no TF_VAR_. What terraform writes goes with us.
    HOME: home,
    TMPDIR: home,
    TF_IN_AUTOMATION: '1',
    TF_INPUT: '0',
    CHECKPOINT_DISABLE: '1'
  }
  const running = new Set<ChildProcess>()
  let copies = 0
  let plans = 0

  const run = async (directory: string, command: readonly string[], provider = asAws): Promise<Outcome> => {
    abort?.throwIfAborted()
    const child = spawnBound([program, `-chdir=${directory}`, ...command], 'SIGKILL', {
      env: { ...environment, TF_REATTACH_PROVIDERS: reattach(provider) },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    running.add(child)
    const limit = setTimeout(() => child.kill('SIGKILL'), COMMAND_LIMIT_MS)
    try {
      return await output(child)
    } finally {
      clearTimeout(limit)
      running.delete(child)
      abort?.throwIfAborted()
    }
  }

  const close = async () => {
    for (const child of running) child.kill('SIGKILL')
    for (const server of servers) server.close()
    await rm(home, { recursive: true, force: true, maxRetries: 3 })
  }
  abort?.addEventListener('abort', () => {
    for (const child of running) child.kill('SIGKILL')
  })

  return {
    run: (directory, command) => run(directory, command),
    close,
    copyOf: async (directory) => {
      const copy = join(home, `copy-${++copies}`)
      await mkdir(copy)
      const isInitialised = directory.startsWith(home) // then what init left is worth having
      const filter = (path: string) => isInitialised || !isLitter(basename(path))
      await cp(directory, copy, { recursive: true, filter })
      return copy
    },
    foresee: async (directory, variablesFiles) => {
      const file = join(home, `plan-${++plans}`)
      const variables = variablesFiles.map((one) => `-var-file=${one}`)
      const command = ['plan', '-no-color', '-lock=false', '-refresh=false', ...variables, `-out=${file}`]
      const planned = await run(directory, command, withForesight)
      if (planned.code !== 0) throw new Error(planned.err)
      const shown = await run(directory, ['show', '-json', file])
      if (shown.code !== 0) throw new Error(shown.err)
      return JSON.parse(shown.out)
    }
  }
}

/** What terraform may have left in a checkout, and this harness. */
function isLitter(name: string): boolean {
  return name === 'testing' || name.startsWith('.terraform') || name.includes('.tfstate')
}

/** Its address, once it listens: of this machine alone. A socket in the file system may have too long a path. */
async function listening(server: Http2Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1')
  return `127.0.0.1:${address.port}`
}

/** Points terraform at a provider that runs already; then it asks no registry and writes no lock file. */
function reattach(address: string): string {
  const provider = {
    Protocol: 'grpc',
    ProtocolVersion: 6,
    Pid: process.pid,
    Test: true,
    Addr: { Network: 'tcp', String: address }
  }
  return JSON.stringify({ 'registry.terraform.io/hashicorp/aws': provider })
}

async function output(child: ChildProcess): Promise<Outcome> {
  const said = { out: '', err: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  const [code] = await once(child, 'close')
  return { code: typeof code === 'number' ? code : 1, ...said }
}
