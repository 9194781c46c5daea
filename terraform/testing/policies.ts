// What has to hold for every plan of ours, whoever changes the HCL: a sentence and a check each. Checks read the plan
// with foresight, in which everything is known, and name the argument that breaks them.

import { at, type Finding, isList, type Json, list, type PlannedFleet, type Resource } from './plan.ts'
import { scriptOf, troubleWithSettings } from './user-data.ts'

export type Policy = { says: string; check: (fleet: PlannedFleet) => Finding[] }

type Check = Policy['check']

const isProduction = (fleet: PlannedFleet) => fleet.variable('environment') === 'production'
const isAnywhere = (block: Json) => block === '0.0.0.0/0' || block === '::/0'
const isAtLeast = (least: number) => (value: Json) => typeof value === 'number' && value >= least
const isPresent = (value: Json) => value !== null && value !== '' && !(isList(value) && value.length === 0)
const is = (expected: Json) => (value: Json) => value === expected

export const policies: readonly Policy[] = [
  {
    says: 'nothing is open to the world but CloudFront',
    check: all(
      every(
        'aws_vpc_security_group_ingress_rule',
        'cidr_ipv4',
        (block) => !isAnywhere(block),
        'is open to everybody'
      ),
      every(
        'aws_vpc_security_group_ingress_rule',
        'cidr_ipv6',
        (block) => !isAnywhere(block),
        'is open to everybody'
      ),
      every('aws_security_group_rule', 'cidr_blocks', isNoWayIn, 'is open to everybody'),
      every(
        'aws_security_group',
        'ingress',
        admitsNobody,
        'admits in itself: rules are resources of their own'
      ),
      every(
        'aws_default_security_group',
        'ingress',
        admitsNobody,
        'admits: whoever forgets a group gets this one'
      ),
      every('aws_lb', 'internal', is(true), 'is public: CloudFront reaches it inside the VPC'),
      balancersOnlyFromCloudFront
    )
  },
  {
    says: 'no machine has a public address',
    check: all(
      every('aws_db_instance', 'publicly_accessible', is(false), 'has a public address'),
      every('aws_subnet', 'map_public_ip_on_launch', (given) => given !== true, 'gives public addresses'),
      everyItem(
        'aws_launch_template',
        'network_interfaces',
        'associate_public_ip_address',
        (given) => given !== 'true'
      )
    )
  },
  {
    says: 'what lies still is encrypted',
    check: all(
      every('aws_db_instance', 'storage_encrypted', is(true), 'is not encrypted'),
      every('aws_elasticache_replication_group', 'at_rest_encryption_enabled', isTrue, 'is not encrypted'),
      everyItem(
        'aws_launch_template',
        'block_device_mappings',
        'ebs.0.encrypted',
        isTrue,
        'is not encrypted'
      ),
      written('aws_backup_vault', 'kms_key_arn', 'has no key of ours'),
      written('aws_secretsmanager_secret', 'kms_key_id', 'has no key of ours'),
      written('aws_sns_topic', 'kms_master_key_id', 'is not encrypted'),
      every('aws_kms_key', 'enable_key_rotation', is(true), 'never changes'),
      eachBucketHas('aws_s3_bucket_server_side_encryption_configuration', 'is not encrypted')
    )
  },
  {
    says: 'what moves is encrypted',
    check: all(
      every('aws_lb_listener', 'protocol', is('HTTPS'), 'speaks in the clear'),
      every('aws_lb_listener', 'ssl_policy', startsWith('ELBSecurityPolicy-TLS13-1-2'), 'speaks an old TLS'),
      every(
        'aws_elasticache_replication_group',
        'transit_encryption_enabled',
        is(true),
        'speaks in the clear'
      ),
      every(
        'aws_elasticache_replication_group',
        'transit_encryption_mode',
        is('required'),
        'may speak in the clear'
      ),
      parameter('require_secure_transport', '1', 'speaks in the clear to whoever asks so'),
      every(
        'aws_cloudfront_distribution',
        'default_cache_behavior.0.viewer_protocol_policy',
        isSecure,
        'speaks in the clear'
      ),
      everyItem(
        'aws_cloudfront_distribution',
        'ordered_cache_behavior',
        'viewer_protocol_policy',
        isSecure,
        'speaks in the clear'
      ),
      every(
        'aws_cloudfront_distribution',
        'viewer_certificate.0.minimum_protocol_version',
        startsWith('TLSv1.2_2021'),
        'speaks an old TLS'
      ),
      every(
        'aws_cloudfront_vpc_origin',
        'vpc_origin_endpoint_config.0.origin_protocol_policy',
        is('https-only'),
        'speaks in the clear'
      ),
      eachBucketDeniesTheClear
    )
  },
  {
    says: 'a balancer asks whether an instance is ready, and the group believes it',
    check: all(
      some('aws_lb_target_group'),
      every('aws_lb_target_group', 'health_check.0.path', is('/health/ready'), 'does not ask /health/ready'),
      every(
        'aws_lb_target_group',
        'health_check.0.matcher',
        is('200'),
        'takes other answers than 200 for ready'
      ),
      every(
        'aws_autoscaling_group',
        'health_check_type',
        is('ELB'),
        'keeps instances that the balancer has given up'
      )
    )
  },
  {
    says: 'an instance finishes what it has before it goes',
    check: all(
      every(
        'aws_lb_target_group',
        'deregistration_delay',
        (seconds) => Number(seconds) >= 10,
        'cuts requests off'
      ),
      every(
        'aws_autoscaling_group',
        'initial_lifecycle_hook',
        hooksTermination,
        'does not wait for the drain'
      ),
      hookOutlastsDeregistration
    )
  },
  {
    says: 'the fleet has the size that its environment needs, in three zones',
    check: all(
      some('aws_autoscaling_group'),
      whereServing(
        'aws_autoscaling_group',
        'min_size',
        isAtLeast(2),
        'a single instance is none when it fails'
      ),
      inProduction(
        whereServing('aws_autoscaling_group', 'min_size', isAtLeast(10), 'production begins with ten')
      ),
      inProduction(
        whereServing('aws_autoscaling_group', 'max_size', isAtLeast(100), 'production grows to a hundred')
      ),
      inProduction(every('aws_autoscaling_group', 'vpc_zone_identifier', hasThree, 'is not in three zones'))
    )
  },
  {
    says: 'the fleet grows on CPU and on requests',
    check: all(tracks('ASGAverageCPUUtilization'), tracks('ALBRequestCountPerTarget'))
  },
  {
    says: 'a release goes out in steps, and comes back by itself when errors rise',
    check: all(
      every(
        'aws_autoscaling_group',
        'instance_refresh.0.preferences.0.auto_rollback',
        is(true),
        'does not roll back'
      ),
      every(
        'aws_autoscaling_group',
        'instance_refresh.0.preferences.0.checkpoint_percentages',
        (shares) => isList(shares) && shares.length >= 2,
        'goes out at once'
      ),
      inProduction(
        every(
          'aws_autoscaling_group',
          'instance_refresh.0.preferences.0.checkpoint_percentages',
          (shares) => String(shares) === '5,25,50,100',
          'is not 5, 25, 50, 100'
        )
      ),
      every(
        'aws_autoscaling_group',
        'instance_refresh.0.preferences.0.min_healthy_percentage',
        isAtLeast(90),
        'gives up capacity'
      ),
      refreshHasAnAlarm
    )
  },
  {
    says: 'instance metadata answers tokens alone',
    check: all(
      some('aws_launch_template'),
      every(
        'aws_launch_template',
        'metadata_options.0.http_tokens',
        is('required'),
        'answers without a token'
      ),
      every(
        'aws_launch_template',
        'metadata_options.0.http_put_response_hop_limit',
        is(1),
        'can be asked from afar'
      )
    )
  },
  { says: 'everything that can have tags has ours', check: all(tagged, launchesTagged) },
  {
    says: 'an instance is told settings that the service knows, with values that it takes',
    check: settingsKnown
  },
  { says: 'no secret is in the plan, so none is in the state', check: secretless },
  { says: 'no variable has a secret for its default', check: defaultsWithoutSecrets },
  {
    says: 'what is lost can be restored: point in time, hourly, and from elsewhere',
    check: all(
      primaries('backup_retention_period', isAtLeast(1), 'keeps no log to restore from'),
      inProduction(primaries('backup_retention_period', isAtLeast(14), 'forgets within two weeks')),
      some('aws_backup_plan'),
      every(
        'aws_backup_plan',
        'rule',
        (rules) => isList(rules) && rules.some(isHourly),
        'has no hourly rule'
      ),
      some('aws_backup_selection'),
      some('aws_backup_restore_testing_plan'),
      eachBucketHas('aws_s3_bucket_versioning', 'forgets what was overwritten')
    )
  },
  {
    says: 'production does not vanish by a mistake',
    check: inProduction(
      all(
        primaries('deletion_protection', is(true), 'can be deleted by a mistyped plan'),
        primaries('skip_final_snapshot', is(false), 'leaves nothing behind'),
        every('aws_lb', 'enable_deletion_protection', is(true), 'can be deleted by a mistyped plan'),
        every('aws_secretsmanager_secret', 'recovery_window_in_days', isAtLeast(30), 'is gone at once'),
        every('aws_s3_bucket', 'force_destroy', is(false), 'is emptied when it is deleted')
      )
    )
  },
  {
    says: 'production outlives a zone',
    check: inProduction(
      all(
        primaries('multi_az', is(true), 'is in one zone'),
        every('aws_elasticache_replication_group', 'multi_az_enabled', is(true), 'is in one zone'),
        zonesHaveTheirOwnWayOut
      )
    )
  },
  { says: 'every alarm tells somebody', check: all(some('aws_cloudwatch_metric_alarm'), alarmsAreHeard) },
  {
    says: 'logs end',
    check: every('aws_cloudwatch_log_group', 'retention_in_days', isAtLeast(1), 'is kept for ever')
  },
  {
    says: 'no bucket can become public',
    check: all(
      eachBucketHas('aws_s3_bucket_public_access_block', 'may be made public'),
      ...['block_public_acls', 'block_public_policy', 'ignore_public_acls', 'restrict_public_buckets'].map(
        (flag) =>
          every('aws_s3_bucket_public_access_block', flag, is(true), 'leaves a way to make the bucket public')
      )
    )
  },
  {
    says: 'a role may do what it needs, and what it needs is named',
    check: all(
      ...['aws_iam_role_policy', 'aws_iam_policy'].map((type) =>
        every(type, 'policy', grantsNamedActions, 'grants everything of a service')
      ),
      every(
        'aws_iam_role_policy_attachment',
        'policy_arn',
        (arn) => !/(AdministratorAccess|PowerUserAccess|FullAccess)$/.test(String(arn)),
        'grants everything'
      )
    )
  },
  {
    says: 'the firewall stands in front: administration from its networks, and no flood',
    check: all(
      some('aws_cloudfront_distribution'),
      written('aws_cloudfront_distribution', 'web_acl_id', 'has no firewall'),
      every('aws_wafv2_web_acl', 'scope', is('CLOUDFRONT'), 'is not one for CloudFront'),
      every('aws_wafv2_web_acl', 'region', is('us-east-1'), 'is not where CloudFront looks for it'),
      every('aws_wafv2_web_acl', 'rule', limitsRates, 'limits nobody'),
      every('aws_wafv2_web_acl', 'rule', guardsAdministration, 'lets everybody at /api/admin')
    )
  },
  {
    says: 'the balancer refuses what is malformed, writes down what came, and closes before the service does',
    check: all(
      every('aws_lb', 'drop_invalid_header_fields', is(true), 'passes malformed headers on'),
      every('aws_lb', 'desync_mitigation_mode', is('strictest'), 'lets requests be smuggled'),
      every('aws_lb', 'access_logs.0.enabled', is(true), 'writes nothing down'),
      // Fastify keeps an idle connection 72 s: whoever closes first must be the one who sends.
      every(
        'aws_lb',
        'idle_timeout',
        (seconds) => typeof seconds === 'number' && seconds < 72,
        'reuses what the service has closed'
      )
    )
  },
  {
    says: 'MySQL is set up as the cache protocol needs it',
    check: all(
      parameter('gtid-mode', 'ON', 'a promoted replica would be followed by nobody'),
      parameter('enforce_gtid_consistency', 'ON', 'GTIDs could not be turned on'),
      parameter('binlog_format', 'ROW', 'a replica would reckon anew'),
      parameter('transaction_isolation', 'READ-COMMITTED', 'locks would be wider than the code expects'),
      parameter('innodb_flush_log_at_trx_commit', '1', 'a commit could be lost'),
      parameter('sync_binlog', '1', 'a commit could be lost'),
      parameter('replica_preserve_commit_order', '1', 'a version could come before its rows')
    )
  },
  {
    says: 'Valkey evicts rather than refuses',
    check: every('aws_elasticache_parameter_group', 'parameter', evicts, 'refuses writes when it is full')
  }
]

// How checks are made of parts.

function all(...checks: readonly Check[]): Check {
  return (fleet) => checks.flatMap((check) => check(fleet))
}

function inProduction(check: Check): Check {
  return (fleet) => (isProduction(fleet) ? check(fleet) : [])
}

/** Every resource of a type has a value at the path that is as it should be. */
function every(
  type: string,
  path: string,
  holds: (value: Json, resource: Resource, fleet: PlannedFleet) => boolean,
  wrong: string
): Check {
  return (fleet) =>
    fleet
      .all(type)
      .filter((resource) => !holds(at(resource.values, path), resource, fleet))
      .map(({ address }) => fleet.at(address, path, `${path || type} ${wrong}`))
}

/** The same for each of the blocks of one kind. */
function everyItem(
  type: string,
  blocks: string,
  path: string,
  holds: (value: Json) => boolean,
  wrong = 'is not as it should be'
): Check {
  return every(
    type,
    `${blocks}.${path}`,
    (_value, { values }) => list(values, blocks).every((item) => holds(at(item, path))),
    wrong
  )
}

/** At least one is planned: a policy about none would hold of nothing. */
function some(type: string): Check {
  return (fleet) =>
    fleet.all(type).length > 0
      ? []
      : [{ address: type, file: 'main.tf', line: 0, message: `there is no ${type}` }]
}

/** Set in the source, whatever AWS would choose otherwise. */
function written(type: string, argument: string, wrong: string): Check {
  return every(type, argument, (_value, resource) => resource.writes(argument), wrong)
}

/** Database instances that are no replica of another in the same plan's regions. */
function primaries(path: string, holds: (value: Json) => boolean, wrong: string): Check {
  return every(
    'aws_db_instance',
    path,
    (value, { values }) => isPresent(at(values, 'replicate_source_db')) || holds(value),
    wrong
  )
}

/** A region that stands by has a group of none. */
function whereServing(type: string, path: string, holds: (value: Json) => boolean, wrong: string): Check {
  return every(type, path, (value, { values }) => at(values, 'max_size') === 0 || holds(value), wrong)
}

/** Each MySQL parameter group sets it so. */
function parameter(name: string, expected: string, wrong: string): Check {
  const hasIt = (parameters: Json) =>
    isList(parameters) && parameters.some((one) => at(one, 'name') === name && at(one, 'value') === expected)
  return every('aws_db_parameter_group', 'parameter', hasIt, `without ${name} = ${expected}: ${wrong}`)
}

/** Each bucket has a companion of this type, which names it. */
function eachBucketHas(type: string, wrong: string): Check {
  return every(
    'aws_s3_bucket',
    '',
    (_value, { values }, fleet) =>
      fleet.all(type).some((one) => at(one.values, 'bucket') === at(values, 'id')),
    `${wrong}: no ${type}`
  )
}

function startsWith(start: string) {
  return (value: Json) => typeof value === 'string' && value.startsWith(start)
}

// The checks that are more than a value.

function isTrue(value: Json): boolean {
  return value === true || value === 'true'
}

function isSecure(policy: Json): boolean {
  return policy === 'https-only' || policy === 'redirect-to-https'
}

function hasThree(value: Json): boolean {
  return isList(value) && new Set(value).size >= 3
}

function isHourly(rule: Json): boolean {
  return /^cron\(\d+ \* /.test(String(at(rule, 'schedule')))
}

function admitsNobody(ingress: Json, resource: Resource): boolean {
  return !resource.writes('ingress') || !isPresent(ingress)
}

function isNoWayIn(blocks: Json, { values }: Resource): boolean {
  return at(values, 'type') !== 'ingress' || !(isList(blocks) && blocks.some(isAnywhere))
}

/** Whoever else reached the balancer would get past the firewall. */
function balancersOnlyFromCloudFront(fleet: PlannedFleet): Finding[] {
  const groups = fleet.all('aws_lb').flatMap(({ values }) => list(values, 'security_groups'))
  return fleet
    .all('aws_vpc_security_group_ingress_rule')
    .filter(({ values }) => groups.includes(at(values, 'security_group_id')))
    .filter(({ values }) => !isPresent(at(values, 'prefix_list_id')))
    .map(({ address }) =>
      fleet.at(address, 'prefix_list_id', 'lets others than CloudFront at the load balancer')
    )
}

function eachBucketDeniesTheClear(fleet: PlannedFleet): Finding[] {
  const denies = (policy: Json) => {
    const statements = at(parsed(policy), 'Statement')
    return (
      isList(statements) &&
      statements.some(
        (one) =>
          at(one, 'Effect') === 'Deny' &&
          at(at(at(one, 'Condition'), 'Bool'), 'aws:SecureTransport') === 'false'
      )
    )
  }
  return fleet
    .all('aws_s3_bucket')
    .filter(
      ({ values }) =>
        !fleet
          .all('aws_s3_bucket_policy')
          .some(
            (policy) =>
              at(policy.values, 'bucket') === at(values, 'id') && denies(at(policy.values, 'policy'))
          )
    )
    .map(({ address }) => fleet.at(address, '', 'answers in the clear: no policy denies it'))
}

function hooksTermination(hooks: Json): boolean {
  return (
    isList(hooks) &&
    hooks.some((hook) => at(hook, 'lifecycle_transition') === 'autoscaling:EC2_INSTANCE_TERMINATING')
  )
}

function hookOutlastsDeregistration(fleet: PlannedFleet): Finding[] {
  const longest = Math.max(
    0,
    ...fleet.all('aws_lb_target_group').map(({ values }) => Number(at(values, 'deregistration_delay')))
  )
  return every(
    'aws_autoscaling_group',
    'initial_lifecycle_hook.heartbeat_timeout',
    (_value, { values }) =>
      list(values, 'initial_lifecycle_hook').every(
        (hook) => Number(at(hook, 'heartbeat_timeout')) >= longest
      ),
    `ends before the ${longest} s of the balancer's deregistration_delay`
  )(fleet)
}

function tracks(metric: string): Check {
  const path = 'target_tracking_configuration.0.predefined_metric_specification.0.predefined_metric_type'
  return (fleet) =>
    fleet
      .all('aws_autoscaling_group')
      .filter(
        ({ values }) =>
          !fleet
            .all('aws_autoscaling_policy')
            .some(
              (policy) =>
                at(policy.values, 'autoscaling_group_name') === at(values, 'name') &&
                at(policy.values, path) === metric
            )
      )
      .map(({ address }) => fleet.at(address, '', `does not track ${metric}`))
}

function refreshHasAnAlarm(fleet: PlannedFleet): Finding[] {
  const path = 'instance_refresh.0.preferences.0.alarm_specification.0.alarms'
  const known = new Set(
    fleet.all('aws_cloudwatch_metric_alarm').map(({ values }) => at(values, 'alarm_name'))
  )
  return every(
    'aws_autoscaling_group',
    path,
    (alarms) => isList(alarms) && alarms.length > 0 && alarms.every((alarm) => known.has(alarm)),
    'names no alarm of this plan'
  )(fleet)
}

const ourTags = ['Project', 'Environment', 'ManagedBy']

function tagged(fleet: PlannedFleet): Finding[] {
  return fleet.resources
    .filter(({ values }) => at(values, 'tags_all') !== null)
    .filter(({ values }) => ourTags.some((tag) => !isPresent(at(at(values, 'tags_all'), tag))))
    .map(({ address }) => fleet.at(address, 'tags', `lacks one of ${ourTags.join(', ')}`))
}

/** The provider's default tags do not reach what a group or a template launches. */
function launchesTagged(fleet: PlannedFleet): Finding[] {
  const groups = fleet.all('aws_autoscaling_group').filter(({ values }) => {
    const names = list(values, 'tag').map((tag) => at(tag, 'key'))
    return ourTags.some((tag) => !names.includes(tag))
  })
  const templates = fleet.all('aws_launch_template').filter(({ values }) => {
    const specifications = list(values, 'tag_specifications')
    const hasAll = (kind: string) =>
      specifications.some(
        (one) =>
          at(one, 'resource_type') === kind && ourTags.every((tag) => isPresent(at(at(one, 'tags'), tag)))
      )
    return !hasAll('instance') || !hasAll('volume')
  })
  return [
    ...groups.map(({ address }) => fleet.at(address, 'tag', 'does not tag itself')),
    ...templates.map(({ address }) =>
      fleet.at(address, 'tag_specifications', 'does not tag what it launches')
    )
  ]
}

function settingsKnown(fleet: PlannedFleet): Finding[] {
  return fleet
    .all('aws_launch_template')
    .flatMap(({ address, values }) =>
      troubleWithSettings(scriptOf(values)).map((trouble) => fleet.at(address, 'user_data', trouble))
    )
}

/** Arguments that would carry a secret into the state. Write-only ones (…_wo) never get there. */
const secretArguments = new Set([
  'auth_token',
  'client_secret',
  'master_password',
  'passphrase',
  'password',
  'passwords',
  'private_key',
  'secret_binary',
  'secret_string'
])

function secretless(fleet: PlannedFleet): Finding[] {
  const findings: Finding[] = []
  const search = (resource: Resource, value: Json, path: readonly string[]) => {
    if (typeof value === 'string' && looksSecret(value))
      findings.push(fleet.at(resource.address, path.join('.'), `${path.join('.')} looks like a secret`))
    if (value === null || typeof value !== 'object') return
    for (const [name, inner] of Object.entries(value)) {
      const isSecret = secretArguments.has(name) && isPresent(inner)
      if (isSecret && (path.length > 0 || resource.writes(name)))
        findings.push(fleet.at(resource.address, [...path, name].join('.'), `${name} would be in the state`))
      else search(resource, inner, [...path, name])
    }
  }
  for (const resource of fleet.resources) search(resource, resource.values, [])
  return findings
}

function defaultsWithoutSecrets(fleet: PlannedFleet): Finding[] {
  const namesOne = (name: string) => /password|secret|token|private_?key|credential|api_?key/i.test(name)
  const holdsText = (value: Json): boolean =>
    typeof value === 'string'
      ? value !== ''
      : value !== null && typeof value === 'object' && Object.values(value).some(holdsText)
  const holdsSecret = (value: Json): boolean =>
    typeof value === 'string'
      ? looksSecret(value)
      : value !== null && typeof value === 'object' && Object.values(value).some(holdsSecret)
  return fleet.defaults
    .filter(({ name, value }) => (namesOne(name) && holdsText(value)) || holdsSecret(value))
    .map(({ address }) => fleet.at(address, 'default', 'is a secret that everybody can read'))
}

/** Keys and tokens by their form: AWS's, PEM, JWT, GitHub's, and a password inside a URL. */
function looksSecret(text: string): boolean {
  return /\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[\w-]{10,}\.eyJ|\bgh[pousr]_\w{36}\b|:\/\/[^\s:/]+:[^\s@/$\\(){}]{6,}@/.test(
    text
  )
}

function zonesHaveTheirOwnWayOut(fleet: PlannedFleet): Finding[] {
  return fleet
    .all('aws_vpc')
    .filter((vpc) => fleet.all('aws_nat_gateway').filter(({ module }) => module === vpc.module).length < 3)
    .map(({ address }) =>
      fleet.at(address, '', 'has fewer than three NAT gateways: a zone takes the way out with it')
    )
}

/** An action is a topic of the plan that has somebody who listens. */
function alarmsAreHeard(fleet: PlannedFleet): Finding[] {
  const listened = new Set(
    fleet.all('aws_sns_topic_subscription').map(({ values }) => at(values, 'topic_arn'))
  )
  return every(
    'aws_cloudwatch_metric_alarm',
    'alarm_actions',
    (actions) => isList(actions) && actions.some((action) => listened.has(action)),
    'reaches nobody'
  )(fleet)
}

/** A policy that names its actions. A key's own policy is another matter: its account has to keep every right. */
function grantsNamedActions(policy: Json): boolean {
  const statements = at(parsed(policy), 'Statement')
  if (!isList(statements)) return false
  const actions = (one: Json) => [at(one, 'Action')].flat()
  return statements
    .filter((one) => at(one, 'Effect') === 'Allow')
    .every(
      (one) =>
        at(one, 'NotAction') === null && actions(one).every((action) => !/^\*$|:\*$/.test(String(action)))
    )
}

function limitsRates(rules: Json): boolean {
  return isList(rules) && rules.some((rule) => isPresent(at(rule, 'statement.0.rate_based_statement')))
}

/** Blocks paths of administration, unless the address is in a set. */
function guardsAdministration(rules: Json): boolean {
  return (
    isList(rules) &&
    rules.some((rule) => {
      const parts = list(rule, 'statement.0.and_statement.0.statement')
      const ofAdmin = parts.some((part) =>
        String(at(part, 'byte_match_statement.0.search_string')).startsWith('/api/admin')
      )
      const notFrom = parts.some((part) =>
        isPresent(at(part, 'not_statement.0.statement.0.ip_set_reference_statement'))
      )
      return isPresent(at(rule, 'action.0.block')) && ofAdmin && notFrom
    })
  )
}

function evicts(parameters: Json): boolean {
  return (
    isList(parameters) &&
    parameters.some((one) => at(one, 'name') === 'maxmemory-policy' && at(one, 'value') === 'allkeys-lru')
  )
}

/** A policy's JSON; null where it is none. */
function parsed(policy: Json): Json {
  if (typeof policy !== 'string') return null
  try {
    return JSON.parse(policy)
  } catch {
    return null
  }
}
