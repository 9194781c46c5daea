// A plan as `terraform show -json` prints it (developer.hashicorp.com/terraform/internals/json-format), what of it
// the policies ask, and each resource's place in the source.

import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { blocksIn, lineOf, type SourceBlock } from './source.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** As much of the document as is read here. */
export type Plan = {
  resource_changes: readonly PlannedChange[]
  configuration: { root_module: ConfiguredModule }
  prior_state?: { values?: { root_module: StateModule } }
  variables?: Readonly<Record<string, { value: Json }>>
}

type PlannedChange = {
  address: string
  module_address?: string
  mode: 'managed' | 'data'
  type: string
  name: string
  change: { actions: readonly string[]; after: Json; after_unknown: Json; after_sensitive: Json }
}

type StateModule = {
  resources?: readonly { address: string; mode: string; type: string; name: string; values: Json }[]
  child_modules?: readonly (StateModule & { address: string })[]
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
  /** Known values; what only AWS will know is absent. */
  values: Json
  /** True, or a tree of it, where AWS will decide. */
  unknown: Json
  /** Addresses, as its own module writes them, that its arguments refer to; by argument. */
  references(argument: string): readonly string[]
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

  /** Policy documents, known ones: those that only apply will know are judged by what of them is written. */
  get policyDocuments(): { address: string; values: Json }[] {
    const found: { address: string; values: Json }[] = []
    const collect = ({ resources = [], child_modules = [] }: StateModule) => {
      for (const { address, type, values } of resources)
        if (type === 'aws_iam_policy_document') found.push({ address, values })
      child_modules.forEach(collect)
    }
    const state = this.#plan.prior_state?.values?.root_module
    if (state) collect(state)
    for (const { address, mode, type, change } of this.#plan.resource_changes)
      if (mode === 'data' && type === 'aws_iam_policy_document') found.push({ address, values: change.after })
    return found
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

  #resource({ address, type, name, change }: PlannedChange): Resource {
    const configured = this.#configured(address)
    const expressions = configured?.expressions ?? null
    return {
      address,
      type,
      name,
      values: change.after,
      unknown: change.after_unknown,
      references: (argument) => referencesIn(at(expressions, argument))
    }
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

/** Every reference anywhere in an expression's JSON. */
function referencesIn(expression: Json): string[] {
  if (expression === null || typeof expression !== 'object') return []
  if (isList(expression)) return expression.flatMap(referencesIn)
  const own = list(expression, 'references').filter((one) => typeof one === 'string')
  return [
    ...own,
    ...Object.entries(expression).flatMap(([key, value]) => (key === 'references' ? [] : referencesIn(value)))
  ]
}
