// `npm run tf:schema`: writes aws.json anew, for the types that the HCL uses, from an npm package. The package was
// generated from the AWS provider's own schema. Its compiled files carry that TypeScript in inline source maps, and
// there every attribute has a comment with its flags, a getter with its type, and a hint about its nesting.

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Attribute, AttributeType, Block, ExtractedSchema, NestedBlock } from './schema.ts'
import { schemaFile } from './schema.ts'

const packageName = '@cdktf/provider-aws'
const packageVersion = '21.22.1'
const licence = `MPL-2.0 (mozilla.org/MPL/2.0), Copyright HashiCorp, Inc., as the package it derives from`

const run = promisify(execFile)

/** The resource and data source types that the HCL under a directory uses, mocks and tests included. */
export function typesUsed(directory: string): { resources: string[]; dataSources: string[] } {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const hcl = files.filter(
    (file) => /\.(tf|tftest\.hcl|tfmock\.hcl)$/.test(file) && !file.includes('.terraform/')
  )
  const text = hcl.map((file) => readFileSync(join(directory, file), 'utf8')).join('\n')
  const named = (kinds: string) => [
    ...new Set(
      [...text.matchAll(new RegExp(`^\\s*(?:${kinds}) "(aws_\\w+)"`, 'gm'))].map(([, type = '']) => type)
    )
  ]
  return { resources: named('resource|mock_resource').sort(), dataSources: named('data|mock_data').sort() }
}

/** The schema of these types. Downloads the package (37 MB) into a directory that is gone afterwards. */
async function extract(used: ReturnType<typeof typesUsed>): Promise<ExtractedSchema> {
  const directory = await mkdtemp(join(tmpdir(), 'turno-schema-'))
  try {
    const folders = new Map([
      ['provider', 'provider'],
      ...used.resources.map((type) => [type, folderOf(type)] as const),
      ...used.dataSources.map((type) => [`data.${type}`, `data-aws-${folderOf(type)}`] as const)
    ])
    const files = await unpack(directory, [...folders.values()])
    const read = (key: string): Generated => {
      const file = files.get(folders.get(key) ?? '')
      if (file === undefined) throw new Error(`${packageName} ${packageVersion} knows no ${key}`)
      return parse(file)
    }
    const provider = read('provider')
    return {
      source: `npm ${packageName} ${packageVersion}`,
      awsProvider: provider.providerVersion,
      licence,
      provider: blockOf(provider, provider.root),
      resources: Object.fromEntries(used.resources.map((type) => [type, rootBlock(read(type))])),
      dataSources: Object.fromEntries(used.dataSources.map((type) => [type, rootBlock(read(`data.${type}`))]))
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const folderOf = (type: string) => type.slice('aws_'.length).replaceAll('_', '-')

/** The TypeScript of each folder. */
async function unpack(directory: string, folders: readonly string[]): Promise<Map<string, string>> {
  await run('npm', ['pack', `${packageName}@${packageVersion}`, '--silent', '--pack-destination', directory])
  const archive = readdirSync(directory).find((file) => file.endsWith('.tgz'))
  if (archive === undefined) throw new Error(`npm pack ${packageName} left no archive`)
  const { stdout } = await run('tar', ['tzf', archive], { cwd: directory, maxBuffer: 2 ** 26 })
  const has = new Set(stdout.split('\n'))
  const members = folders
    .map((folder) => `package/lib/${folder}/index.js`)
    .filter((member) => has.has(member))
  await run('tar', ['xzf', archive, ...members], { cwd: directory })
  return new Map(
    members.map((member) => [
      member.split('/').at(-2) ?? '',
      typescriptIn(readFileSync(join(directory, member), 'utf8'))
    ])
  )
}

function typescriptIn(javascript: string): string {
  const mark = 'sourceMappingURL=data:application/json;base64,'
  const map = Buffer.from(javascript.slice(javascript.lastIndexOf(mark) + mark.length).trim(), 'base64')
  const { sourcesContent }: { sourcesContent: string[] } = JSON.parse(map.toString())
  return sourcesContent[0] ?? ''
}

/** One generated file: its classes by name. The root is the class of the resource itself. */
type Generated = {
  classes: ReadonlyMap<string, GeneratedClass>
  root: GeneratedClass
  providerVersion: string
}

type GeneratedClass = {
  name: string
  base: string
  members: readonly Member[]
  hints: ReadonlyMap<string, Hint>
}

/** An attribute or block: its flags, and the code of its getter. */
type Member = { name: string; computed: boolean; optional: boolean; required: boolean; code: string }

/** What the code that writes HCL says of it. */
type Hint = { isBlock: boolean; type: string; storage: string }

function parse(typescript: string): Generated {
  // A file is split where a class or a function begins: no other declaration stands at its top level.
  const declarations = typescript.split(/^(?=export (?:class|function) )/m)
  const structHints = new Map<string, ReadonlyMap<string, Hint>>()
  for (const declaration of declarations) {
    const name = /^export function (\w+)ToHclTerraform\(/.exec(declaration)?.[1]
    if (name !== undefined) structHints.set(name.toLowerCase(), hintsIn(declaration))
  }
  const classes = new Map<string, GeneratedClass>()
  for (const declaration of declarations) {
    const [, name = '', base = ''] = /^export class (\w+) extends cdktf\.(\w+)/.exec(declaration) ?? []
    if (name === '') continue
    const struct = structHints.get(name.replace(/OutputReference$/, '').toLowerCase())
    const own = declaration.split('synthesizeHclAttributes()')[1]
    const hints = own === undefined ? struct : hintsIn(own)
    classes.set(name, { name, base, members: membersIn(declaration), hints: hints ?? new Map() })
  }
  const isRoot = ({ base }: GeneratedClass) => /^Terraform(Resource|DataSource|Provider)$/.test(base)
  const root = [...classes.values()].find(isRoot)
  if (root === undefined) throw new Error('a file of the package declares no resource')
  return { classes, root, providerVersion: /providerVersion: '([^']+)'/.exec(typescript)?.[1] ?? '' }
}

function membersIn(declaration: string): Member[] {
  const comment = /^ +\/\/ (\w+) - computed: (\w+), optional: (\w+), required: (\w+)$/m
  const [, ...parts] = declaration.split(new RegExp(comment, 'gm'))
  const members: Member[] = []
  for (let at = 0; at < parts.length; at += 5) {
    const [name = '', computed, optional, required, code = ''] = parts.slice(at, at + 5)
    const [getter = ''] = code.split(/^ +\/\/ =====/m)
    members.push({
      name,
      computed: computed === 'true',
      optional: optional === 'true',
      required: required === 'true',
      code: getter
    })
  }
  return members
}

function hintsIn(declaration: string): Map<string, Hint> {
  const entry =
    /^ {4,6}(\w+): \{\n\s+value: .*\n\s+isBlock: (\w+),\n\s+type: "(\w+)",\n\s+storageClassType: "(\w+)"/gm
  return new Map(
    [...declaration.matchAll(entry)].map(([, name = '', isBlock, type = '', storage = '']) => [
      name,
      { isBlock: isBlock === 'true', type, storage }
    ])
  )
}

const rootBlock = (generated: Generated): Block => blockOf(generated, generated.root)

function blockOf(generated: Generated, from: GeneratedClass, within: readonly string[] = []): Block {
  const block: Block = { attributes: {}, block_types: {} }
  for (const member of from.members) {
    const hint = from.hints.get(member.name)
    const nested = nestedClass(generated, member)
    if (nested === null) {
      block.attributes[member.name] = attribute(member, simpleType(member, hint, from))
      continue
    }
    if (within.includes(nested.content.name)) continue // recursive: additions.ts writes what is needed of it
    const content = blockOf(generated, nested.content, [...within, nested.content.name])
    const isSet = nested.isSet || hint?.type === 'set'
    if (hint?.isBlock && !member.computed) {
      block.block_types[member.name] = nestedBlock(member, nested.kind, hint, isSet, content)
    } else {
      const kind = nested.kind === 'map' ? 'map' : isSet ? 'set' : 'list'
      block.attributes[member.name] = attribute(member, [kind, objectType(content)])
    }
  }
  return block
}

type Nested = { kind: 'one' | 'many' | 'map'; isSet: boolean; content: GeneratedClass }

function nestedClass({ classes }: Generated, { code }: Member): Nested | null {
  const [, name = '', isSet] = /= new ((?!cdktf\.)\w+)\(this, "\w+"(?:, (true|false))?\)/.exec(code) ?? []
  const wrapper = classes.get(name)
  if (wrapper === undefined) return null
  const kind = wrapper.base === 'ComplexObject' ? 'one' : wrapper.base === 'ComplexMap' ? 'map' : 'many'
  const content = kind === 'one' ? wrapper : classes.get(`${name.replace(/(List|Map)$/, '')}OutputReference`)
  return content === undefined ? null : { kind, isSet: isSet === 'true', content }
}

function nestedBlock(
  { required }: Member,
  kind: Nested['kind'],
  { type }: Hint,
  isSet: boolean,
  block: Block
): NestedBlock {
  const isSingle = type === 'struct' // of the newer plugin framework, and timeouts
  return {
    nesting_mode: isSingle ? 'single' : isSet ? 'set' : 'list',
    ...(required ? { min_items: 1 } : {}),
    ...(kind === 'one' && !isSingle ? { max_items: 1 } : {}),
    block
  }
}

function objectType({ attributes, block_types }: Block): AttributeType {
  const plain = Object.entries(attributes).map(([name, { type }]) => [name, type] as const)
  const nested = Object.entries(block_types).map(
    ([name, { nesting_mode, block }]) =>
      [name, [nesting_mode === 'set' ? 'set' : 'list', objectType(block)]] as const
  )
  return ['object', Object.fromEntries<AttributeType>([...plain, ...nested])]
}

function attribute({ name, computed, optional, required }: Member, type: AttributeType): Attribute {
  return {
    type,
    ...(required ? { required } : {}),
    ...(optional ? { optional } : {}),
    ...(computed ? { computed } : {}),
    // The package does not say so; in the provider every write-only argument is named like this, and no other.
    ...(optional && name.endsWith('_wo') ? { write_only: true } : {})
  }
}

const primitives: Readonly<Record<string, AttributeType>> = {
  String: 'string',
  Number: 'number',
  Boolean: 'bool',
  Any: 'dynamic'
}

function simpleType({ name, code }: Member, hint: Hint | undefined, from: GeneratedClass): AttributeType {
  const isSet = /Fn\.tolist\(/.test(code) || hint?.type === 'set'
  const collection = isSet ? 'set' : 'list'
  const getter = /this\.get(String|Number|Boolean|Any)?(List|Map)?Attribute\(/.exec(code)
  if (getter) {
    const element = primitives[getter[1] ?? 'String'] ?? 'dynamic'
    if (getter[2] === 'List') return [collection, element]
    return getter[2] === 'Map' ? ['map', element] : element
  }
  const wrapper =
    /new cdktf\.(String|Number|Boolean|Any)(Map|MapList|ListMap)\(this, "\w+"(?:, (true))?/.exec(code)
  if (wrapper) {
    const element = primitives[wrapper[1] ?? ''] ?? 'dynamic'
    if (wrapper[2] === 'Map') return ['map', element]
    return wrapper[2] === 'ListMap'
      ? ['map', ['list', element]]
      : [wrapper[3] ? 'set' : 'list', ['map', element]]
  }
  const stored: Readonly<Record<string, AttributeType>> = {
    string: 'string',
    number: 'number',
    boolean: 'bool',
    any: 'dynamic',
    stringMap: ['map', 'string'],
    stringList: [collection, 'string'],
    numberList: [collection, 'number']
  }
  const type = stored[hint?.storage ?? ''] ?? (isOfTheProvider(from) ? 'dynamic' : undefined)
  if (type === undefined) throw new Error(`${from.name}.${name}: its type cannot be read from the package`)
  return type
}

/** Blocks of the provider itself have no type in the package; additions.ts has those. */
const isOfTheProvider = ({ base }: GeneratedClass) => base === 'TerraformProvider'

/** A line for each type, so that a change of one is a change of one line. */
function written({ provider, resources, dataSources, ...origin }: ExtractedSchema): string {
  const entries = (blocks: Readonly<Record<string, Block>>) =>
    Object.entries(blocks)
      .map(([type, block]) => `    ${JSON.stringify(type)}: ${JSON.stringify(block)}`)
      .join(',\n')
  const head = Object.entries(origin).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`
  )
  return `{\n${head.join('')}  "provider": ${JSON.stringify(provider)},\n  "resources": {\n${entries(resources)}\n  },\n  "dataSources": {\n${entries(dataSources)}\n  }\n}\n`
}

if (import.meta.main) {
  const used = typesUsed(fileURLToPath(new URL('../..', import.meta.url)))
  const schema = await extract(used)
  await writeFile(schemaFile, written(schema))
  const count = used.resources.length + used.dataSources.length
  console.error(`turno: ${count} types of the AWS provider ${schema.awsProvider}, from ${schema.source}`)
}
