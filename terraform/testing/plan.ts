// A plan as `terraform show -json` prints it (developer.hashicorp.com/terraform/internals/json-format), what of it
// the policies ask, and each resource's place in the source.

import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { policyJson } from './facts.ts'
import type { Value } from './msgpack.ts'
import { blocksIn, lineOf, type SourceBlock } from './source.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** As much of the document as is read here. */
export type Plan = {
  resource_changes: readonly PlannedChange[]
  configuration: { root_module: ConfiguredModule }
  variables?: Readonly<Record<string, { value: Json }>>
}

type PlannedChange = {
  address: string
  module_address?: string
  mode: 'managed' | 'data'
  type: string
  name: string
  change: { actions: readonly string[]; after: Json }
}

type ConfiguredModule = {
  resources?: readonly ConfiguredResource[]
  module_calls?: Readonly<Record<string, { source: string; module: ConfiguredModule }>>
  variables?: Readonly<Record<string, { default?: Json }>>
  outputs?: Readonly<Record<string, { sensitive?: boolean }>>
}

type ConfiguredResource = { address: string; mode: string; type: string; name: string; expressions: Json }

/** Something that will be there after apply. */
export type Resource = {
  address: string
  type: string
  name: string
  /** Where it is: its module's address with a dot at the end, or nothing in the root. */
  module: string
  values: Json
  /** Whether the argument is in the source: what is only computed has a value too. */
  writes(argument: string): boolean
}

/** What is wrong with the plan, where it stands in the source. */
export type Finding = { address: string; file: string; line: number; message: string }

/** A plan with the HCL that it was made of. */
export class PlannedFleet {
  readonly #plan: Plan
  readonly #directory: string
  readonly #blocks = new Map<string, SourceBlock[]>()
  readonly resources: readonly Resource[]

  /** `directory` is where the root module's files are. */
  constructor(plan: Plan, directory: string) {
    this.#plan = plan
    this.#directory = directory
    this.resources = plan.resource_changes
      .filter(({ mode, change }) => mode === 'managed' && change.after !== null)
      .map((change) => this.#resource(change))
  }

  all(type: string): Resource[] {
    return this.resources.filter((resource) => resource.type === type)
  }

  /** Variables of every module that have a default, with the address var.name inside their module. */
  get defaults(): { address: string; name: string; value: Json }[] {
    const found: { address: string; name: string; value: Json }[] = []
    const collect = (module: ConfiguredModule, prefix: string) => {
      for (const [name, { default: value }] of Object.entries(module.variables ?? {}))
        if (value !== undefined) found.push({ address: `${prefix}var.${name}`, name, value })
      for (const [name, call] of Object.entries(module.module_calls ?? {}))
        collect(call.module, `${prefix}module.${name}.`)
    }
    collect(this.#plan.configuration.root_module, '')
    return found
  }

  variable(name: string): Json {
    return this.#plan.variables?.[name]?.value ?? null
  }

  /** A finding at a resource, data source or variable; `path` leads to the argument that is wrong. */
  at(address: string, path: string, message: string): Finding {
    const { directory, local } = this.#place(address)
    const [kind, ...labels] = local
    const block = this.#blocksOf(directory).find(
      (one) => one.kind === kind && one.labels.join('.') === labels.join('.')
    )
    const file = block?.file ?? directory
    const line =
      block === undefined
        ? 0
        : lineOf(
            block,
            path.split('.').filter((step) => !/^\d*$/.test(step))
          )
    return { address, file: relative(this.#directory, file), line, message }
  }

  /** The directory of an address's module, and the block in it: resource, type, name. */
  #place(address: string): { directory: string; local: string[] } {
    let module: ConfiguredModule | undefined = this.#plan.configuration.root_module
    let directory = this.#directory
    const steps = stepsOf(address)
    while (steps[0] === 'module') {
      const call: { source: string; module: ConfiguredModule } | undefined =
        module?.module_calls?.[steps[1] ?? '']
      if (call === undefined) break
      directory = join(directory, call.source)
      module = call.module
      steps.splice(0, 2)
    }
    if (steps[0] === 'var') return { directory, local: ['variable', steps[1] ?? ''] }
    return { directory, local: steps[0] === 'data' ? steps : ['resource', ...steps] }
  }

  #blocksOf(directory: string): SourceBlock[] {
    const known = this.#blocks.get(directory)
    if (known) return known
    const blocks = existsSync(directory) ? blocksIn(directory) : []
    this.#blocks.set(directory, blocks)
    return blocks
  }

  #resource({ address, module_address, type, name, change }: PlannedChange): Resource {
    const configured = this.#configured(address)
    const expressions = configured?.expressions ?? null
    const module = module_address === undefined ? '' : `${module_address}.`
    return {
      address,
      type,
      name,
      module,
      values: this.#withDocuments(change.after, expressions, module),
      writes: (argument) => at(expressions, argument) !== null
    }
  }

  /**
   * Terraform reads a data source that refers to something new only on apply, even when its answer follows from its
   * arguments. Policy documents are such; their arguments are in the plan.
   */
  #withDocuments(values: Json, expressions: Json, module: string): Json {
    const documents: Record<string, Json> = {}
    for (const argument of ['policy', 'assume_role_policy']) {
      const [document] = list(at(expressions, argument), 'references').filter((one) =>
        /\.json$/.test(String(one))
      )
      if (document === undefined || at(values, argument) !== null) continue
      const address = module + String(document).replace(/\.json$/, '')
      const read = this.#plan.resource_changes.find((one) => one.mode === 'data' && one.address === address)
      if (read) documents[argument] = policyJson(asValue(read.change.after))
    }
    return values !== null && typeof values === 'object' && !isList(values)
      ? { ...values, ...documents }
      : values
  }

  #configured(address: string): ConfiguredResource | undefined {
    let module: ConfiguredModule | undefined = this.#plan.configuration.root_module
    const steps = stepsOf(address)
    while (steps[0] === 'module') {
      module = module?.module_calls?.[steps[1] ?? '']?.module
      steps.splice(0, 2)
    }
    return module?.resources?.find((one) => one.address === steps.join('.'))
  }
}

/** Names of an address, without the keys of count and for_each, which may hold dots. */
function stepsOf(address: string): string[] {
  return address.replaceAll(/\[(?:"(?:[^"\\]|\\.)*"|\d+)\]/g, '').split('.')
}

/** The value at a dotted path, numbers being places in lists; null where nothing is. */
export function at(value: Json | undefined, path: string): Json {
  let found: Json | undefined = value
  for (const step of path === '' ? [] : path.split('.')) {
    if (found === null || found === undefined || typeof found !== 'object') return null
    found = isList(found) ? found[Number(step)] : found[step]
  }
  return found ?? null
}

export function list(value: Json | undefined, path: string): readonly Json[] {
  const found = at(value, path)
  return isList(found) ? found : []
}

/** Array.isArray does not know readonly arrays. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

function asValue(json: Json): Value {
  if (json === null || typeof json !== 'object') return json
  if (isList(json)) return json.map(asValue)
  return new Map(Object.entries(json).map(([name, inner]) => [name, asValue(inner)]))
}
