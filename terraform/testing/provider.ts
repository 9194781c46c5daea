// An AWS provider without AWS: terraform's plugin protocol 6 (tfplugin6.proto in hashicorp/terraform) over a schema.
// It knows the shape of every resource, refuses what rules.ts forbids, plans what the real one computes from its
// settings (tags, region), and invents ids on apply. It never opens a connection.

import { createHash } from 'node:crypto'
import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { accountId, dataFacts, plannedFacts } from './facts.ts'
import { type Method, unaryServer } from './grpc.ts'
import { decode, encode, isObject, isUnknown, unknown, type Value } from './msgpack.ts'
import { bytesOf, decodeMessage, encodeMessage, type Field, type Fields, textOf } from './protobuf.ts'
import { Configuration, type Path, rules } from './rules.ts'
import type { Attribute, AttributeType, Block, ProviderSchema } from './schema/schema.ts'

/** What one `provider "aws"` block of the HCL says. Terraform opens a connection for each. */
type ProviderSettings = { region: string; defaultTags: Value }

type Trouble = { path: Path; summary: string; detail: string }

/**
 * A gRPC server that terraform can be pointed at. Any number of terraforms may use it at once. With foresight it
 * plans what AWS would only decide on apply, as apply would invent it: then a plan shows every policy and script in
 * full. Without, unknown is unknown, and a configuration that cannot bear that is found out.
 */
export function providerServer(schema: ProviderSchema, foresight = false): Http2Server {
  const settings = new WeakMap<ServerHttp2Session, ProviderSettings>()
  const settingsOf = (session: ServerHttp2Session): ProviderSettings =>
    settings.get(session) ?? { region: 'us-east-1', defaultTags: null }
  const described = describe(schema)
  const empty = encodeMessage([])

  const methods: Record<string, Method> = {
    GetProviderSchema: () => described,
    ValidateProviderConfig: () => empty,
    GetFunctions: () => empty,
    StopProvider: () => empty,

    ConfigureProvider: (request, session) => {
      const config = valueIn(decodeMessage(request), 2)
      settings.set(session, {
        region: textIn(config, 'region') ?? 'us-east-1',
        defaultTags: itemOf(itemOf(itemOf(config, 'default_tags'), 0), 'tags')
      })
      return empty
    },

    ValidateResourceConfig: (request) => {
      const fields = decodeMessage(request)
      const type = textOf(fields, 1)
      const config = valueIn(fields, 2)
      return diagnostics(1, [
        ...missingOrUnsettable(blockOf(schema.resources, type), config),
        ...broken(type, config)
      ])
    },

    ValidateDataResourceConfig: (request) => {
      const fields = decodeMessage(request)
      return diagnostics(
        1,
        missingOrUnsettable(blockOf(schema.dataSources, textOf(fields, 1)), valueIn(fields, 2))
      )
    },

    // There is no older state than one of the same test, so there is nothing to upgrade.
    UpgradeResourceState: (request) => {
      const state = decodeMessage(bytesOf(decodeMessage(request), 3) ?? empty)
      return encodeMessage([[1, encodeMessage([[2, bytesOf(state, 1) ?? empty]])]])
    },

    ReadResource: (request) => encodeMessage([[1, bytesOf(decodeMessage(request), 2) ?? empty]]),

    PlanResourceChange: (request, session) => {
      const fields = decodeMessage(request)
      const proposed = valueIn(fields, 3)
      const type = textOf(fields, 1)
      const block = blockOf(schema.resources, type)
      const planned = plan(type, block, valueIn(fields, 2), proposed, settingsOf(session))
      // Ours to foresee is what we left open; what the configuration itself does not know has to stay unknown.
      const isOpen = (value: Value) => value === unknown
      const answer = foresight ? decided(type, block, planned, isOpen, settingsOf(session)) : planned
      return encodeMessage([[1, dynamic(answer)]])
    },

    ApplyResourceChange: (request, session) => {
      const fields = decodeMessage(request)
      const planned = valueIn(fields, 3)
      const type = textOf(fields, 1)
      const block = blockOf(schema.resources, type)
      return encodeMessage([[1, dynamic(decided(type, block, planned, isUnknown, settingsOf(session)))]])
    },

    ReadDataSource: (request, session) => {
      const fields = decodeMessage(request)
      const type = textOf(fields, 1)
      const config = valueIn(fields, 2)
      const { region } = settingsOf(session)
      const facts = dataFacts[type]?.(config, textIn(config, 'region') ?? region) ?? {}
      const read = (attribute: Attribute, value: Value, path: string) => {
        if (value !== null || !attribute.computed) return value
        return facts[path] ?? invented(attribute.type, path, `${type}${path}`, type, settingsOf(session))
      }
      return encodeMessage([[1, dynamic(mapAttributes(blockOf(schema.dataSources, type), config, read))]])
    }
  }

  const named = Object.entries(methods).map(
    ([name, method]) => [`/tfplugin6.Provider/${name}`, method] as const
  )
  return unaryServer(Object.fromEntries(named))
}

function describe({ provider, resources, dataSources }: ProviderSchema): Buffer {
  const byType = (number: number, blocks: Readonly<Record<string, Block>>): Field[] =>
    Object.entries(blocks).map(([type, block]) => [
      number,
      encodeMessage([
        [1, type],
        [2, describeSchema(block)]
      ])
    ])
  // `provider_meta` of a module: the real provider takes it, and so public modules send it.
  const meta: Block = {
    attributes: { user_agent: { type: ['list', 'string'], optional: true } },
    block_types: {}
  }
  return encodeMessage([
    [1, describeSchema(provider)],
    ...byType(2, resources),
    ...byType(3, dataSources),
    [5, describeSchema(meta)],
    [6, encodeMessage([])]
  ])
}

const describeSchema = (block: Block) =>
  encodeMessage([
    [1, 0],
    [2, describeBlock(block)]
  ])

const nestingNumbers = { single: 1, list: 2, set: 3 } as const

function describeBlock({ attributes, block_types }: Block): Buffer {
  return encodeMessage([
    ...Object.entries(attributes).map(
      ([name, attribute]): Field => [
        2,
        encodeMessage([
          [1, name],
          [2, JSON.stringify(attribute.type)],
          [4, attribute.required ?? false],
          [5, attribute.optional ?? false],
          [6, attribute.computed ?? false],
          [11, attribute.write_only ?? false]
        ])
      ]
    ),
    ...Object.entries(block_types).map(
      ([name, nested]): Field => [
        3,
        encodeMessage([
          [1, name],
          [2, describeBlock(nested.block)],
          [3, nestingNumbers[nested.nesting_mode]],
          [4, nested.min_items ?? 0],
          [5, nested.max_items ?? 0]
        ])
      ]
    )
  ])
}

/** A value inside a DynamicValue message. */
function valueIn(fields: Fields, number: number): Value {
  const message = decodeMessage(bytesOf(fields, number) ?? Buffer.alloc(0))
  const packed = bytesOf(message, 1)
  return packed === undefined || packed.length === 0 ? null : decode(packed)
}

const dynamic = (value: Value) => encodeMessage([[1, encode(value)]])

function diagnostics(number: number, troubles: readonly Trouble[]): Buffer {
  const ERROR = 1
  return encodeMessage(
    troubles.map(
      ({ path, summary, detail }): Field => [
        number,
        encodeMessage([
          [1, ERROR],
          [2, summary],
          [3, detail],
          [
            4,
            encodeMessage(
              path.map((step) => [1, encodeMessage([typeof step === 'number' ? [3, step] : [1, step]])])
            )
          ]
        ])
      ]
    )
  )
}

function broken(type: string, config: Value): Trouble[] {
  const troubles: Trouble[] = []
  const subject = new Configuration(config, (path, summary, detail) =>
    troubles.push({ path, summary, detail })
  )
  for (const rule of rules[type] ?? []) rule(subject)
  return troubles
}

/** Terraform itself finds an argument that is not there; that one is null after evaluation, only a provider sees. */
function missingOrUnsettable(block: Block, value: Value, path: Path = []): Trouble[] {
  if (!isObject(value)) return []
  const troubles: Trouble[] = []
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const isNull = (value.get(name) ?? null) === null
    if (attribute.required && isNull) {
      const detail = `The argument "${name}" is required, but it is null.`
      troubles.push({ path: [...path, name], summary: 'Missing required argument', detail })
    }
    if (attribute.computed && !attribute.optional && !isNull) {
      const detail = `AWS decides "${name}": it cannot be configured.`
      troubles.push({ path: [...path, name], summary: 'Value for unconfigurable attribute', detail })
    }
  }
  for (const [name, { block: inner, nesting_mode }] of Object.entries(block.block_types)) {
    const content = value.get(name) ?? null
    if (nesting_mode === 'single') troubles.push(...missingOrUnsettable(inner, content, [...path, name]))
    if (!Array.isArray(content)) continue
    // A path cannot name a member of a set by its place.
    const at = (place: number) => (nesting_mode === 'set' ? [...path, name] : [...path, name, place])
    for (const [place, item] of content.entries())
      troubles.push(...missingOrUnsettable(inner, item, at(place)))
  }
  return troubles
}

function plan(type: string, block: Block, prior: Value, proposed: Value, settings: ProviderSettings): Value {
  if (proposed === null) return null // it will be destroyed
  const facts = prior === null ? (plannedFacts[type]?.(proposed) ?? {}) : {}
  return mapAttributes(block, proposed, (attribute, value, path) => {
    if (attribute.write_only) return null
    if (path === 'tags_all') return merged(settings.defaultTags, itemOf(proposed, 'tags'))
    if (value !== null || !attribute.computed) return value
    if (path === 'region') return settings.region
    return facts[path] ?? (prior === null ? unknown : value)
  })
}

/** The planned value with all that is open invented. */
function decided(
  type: string,
  block: Block,
  planned: Value,
  isOpen: (value: Value) => boolean,
  settings: ProviderSettings
): Value {
  const seed = createHash('sha256').update(type).update(encode(planned)).digest('hex')
  const decide = (of: AttributeType, value: Value, path: string): Value => {
    if (isOpen(value)) return invented(of, path, `${seed}${path}`, type, settings)
    if (typeof of === 'string' || of[0] === 'map') return value
    if (of[0] === 'object') {
      if (!isObject(value)) return value
      const parts = Object.entries(of[1])
      return new Map(
        parts.map(([name, inner]) => [name, decide(inner, value.get(name) ?? null, `${path}.${name}`)])
      )
    }
    return Array.isArray(value)
      ? value.map((item: Value, place) => decide(of[1], item, `${path}.${place}`))
      : value
  }
  return mapAttributes(block, planned, (attribute, value, path) => decide(attribute.type, value, path))
}

/** As the real provider plans `tags_all`: the resource's own tags win over the provider's. */
function merged(defaults: Value, own: Value): Value {
  if (isUnknown(defaults) || isUnknown(own)) return unknown
  const entries = [defaults, own].flatMap((tags) => (isObject(tags) ? [...tags] : []))
  return new Map(entries)
}

/** The value with each attribute replaced, at any depth; `path` joins names and places with dots. */
function mapAttributes(
  block: Block,
  value: Value,
  replace: (attribute: Attribute, value: Value, path: string) => Value,
  prefix = ''
): Value {
  if (!isObject(value)) return value
  const mapped = new Map<string, Value>()
  for (const [name, attribute] of Object.entries(block.attributes)) {
    mapped.set(name, replace(attribute, value.get(name) ?? null, prefix + name))
  }
  for (const [name, { block: inner }] of Object.entries(block.block_types)) {
    const content = value.get(name) ?? null
    const deeper = (item: Value, at: string) => mapAttributes(inner, item, replace, `${prefix}${name}.${at}`)
    mapped.set(
      name,
      Array.isArray(content)
        ? content.map((item: Value, place) => deeper(item, `${place}.`))
        : deeper(content, '')
    )
  }
  return mapped
}

/** Something of the right form for what AWS would answer; the same for the same seed. */
function invented(
  type: AttributeType,
  path: string,
  seed: string,
  of: string,
  settings: ProviderSettings
): Value {
  const id = createHash('sha256').update(seed).digest('hex').slice(0, 17)
  if (type === 'string') {
    if (!/(^|[._])arn$/.test(path)) return `stub-${id}`
    const [, service = ''] = of.split('_')
    return `arn:aws:${service}:${settings.region}:${accountId}:${of}/${id}`
  }
  if (type === 'number') return 1
  if (type === 'bool') return false
  if (type === 'dynamic') return null
  const [kind, element] = type
  if (kind === 'map') return new Map()
  if (kind === 'object') {
    return new Map(
      Object.entries(element).map(([name, inner]) => [name, invented(inner, name, seed + name, of, settings)])
    )
  }
  // Lists of objects that AWS computes (a secret, a validation option) are there to be indexed.
  return Array.isArray(element) && element[0] === 'object'
    ? [invented(element, path, seed, of, settings)]
    : []
}

function blockOf(blocks: Readonly<Record<string, Block>>, type: string): Block {
  const block = blocks[type]
  if (block === undefined) throw new Error(`the schema has no ${type}`)
  return block
}

function itemOf(value: Value, key: string | number): Value {
  if (typeof key === 'string') return isObject(value) ? (value.get(key) ?? null) : null
  return Array.isArray(value) ? (value[key] ?? null) : null
}

function textIn(value: Value, key: string): string | null {
  const text = itemOf(value, key)
  return typeof text === 'string' ? text : null
}
