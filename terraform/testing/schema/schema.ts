// What a provider's schema is, and the one the tests use: aws.json, extracted from a package (extract.ts), with what
// that package cannot carry (additions.ts).

import { readFileSync } from 'node:fs'
import { addWhatThePackageLacks } from './additions.ts'

/** A type of terraform's language, in the JSON form that its plugin protocol uses. */
export type AttributeType =
  | 'string'
  | 'number'
  | 'bool'
  | 'dynamic'
  | readonly ['list' | 'set' | 'map', AttributeType]
  | readonly ['object', Readonly<Record<string, AttributeType>>]

export type Attribute = {
  type: AttributeType
  required?: true
  optional?: true
  computed?: true
  write_only?: true
}

export type NestedBlock = {
  nesting_mode: 'single' | 'list' | 'set'
  min_items?: number
  max_items?: number
  block: Block
}

export type Block = {
  attributes: Record<string, Attribute>
  block_types: Record<string, NestedBlock>
}

export type ProviderSchema = {
  provider: Block
  /** By type, such as aws_lb. */
  resources: Record<string, Block>
  dataSources: Record<string, Block>
}

/** As it is committed: where it comes from, and under which licence. */
export type ExtractedSchema = ProviderSchema & { source: string; awsProvider: string; licence: string }

export const schemaFile = new URL('aws.json', import.meta.url)

/** The schema of the AWS provider for the types that the HCL uses. */
export function awsSchema(): ProviderSchema {
  const extracted: ExtractedSchema = JSON.parse(readFileSync(schemaFile, 'utf8'))
  return addWhatThePackageLacks(extracted)
}
