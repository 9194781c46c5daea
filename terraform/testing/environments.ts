// The plans that are held to the policies: each environment with a release, and production with all there is.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Environment = { name: string; variablesFiles: readonly string[] }

const given = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** By the files of environments/. Before the first release no instance runs, which would say nothing of instances. */
export function environmentsIn(directory: string): Environment[] {
  const released = readdirSync(join(directory, 'environments'))
    .filter((file) => file.endsWith('.tfvars'))
    .map((file) => ({
      name: file.slice(0, -'.tfvars'.length),
      variablesFiles: [join(directory, 'environments', file), given('released.tfvars')]
    }))
  const beside = released
    .filter(({ name }) => name === 'production')
    .map(({ name, variablesFiles }) => ({
      name: `${name} with a standby region`,
      variablesFiles: [...variablesFiles, given('standby.tfvars')]
    }))
  return [...released, ...beside]
}
