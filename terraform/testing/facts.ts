// What the real provider answers from AWS or computes from the configuration, as far as our HCL builds upon it.

import { isObject, isUnknown, unknown, type Value } from './msgpack.ts'

/** An account that nobody has. */
export const accountId = '123456789012'

type Facts = Readonly<Record<string, Value>>

/** Answers of data sources: from their arguments and the region, what is not invented. */
export const dataFacts: Readonly<Record<string, (config: Value, region: string) => Facts>> = {
  aws_availability_zones: (_config, region) => ({ names: ['a', 'b', 'c'].map((zone) => region + zone) }),
  aws_caller_identity: () => ({ account_id: accountId, arn: `arn:aws:iam::${accountId}:root` }),
  aws_iam_policy_document: (config) => {
    const json = policyJson(config)
    return { json, minified_json: json }
  },
  aws_partition: () => ({ partition: 'aws', dns_suffix: 'amazonaws.com' }),
  aws_region: (_config, region) => ({ region, name: region, id: region }),
  aws_ssm_parameter: () => ({ value: 'ami-0123456789abcdef0', insecure_value: 'ami-0123456789abcdef0' })
}

/** Computed attributes that the real provider knows at plan time already, because they follow from the arguments. */
export const plannedFacts: Readonly<Record<string, (config: Value) => Facts>> = {
  aws_acm_certificate: (config) => {
    const alternatives = at(config, 'subject_alternative_names')
    const names = [at(config, 'domain_name'), ...(Array.isArray(alternatives) ? alternatives : [])]
    if (names.some((name) => isUnknown(name))) return {}
    const option = (name: Value): Value =>
      new Map([
        ['domain_name', name],
        ['resource_record_name', unknown],
        ['resource_record_type', 'CNAME'],
        ['resource_record_value', unknown]
      ])
    return { domain_validation_options: [...new Set(names)].map(option) }
  }
}

/** IAM's JSON of a policy document, as configured: statements only, which is all that can grant something. */
export function policyJson(config: Value): string {
  const list = (value: Value): unknown => {
    if (!Array.isArray(value) || value.length === 0) return undefined
    return value.length === 1 ? value[0] : value
  }
  const principals = (value: Value): unknown => {
    if (!Array.isArray(value) || value.length === 0) return undefined
    return Object.fromEntries(value.map((one) => [at(one, 'type'), list(at(one, 'identifiers'))]))
  }
  const conditions = (value: Value): unknown => {
    if (!Array.isArray(value) || value.length === 0) return undefined
    const tests: Record<string, Record<string, unknown>> = {}
    for (const one of value) {
      const test = String(at(one, 'test'))
      tests[test] = { ...tests[test], [String(at(one, 'variable'))]: list(at(one, 'values')) }
    }
    return tests
  }
  const statements = at(config, 'statement')
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: (Array.isArray(statements) ? statements : []).map((statement: Value) => ({
      Sid: at(statement, 'sid') ?? undefined,
      Effect: at(statement, 'effect') ?? 'Allow',
      Principal: principals(at(statement, 'principals')),
      Action: list(at(statement, 'actions')),
      NotAction: list(at(statement, 'not_actions')),
      Resource: list(at(statement, 'resources')),
      NotResource: list(at(statement, 'not_resources')),
      Condition: conditions(at(statement, 'condition'))
    }))
  })
}

function at(value: Value, key: string): Value {
  return isObject(value) ? (value.get(key) ?? null) : null
}
