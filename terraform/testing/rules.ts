// What a schema cannot say and AWS, or the real provider, would refuse: limits, enums, arguments that exclude each
// other. A line each. Terraform reports them with file and line, as it reports its own errors. Limits are those of
// the AWS API reference and the provider's documentation at version 6.

import { isObject, isUnknown, type Value } from './msgpack.ts'

export type Path = readonly (string | number)[]

export type Rule = (subject: Configuration) => void

/** One resource as it is configured. What is not known before apply reads as null, so that no rule judges it. */
export class Configuration {
  readonly #config: Value
  readonly refuse: (path: Path, summary: string, detail: string) => void
  constructor(config: Value, refuse: (path: Path, summary: string, detail: string) => void) {
    this.#config = config
    this.refuse = refuse
  }
  at(path: Path): Value {
    let value = this.#config
    for (const step of path) {
      if (typeof step === 'number') value = Array.isArray(value) ? (value[step] ?? null) : null
      else value = isObject(value) ? (value.get(step) ?? null) : null
    }
    return isUnknown(value) ? null : value
  }
  text(path: Path): string | null {
    const value = this.at(path)
    return typeof value === 'string' ? value : null
  }
  /** Also of a number that the schema keeps as text. */
  number(path: Path): number | null {
    const value = this.at(path)
    if (typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value)
    return typeof value === 'number' ? value : null
  }
  list(path: Path): readonly Value[] {
    const value = this.at(path)
    return Array.isArray(value) ? value : []
  }
  /** Written at all, be it with a value that is not known yet. */
  has(name: string): boolean {
    const value = isObject(this.#config) ? (this.#config.get(name) ?? null) : null
    return value !== null && !(Array.isArray(value) && value.length === 0)
  }
}

const DAY_S = 86_400

export const rules: Readonly<Record<string, readonly Rule[]>> = {
  aws_acm_certificate: [oneOf('validation_method', 'DNS', 'EMAIL')],
  aws_autoscaling_group: [
    atMost('min_size', 'max_size'),
    atMost('desired_capacity', 'max_size'),
    atMost('min_size', 'desired_capacity'),
    oneOf('health_check_type', 'EC2', 'ELB', 'EBS', 'VPC_LATTICE'),
    range('health_check_grace_period', 0, 7200),
    zeroOr('max_instance_lifetime', DAY_S, 365 * DAY_S),
    duration('wait_for_capacity_timeout'),
    oneOf('instance_refresh.0.strategy', 'Rolling'),
    range('instance_refresh.0.preferences.0.min_healthy_percentage', 0, 100),
    range('instance_refresh.0.preferences.0.max_healthy_percentage', 100, 200),
    range('instance_refresh.0.preferences.0.checkpoint_delay', 0, 2 * DAY_S),
    checkpointsInOrder,
    rollbackNeedsVersion,
    noWarmPoolWithMixedInstances,
    eachOneOf('initial_lifecycle_hook', 'default_result', 'CONTINUE', 'ABANDON'),
    eachRange('initial_lifecycle_hook', 'heartbeat_timeout', 30, 7200)
  ],
  aws_autoscaling_policy: [
    oneOf('policy_type', 'TargetTrackingScaling', 'StepScaling', 'SimpleScaling', 'PredictiveScaling'),
    oneOf(
      'target_tracking_configuration.0.predefined_metric_specification.0.predefined_metric_type',
      'ASGAverageCPUUtilization',
      'ASGAverageNetworkIn',
      'ASGAverageNetworkOut',
      'ALBRequestCountPerTarget'
    )
  ],
  aws_autoscaling_lifecycle_hook: [
    range('heartbeat_timeout', 30, 7200),
    oneOf('default_result', 'CONTINUE', 'ABANDON'),
    oneOf(
      'lifecycle_transition',
      'autoscaling:EC2_INSTANCE_LAUNCHING',
      'autoscaling:EC2_INSTANCE_TERMINATING'
    )
  ],
  aws_cloudfront_cache_policy: [atMost('min_ttl', 'default_ttl'), atMost('default_ttl', 'max_ttl')],
  aws_cloudfront_distribution: [
    oneOf('price_class', 'PriceClass_All', 'PriceClass_200', 'PriceClass_100', 'None'),
    oneOf('http_version', 'http1.1', 'http2', 'http2and3', 'http3'),
    length('comment', 0, 128),
    oneOf('default_cache_behavior.0.viewer_protocol_policy', 'allow-all', 'https-only', 'redirect-to-https'),
    eachOneOf(
      'ordered_cache_behavior',
      'viewer_protocol_policy',
      'allow-all',
      'https-only',
      'redirect-to-https'
    )
  ],
  aws_cloudfront_function: [
    oneOf('runtime', 'cloudfront-js-1.0', 'cloudfront-js-2.0'),
    limitBytes('code', 10_240, 'utf8')
  ],
  aws_cloudwatch_log_group: [
    oneNumberOf(
      'retention_in_days',
      ...[0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731],
      ...[1096, 1827, 2192, 2557, 2922, 3288, 3653]
    )
  ],
  aws_cloudwatch_metric_alarm: [
    oneOf(
      'comparison_operator',
      'GreaterThanOrEqualToThreshold',
      'GreaterThanThreshold',
      'LessThanThreshold',
      'LessThanOrEqualToThreshold',
      'LessThanLowerOrGreaterThanUpperThreshold',
      'LessThanLowerThreshold',
      'GreaterThanUpperThreshold'
    ),
    oneOf('treat_missing_data', 'missing', 'ignore', 'breaching', 'notBreaching'),
    oneOf('statistic', 'SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum'),
    atMost('datapoints_to_alarm', 'evaluation_periods'),
    listLength('alarm_actions', 0, 5),
    alarmPeriod,
    exactlyOne('metric_name', 'metric_query')
  ],
  aws_db_instance: [
    pattern(
      'identifier',
      /^[a-z](?!.*--)[a-z0-9-]{0,61}[a-z0-9]$/,
      'letters, digits and single hyphens, up to 63'
    ),
    oneOf('storage_type', 'standard', 'gp2', 'gp3', 'io1', 'io2'),
    range('backup_retention_period', 0, 35),
    oneNumberOf('monitoring_interval', 0, 1, 5, 10, 15, 30, 60),
    performanceInsightsRetention,
    atMost('allocated_storage', 'max_allocated_storage'),
    pattern('backup_window', /^\d\d:\d\d-\d\d:\d\d$/, 'hh:mm-hh:mm'),
    pattern('maintenance_window', /^[a-z]{3}:\d\d:\d\d-[a-z]{3}:\d\d:\d\d$/i, 'ddd:hh:mm-ddd:hh:mm'),
    atMostOne('manage_master_user_password', 'password', 'password_wo'),
    oneOf('replica_mode', 'open-read-only', 'mounted')
  ],
  aws_db_parameter_group: [
    eachOneOf('parameter', 'apply_method', 'immediate', 'pending-reboot'),
    pattern('family', /^(mysql|mariadb|postgres|aurora)[a-z0-9.-]+$/, 'a family such as mysql8.4')
  ],
  aws_elasticache_replication_group: [
    length('replication_group_id', 1, 40),
    oneOf('engine', 'redis', 'valkey'),
    oneOf('transit_encryption_mode', 'preferred', 'required'),
    range('snapshot_retention_limit', 0, 35),
    clusterNeedsFailover
  ],
  aws_iam_role: [
    length('name', 1, 64),
    length('name_prefix', 1, 38),
    limitBytes('assume_role_policy', 4096, 'utf8')
  ],
  aws_kms_key: [range('deletion_window_in_days', 7, 30)],
  aws_launch_template: [
    oneOf('metadata_options.0.http_tokens', 'optional', 'required'),
    range('metadata_options.0.http_put_response_hop_limit', 1, 64),
    volumeTypes,
    limitBytes('user_data', 16_384, 'base64')
  ],
  aws_lb: [
    length('name', 1, 32),
    pattern('name', /^(?!internal-)[a-zA-Z0-9][a-zA-Z0-9-]*(?<!-)$/, 'letters, digits and inner hyphens'),
    oneOf('load_balancer_type', 'application', 'network', 'gateway'),
    oneOf('desync_mitigation_mode', 'monitor', 'defensive', 'strictest'),
    range('idle_timeout', 1, 4000),
    range('client_keep_alive', 60, 604_800)
  ],
  aws_lb_listener: [
    oneOf('protocol', 'HTTP', 'HTTPS', 'TCP', 'TLS', 'UDP', 'TCP_UDP', 'GENEVE'),
    range('port', 1, 65_535),
    httpsNeedsCertificate
  ],
  aws_lb_target_group: [
    length('name', 1, 32),
    length('name_prefix', 1, 6),
    oneOf('protocol', 'HTTP', 'HTTPS', 'TCP', 'TLS', 'UDP', 'TCP_UDP', 'GENEVE'),
    oneOf('target_type', 'instance', 'ip', 'lambda', 'alb'),
    oneOf('load_balancing_algorithm_type', 'round_robin', 'least_outstanding_requests', 'weighted_random'),
    zeroOr('slow_start', 30, 900),
    slowStartNeedsRoundRobin,
    range('deregistration_delay', 0, 3600),
    range('health_check.0.interval', 5, 300),
    range('health_check.0.timeout', 2, 120),
    range('health_check.0.healthy_threshold', 2, 10),
    range('health_check.0.unhealthy_threshold', 2, 10),
    below('health_check.0.timeout', 'health_check.0.interval')
  ],
  aws_route53_record: [
    oneOf('type', 'A', 'AAAA', 'CAA', 'CNAME', 'DS', 'HTTPS', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'SVCB', 'TXT'),
    exactlyOne('alias', 'records')
  ],
  aws_s3_bucket: [
    pattern(
      'bucket',
      /^[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]$/,
      '3 to 63 small letters, digits, . and -'
    )
  ],
  aws_secretsmanager_secret: [zeroOr('recovery_window_in_days', 7, 30)],
  aws_security_group: [
    length('name', 1, 255),
    pattern('name', /^(?!sg-)/, 'a name that does not begin with sg-')
  ],
  aws_sns_topic_subscription: [
    oneOf(
      'protocol',
      'sqs',
      'sms',
      'lambda',
      'firehose',
      'application',
      'email',
      'email-json',
      'http',
      'https'
    )
  ],
  aws_subnet: [prefixLength('cidr_block', 16, 28)],
  aws_vpc: [prefixLength('cidr_block', 16, 28)],
  aws_vpc_security_group_egress_rule: [
    portsInOrder,
    exactlyOne('cidr_ipv4', 'cidr_ipv6', 'prefix_list_id', 'referenced_security_group_id')
  ],
  aws_vpc_security_group_ingress_rule: [
    portsInOrder,
    exactlyOne('cidr_ipv4', 'cidr_ipv6', 'prefix_list_id', 'referenced_security_group_id')
  ],
  aws_wafv2_ip_set: [oneOf('scope', 'CLOUDFRONT', 'REGIONAL'), oneOf('ip_address_version', 'IPV4', 'IPV6')],
  aws_wafv2_web_acl: [oneOf('scope', 'CLOUDFRONT', 'REGIONAL'), wafRatesAndPriorities]
}

// A dotted path is easier to read in the table above; numbers in it are places in a list.
function steps(path: string): Path {
  return path.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step))
}

const nameOf = (path: string) => path.split('.').at(-1) ?? path

function oneOf(path: string, ...allowed: readonly string[]): Rule {
  return (subject) => {
    const value = subject.text(steps(path))
    if (value === null || allowed.includes(value)) return
    subject.refuse(steps(path), `Invalid ${nameOf(path)}`, `"${value}" is none of ${allowed.join(', ')}.`)
  }
}

function oneNumberOf(path: string, ...allowed: readonly number[]): Rule {
  return (subject) => {
    const value = subject.number(steps(path))
    if (value === null || allowed.includes(value)) return
    subject.refuse(steps(path), `Invalid ${nameOf(path)}`, `${value} is none of ${allowed.join(', ')}.`)
  }
}

/** For blocks of which there may be several, in a list or a set. */
function eachOneOf(block: string, name: string, ...allowed: readonly string[]): Rule {
  return (subject) => {
    for (const item of subject.list([block])) {
      const value = isObject(item) ? item.get(name) : null
      if (typeof value !== 'string' || allowed.includes(value)) continue
      subject.refuse([block], `Invalid ${name}`, `"${value}" is none of ${allowed.join(', ')}.`)
    }
  }
}

function range(path: string, least: number, most: number): Rule {
  return (subject) => {
    const value = subject.number(steps(path))
    if (value === null || (value >= least && value <= most)) return
    subject.refuse(steps(path), `Invalid ${nameOf(path)}`, `${value} is not within ${least} to ${most}.`)
  }
}

function eachRange(block: string, name: string, least: number, most: number): Rule {
  return (subject) => {
    for (const item of subject.list([block])) {
      const value = isObject(item) ? item.get(name) : null
      if (typeof value !== 'number' || (value >= least && value <= most)) continue
      subject.refuse([block], `Invalid ${name}`, `${value} is not within ${least} to ${most}.`)
    }
  }
}

function zeroOr(path: string, least: number, most: number): Rule {
  const inRange = range(path, least, most)
  return (subject) => {
    if (subject.number(steps(path)) !== 0) inRange(subject)
  }
}

function length(path: string, least: number, most: number): Rule {
  return (subject) => {
    const value = subject.text(steps(path))
    if (value === null || (value.length >= least && value.length <= most)) return
    const detail = `"${value}" has ${value.length} characters: ${least} to ${most} are allowed.`
    subject.refuse(steps(path), `Invalid length of ${nameOf(path)}`, detail)
  }
}

function listLength(path: string, least: number, most: number): Rule {
  return (subject) => {
    const { length: count } = subject.list(steps(path))
    if (count >= least && count <= most) return
    subject.refuse(steps(path), `Too many in ${nameOf(path)}`, `${count}: ${least} to ${most} are allowed.`)
  }
}

function limitBytes(path: string, most: number, encoding: 'utf8' | 'base64'): Rule {
  return (subject) => {
    const value = subject.text(steps(path))
    const bytes = value === null ? 0 : Buffer.from(value, encoding).length
    if (bytes <= most) return
    subject.refuse(steps(path), `${nameOf(path)} is too large`, `${bytes} bytes: AWS takes ${most}.`)
  }
}

function pattern(path: string, form: RegExp, meaning: string): Rule {
  return (subject) => {
    const value = subject.text(steps(path))
    if (value === null || form.test(value)) return
    subject.refuse(steps(path), `Invalid ${nameOf(path)}`, `"${value}" is not of the form: ${meaning}.`)
  }
}

/** As terraform waits: 10m, 1.5h, or 0 for not at all. */
function duration(path: string): Rule {
  return pattern(path, /^(0|(\d+(\.\d+)?(s|m|h))+)$/, 'a duration such as 10m')
}

function prefixLength(path: string, least: number, most: number): Rule {
  return (subject) => {
    const block = subject.text(steps(path))
    const bits = Number(block?.split('/')[1])
    if (block === null || (bits >= least && bits <= most)) return
    subject.refuse(steps(path), `Invalid ${nameOf(path)}`, `${block}: AWS takes /${least} to /${most}.`)
  }
}

function atMost(low: string, high: string): Rule {
  return compared(low, high, (lower, higher) => lower <= higher, 'is more than')
}

function below(low: string, high: string): Rule {
  return compared(low, high, (lower, higher) => lower < higher, 'is not below')
}

function compared(
  low: string,
  high: string,
  holds: (low: number, high: number) => boolean,
  words: string
): Rule {
  return (subject) => {
    const lower = subject.number(steps(low))
    const higher = subject.number(steps(high))
    if (lower === null || higher === null || holds(lower, higher)) return
    const detail = `${nameOf(low)} (${lower}) ${words} ${nameOf(high)} (${higher}).`
    subject.refuse(steps(low), `Invalid ${nameOf(low)}`, detail)
  }
}

function exactlyOne(...names: readonly string[]): Rule {
  return (subject) => {
    const written = names.filter((name) => subject.has(name))
    if (written.length === 1) return
    const second = written[1]
    const detail = `Exactly one of ${names.join(', ')} is needed; there are ${written.length}.`
    subject.refuse(second === undefined ? [] : [second], 'Invalid combination of arguments', detail)
  }
}

function atMostOne(...names: readonly string[]): Rule {
  return (subject) => {
    const [, second] = names.filter((name) => subject.has(name))
    if (second === undefined) return
    subject.refuse([second], 'Conflicting arguments', `Only one of ${names.join(', ')} can be set.`)
  }
}

function checkpointsInOrder(subject: Configuration): void {
  const path = ['instance_refresh', 0, 'preferences', 0, 'checkpoint_percentages']
  const shares = subject.list(path).filter((share) => typeof share === 'number')
  if (shares.length === 0) return
  if (shares.some((share, place) => place > 0 && share <= (shares[place - 1] ?? 0)))
    subject.refuse(path, 'Checkpoints out of order', `${shares.join(', ')} does not ascend.`)
  if (shares.at(-1) !== 100)
    subject.refuse(path, 'Checkpoints do not end', `The last of ${shares.join(', ')} has to be 100.`)
}

/** EC2 Auto Scaling knows no "before" when the version is a moving name. */
function rollbackNeedsVersion(subject: Configuration): void {
  const preferences = ['instance_refresh', 0, 'preferences', 0]
  if (subject.at([...preferences, 'auto_rollback']) !== true) return
  for (const path of [
    ['launch_template', 0, 'version'],
    ['mixed_instances_policy', 0, 'launch_template', 0, 'launch_template_specification', 0, 'version']
  ]) {
    const version = subject.text(path)
    if (version !== '$Latest' && version !== '$Default') continue
    subject.refuse(path, 'Roll back needs a version', `auto_rollback does not work with "${version}".`)
  }
}

function noWarmPoolWithMixedInstances(subject: Configuration): void {
  if (!subject.has('warm_pool') || !subject.has('mixed_instances_policy')) return
  const detail = 'A group with a mixed instances policy cannot have a warm pool.'
  subject.refuse(['warm_pool'], 'Conflicting arguments', detail)
}

function alarmPeriod(subject: Configuration): void {
  const period = subject.number(['period'])
  if (period === null) return
  if (![10, 20, 30].includes(period) && (period < 60 || period % 60 !== 0))
    subject.refuse(
      ['period'],
      'Invalid period',
      `${period} is neither 10, 20, 30 nor a multiple of 60 seconds.`
    )
  const periods = subject.number(['evaluation_periods']) ?? 1
  if (period >= 60 && period < 3600 && period * periods > DAY_S)
    subject.refuse(
      ['evaluation_periods'],
      'Alarm looks too far back',
      `${period * periods} s: AWS takes a day.`
    )
}

function performanceInsightsRetention(subject: Configuration): void {
  const path = ['performance_insights_retention_period']
  const days = subject.number(path)
  if (days === null || days === 7 || days === 731 || (days > 0 && days < 731 && days % 31 === 0)) return
  subject.refuse(path, 'Invalid retention', `${days} is neither 7, 731 nor a multiple of 31 days.`)
}

function clusterNeedsFailover(subject: Configuration): void {
  const path = ['automatic_failover_enabled']
  if (subject.at(path) !== false) return
  const groups = subject.number(['num_node_groups']) ?? 1
  if (groups > 1) subject.refuse(path, 'Cluster mode needs failover', `There are ${groups} node groups.`)
  if (subject.at(['multi_az_enabled']) === true)
    subject.refuse(path, 'Multi-AZ needs failover', 'multi_az_enabled is true.')
}

function volumeTypes(subject: Configuration): void {
  const types = ['standard', 'io1', 'io2', 'gp2', 'gp3', 'sc1', 'st1']
  for (const place of subject.list(['block_device_mappings']).keys()) {
    const path = ['block_device_mappings', place, 'ebs', 0, 'volume_type']
    const type = subject.text(path)
    if (type === null || types.includes(type)) continue
    subject.refuse(path, 'Invalid volume_type', `"${type}" is none of ${types.join(', ')}.`)
  }
}

function httpsNeedsCertificate(subject: Configuration): void {
  if (subject.text(['protocol']) !== 'HTTPS' || subject.has('certificate_arn')) return
  subject.refuse(['protocol'], 'HTTPS needs a certificate', 'certificate_arn is not set.')
}

function slowStartNeedsRoundRobin(subject: Configuration): void {
  const algorithm = subject.text(['load_balancing_algorithm_type']) ?? 'round_robin'
  if ((subject.number(['slow_start']) ?? 0) === 0 || algorithm === 'round_robin') return
  subject.refuse(['slow_start'], 'slow_start needs round_robin', `AWS refuses it with ${algorithm}.`)
}

function portsInOrder(subject: Configuration): void {
  const from = subject.number(['from_port'])
  const to = subject.number(['to_port'])
  for (const [name, port] of [['from_port', from] as const, ['to_port', to] as const]) {
    if (port !== null && (port < -1 || port > 65_535))
      subject.refuse([name], `Invalid ${name}`, `${port} is not within -1 to 65535.`)
  }
  if (from !== null && to !== null && from > to)
    subject.refuse(['from_port'], 'Invalid from_port', `from_port (${from}) is more than to_port (${to}).`)
}

function wafRatesAndPriorities(subject: Configuration): void {
  const priorities = new Set<Value>()
  for (const rule of subject.list(['rule'])) {
    const one = new Configuration(rule, () => {})
    const priority = one.at(['priority'])
    if (priorities.has(priority))
      subject.refuse(['rule'], 'Priority used twice', `Two rules have priority ${String(priority)}.`)
    if (priority !== null) priorities.add(priority)
    const limit = one.number(['statement', 0, 'rate_based_statement', 0, 'limit'])
    if (limit !== null && (limit < 10 || limit > 2_000_000_000))
      subject.refuse(['rule'], 'Invalid rate limit', `${limit} is not within 10 to 2,000,000,000.`)
    const window = one.number(['statement', 0, 'rate_based_statement', 0, 'evaluation_window_sec'])
    if (window !== null && ![60, 120, 300, 600].includes(window))
      subject.refuse(['rule'], 'Invalid evaluation_window_sec', `${window} is none of 60, 120, 300, 600.`)
  }
}
