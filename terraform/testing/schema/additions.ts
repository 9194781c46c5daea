// What the npm package cannot carry, by hand, after the AWS provider's own documentation: blocks of the provider
// itself, the statements of WAFv2 (recursive, and typed as "any" in the package), and what is newer than the package.

import type { Attribute, AttributeType, Block, NestedBlock, ProviderSchema } from './schema.ts'

/** The schema with these parts in place; the argument stays as it is. */
export function addWhatThePackageLacks(extracted: ProviderSchema): ProviderSchema {
  const schema = structuredClone(extracted)
  for (const [name, block] of Object.entries(providerBlocks)) {
    delete schema.provider.attributes[name]
    schema.provider.block_types[name] = block
  }
  // In the provider since 6.46, in no package.
  const distribution = schema.resources.aws_cloudfront_distribution
  if (distribution) {
    distribution.block_types.cache_tag_config ??= one(block({ header_name: required('string') }))
  }
  for (const type of ['aws_wafv2_web_acl', 'aws_wafv2_rule_group']) {
    const rule = schema.resources[type]?.block_types.rule?.block
    if (!rule) continue
    delete rule.attributes.statement
    rule.block_types.statement = { ...one(block({}, ruleStatements())), min_items: 1 }
  }
  return schema
}

const required = (type: AttributeType): Attribute => ({ type, required: true })
const optional = (type: AttributeType): Attribute => ({ type, optional: true })
const block = (attributes: Block['attributes'] = {}, block_types: Block['block_types'] = {}): Block => ({
  attributes,
  block_types
})
const one = (content: Block): NestedBlock => ({ nesting_mode: 'list', max_items: 1, block: content })
const some = (content: Block): NestedBlock => ({ nesting_mode: 'list', block: content })
const someOrdered = (content: Block): NestedBlock => ({ nesting_mode: 'list', min_items: 1, block: content })

const providerBlocks: Readonly<Record<string, NestedBlock>> = {
  default_tags: one(block({ tags: optional(['map', 'string']) })),
  ignore_tags: one(block({ keys: optional(['set', 'string']), key_prefixes: optional(['set', 'string']) })),
  assume_role: some(
    block({
      role_arn: optional('string'),
      session_name: optional('string'),
      external_id: optional('string'),
      duration: optional('string'),
      policy: optional('string'),
      policy_arns: optional(['set', 'string']),
      source_identity: optional('string'),
      tags: optional(['map', 'string']),
      transitive_tag_keys: optional(['set', 'string'])
    })
  ),
  assume_role_with_web_identity: one(
    block({
      role_arn: optional('string'),
      session_name: optional('string'),
      duration: optional('string'),
      policy: optional('string'),
      policy_arns: optional(['set', 'string']),
      web_identity_token: optional('string'),
      web_identity_token_file: optional('string')
    })
  ),
  endpoints: { nesting_mode: 'set', block: block() }
}

const transformations: NestedBlock = {
  nesting_mode: 'set',
  min_items: 1,
  block: block({ priority: required('number'), type: required('string') })
}

const fieldToMatch = one(
  block(
    {},
    {
      all_query_arguments: one(block()),
      body: one(block({ oversize_handling: optional('string') })),
      method: one(block()),
      query_string: one(block()),
      single_header: one(block({ name: required('string') })),
      single_query_argument: one(block({ name: required('string') })),
      uri_path: one(block())
    }
  )
)

const forwardedIp = one(block({ fallback_behavior: required('string'), header_name: required('string') }))

/** Statements that hold no other. */
const simpleStatements: Block['block_types'] = {
  byte_match_statement: one(
    block(
      { positional_constraint: required('string'), search_string: required('string') },
      { field_to_match: fieldToMatch, text_transformation: transformations }
    )
  ),
  geo_match_statement: one(
    block({ country_codes: required(['list', 'string']) }, { forwarded_ip_config: forwardedIp })
  ),
  ip_set_reference_statement: one(
    block(
      { arn: required('string') },
      {
        ip_set_forwarded_ip_config: one(
          block({
            fallback_behavior: required('string'),
            header_name: required('string'),
            position: required('string')
          })
        )
      }
    )
  ),
  label_match_statement: one(block({ key: required('string'), scope: required('string') })),
  regex_match_statement: one(
    block(
      { regex_string: required('string') },
      { field_to_match: fieldToMatch, text_transformation: transformations }
    )
  ),
  size_constraint_statement: one(
    block(
      { comparison_operator: required('string'), size: required('number') },
      { field_to_match: fieldToMatch, text_transformation: transformations }
    )
  )
}

/** And, or, not around others, as deep as the provider itself allows. */
function statements(depth: number): Block['block_types'] {
  if (depth === 0) return simpleStatements
  const inner = someOrdered(block({}, statements(depth - 1)))
  return {
    ...simpleStatements,
    and_statement: one(block({}, { statement: inner })),
    or_statement: one(block({}, { statement: inner })),
    not_statement: one(block({}, { statement: inner }))
  }
}

/** What a rule may hold at its top. */
function ruleStatements(): Block['block_types'] {
  const nested = statements(2)
  const scopeDown = one(block({}, nested))
  const actions = ['allow', 'block', 'captcha', 'challenge', 'count']
  const action = {
    ...one(block({}, Object.fromEntries(actions.map((name) => [name, one(block())])))),
    min_items: 1
  }
  return {
    ...nested,
    rate_based_statement: one(
      block(
        {
          aggregate_key_type: optional('string'),
          evaluation_window_sec: optional('number'),
          limit: required('number')
        },
        {
          scope_down_statement: scopeDown,
          forwarded_ip_config: forwardedIp,
          custom_key: some(
            block(
              {},
              {
                header: one(block({ name: required('string') }, { text_transformation: transformations })),
                http_method: one(block()),
                ip: one(block()),
                forwarded_ip: one(block()),
                uri_path: one(block({}, { text_transformation: transformations }))
              }
            )
          )
        }
      )
    ),
    managed_rule_group_statement: one(
      block(
        { name: required('string'), vendor_name: required('string'), version: optional('string') },
        {
          scope_down_statement: scopeDown,
          rule_action_override: some(block({ name: required('string') }, { action_to_use: action }))
        }
      )
    ),
    rule_group_reference_statement: one(block({ arn: required('string') }))
  }
}
