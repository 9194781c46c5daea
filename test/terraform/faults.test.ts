// Mistakes that people make, each put into a copy of the HCL: what is caught, by whom, and in which line.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { atMostTwo } from '../../terraform/testing/cases.ts'
import { type Diagnostic, errorsOfPlan, errorsOfValidate } from '../../terraform/testing/diagnostics.ts'
import { environmentsIn } from '../../terraform/testing/environments.ts'
import { type Finding, PlannedFleet } from '../../terraform/testing/plan.ts'
import { policies } from '../../terraform/testing/policies.ts'
import { initialised, skip } from './fixture.ts'

/**
 * A mistake: in this file, what stands there once becomes something else. `line`: text of the line that is named,
 * where it is not the first that changes; `lineIn`: the file of that line, where it is another.
 */
type Fault = {
  mistake: string
  file: string
  instead: string
  write: string
  says: RegExp
  line?: string
  lineIn?: string
}

const balancer = 'modules/service/load-balancer.tf'
const fleet = 'modules/service/main.tf'
const database = 'modules/data/main.tf'

/** Found by terraform itself, or by our provider, before there is a plan. */
const invalid: readonly Fault[] = [
  {
    mistake: 'an argument that does not exist',
    file: balancer,
    instead: 'idle_timeout  ',
    write: 'idle_timeouts  ',
    says: /Unsupported argument/
  },
  {
    mistake: 'an argument that is missing',
    file: fleet,
    instead: '  max_size            = local.max_size\n',
    write: '',
    line: 'resource "aws_autoscaling_group" "this" {',
    says: /Missing required argument.*"max_size"/
  },
  {
    mistake: 'a block that does not exist',
    file: balancer,
    instead: '  health_check {',
    write: '  healthcheck {',
    says: /Unsupported block type/
  },
  {
    mistake: 'a block twice that may be there once',
    file: fleet,
    instead: '  initial_lifecycle_hook {',
    write:
      '  instance_maintenance_policy { # again\n    min_healthy_percentage = 90\n    max_healthy_percentage = 110\n  }\n  initial_lifecycle_hook {',
    says: /Too many instance_maintenance_policy blocks/
  },
  {
    mistake: 'a type of resource that does not exist',
    file: balancer,
    instead: 'resource "aws_lb_listener" "https"',
    write: 'resource "aws_lb_listeners" "https"',
    says: /Invalid resource type/
  },
  {
    mistake: 'a resource that is not declared',
    file: balancer,
    instead: '[aws_security_group.balancer.id]',
    write: '[aws_security_group.balancers.id]',
    says: /Reference to undeclared resource/
  },
  {
    mistake: 'a variable that is not declared',
    file: balancer,
    instead: 'var.log_bucket',
    write: 'var.logs_bucket',
    says: /Reference to undeclared input variable/
  },
  {
    mistake: 'an attribute that the resource does not have',
    file: balancer,
    instead: 'load_balancer_arn = aws_lb.this.arn',
    write: 'load_balancer_arn = aws_lb.this.arm',
    says: /Unsupported attribute/
  },
  {
    mistake: 'words where a number belongs',
    file: balancer,
    instead: 'idle_timeout                     = 60',
    write: 'idle_timeout                     = "a minute"',
    says: /a number is required/
  },
  {
    mistake: 'a list where one thing belongs',
    file: balancer,
    instead: '"ELBSecurityPolicy-TLS13-1-2-2021-06"',
    write: '["ELBSecurityPolicy-TLS13-1-2-2021-06"]',
    says: /Inappropriate value.*string required/
  },
  {
    mistake: 'two groups that wait for each other',
    file: balancer,
    instead: 'resource "aws_security_group" "balancer" {\n',
    write:
      'resource "aws_security_group" "balancer" {\n  depends_on = [aws_vpc_security_group_ingress_rule.balancer]\n',
    line: 'resource "aws_security_group" "balancer" {',
    says: /Cycle/
  },
  {
    mistake: 'a function that does not exist',
    file: fleet,
    instead: 'toset(["instance", "volume"])',
    write: 'to_set(["instance", "volume"])',
    says: /Call to unknown function/
  },
  {
    mistake: 'an argument that the module does not take',
    file: 'main.tf',
    instead: '  copy_vault_arn      = one(',
    write: '  copy_vaults_arn      = one(',
    says: /Unsupported argument/
  },
  {
    mistake: 'an output that the module does not have',
    file: 'main.tf',
    instead: 'module.primary.log_bucket_arn',
    write: 'module.primary.logs_bucket_arn',
    says: /Unsupported attribute/
  },
  {
    mistake: 'a value that AWS decides',
    file: balancer,
    instead: '  internal           = true',
    write:
      '  arn                = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/a/b"\n  internal           = true',
    says: /unconfigurable|[Cc]an't configure|cannot be configured|Invalid or unknown key/
  },
  {
    mistake: 'a mode that AWS does not know',
    file: balancer,
    instead: '"strictest"',
    write: '"strict"',
    says: /Invalid desync_mitigation_mode.*monitor, defensive, strictest/
  },
  {
    mistake: 'a kind of storage that AWS does not know',
    file: 'modules/service/main.tf',
    instead: '      volume_type           = "gp3"',
    write: '      volume_type           = "gp9"',
    says: /Invalid volume_type/
  },
  {
    mistake: 'a name of more than 32 characters',
    file: balancer,
    instead: 'resource "aws_lb" "this" {\n  name               = var.name',
    write: 'resource "aws_lb" "this" {\n  name               = "the-load-balancer-of-turno-production"',
    line: '  name               = "the-load-balancer-of-turno-production"',
    says: /Invalid length of name.*1 to 32/
  },
  {
    mistake: 'a health check that ends after the next one begins',
    file: balancer,
    instead: 'interval = 10, timeout = 4',
    write: 'interval = 10, timeout = 12',
    line: '    timeout             = local.health_check.timeout',
    says: /timeout \(12\) is not below interval \(10\)/
  },
  {
    mistake: 'slow_start with an algorithm that refuses it',
    file: balancer,
    instead: '  load_balancing_algorithm_type = "least_outstanding_requests"',
    write: '  slow_start = 60\n  load_balancing_algorithm_type = "least_outstanding_requests"',
    says: /slow_start needs round_robin/
  },
  {
    mistake: '$Latest, which switches the roll back off',
    file: fleet,
    instead: 'version = aws_launch_template.this.latest_version',
    write: 'version = "$Latest"',
    says: /Roll back needs a version/
  },
  {
    mistake: 'checkpoints out of order',
    file: fleet,
    instead: 'checkpoint_percentages = var.checkpoint_percentages',
    write: 'checkpoint_percentages = [5, 50, 25, 100]',
    says: /Checkpoints out of order/
  },
  {
    mistake: 'a retention that CloudWatch does not offer',
    file: 'modules/cache/main.tf',
    instead: 'retention_in_days = 14',
    write: 'retention_in_days = 15',
    says: /Invalid retention_in_days/
  }
]

/** Found when values are put in: by a template, a precondition, a variable's own validation. */
const unplannable: readonly Fault[] = [
  {
    mistake: 'a template without one of its values',
    file: 'modules/service/user-data.tf',
    instead: '    hook         = local.drain_hook\n',
    write: '',
    line: '  user_data = templatefile(',
    says: /"hook"/
  },
  {
    mistake: 'a drain that ends before the balancer has noticed',
    file: 'variables.tf',
    instead: 'drain_ms                 = optional(number, 25000)',
    write: 'drain_ms                 = optional(number, 5000)',
    line: 'condition     = var.drain_ms >=',
    lineIn: fleet,
    says: /DRAIN_MS \(5000\) ends before the load balancer has noticed/
  }
]

/** Sound to terraform, and wrong. All are put into one copy: each touches another argument. */
const against: readonly (Fault & { address: string })[] = [
  {
    mistake: 'the balancer asks whether the process lives',
    file: balancer,
    instead: '"/health/ready"',
    write: '"/health/live"',
    address: 'module.primary.module.service.aws_lb_target_group.this',
    says: /does not ask \/health\/ready/
  },
  {
    mistake: 'the balancer is open to the world',
    file: balancer,
    instead: '  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront.id',
    write: '  cidr_ipv4         = "0.0.0.0/0"',
    address: 'module.primary.module.service.aws_vpc_security_group_ingress_rule.balancer',
    says: /is open to everybody/
  },
  {
    mistake: 'a listener in the clear',
    file: balancer,
    instead: '  protocol          = "HTTPS"',
    write: '  protocol          = "HTTP"',
    address: 'module.primary.module.service.aws_lb_listener.https',
    says: /speaks in the clear/
  },
  {
    mistake: 'a secret in the default of a variable',
    file: 'variables.tf',
    instead: 'variable "alarm_emails" {',
    write:
      'variable "mail_password" {\n  description = "."\n  type        = string\n  default     = "correct horse"\n}\n\nvariable "alarm_emails" {',
    line: '  default     = "correct horse"',
    address: 'var.mail_password',
    says: /a secret that everybody can read/
  },
  {
    mistake: 'a password that would lie in the state',
    file: 'modules/cache/main.tf',
    instead: '  no_password_required = true',
    write: '  passwords            = ["correct horse battery"]',
    address: 'module.primary.module.cache.aws_elasticache_user.service',
    says: /passwords would be in the state/
  },
  {
    mistake: 'a cache that may be spoken to in the clear',
    file: 'modules/cache/main.tf',
    instead: '"required"',
    write: '"preferred"',
    address: 'module.primary.module.cache.aws_elasticache_replication_group.this',
    says: /may speak in the clear/
  },
  {
    mistake: 'a database that is not encrypted',
    file: database,
    instead: '  storage_encrypted     = true\n  kms_key_id            = var.kms_key_arn',
    write: '  storage_encrypted     = false\n  kms_key_id            = var.kms_key_arn',
    address: 'module.primary.module.data.aws_db_instance.primary',
    says: /is not encrypted/
  },
  {
    mistake: 'a database that is deleted by a mistyped plan',
    file: database,
    instead: '  deletion_protection       = var.deletion_protection',
    write: '  deletion_protection       = false',
    address: 'module.primary.module.data.aws_db_instance.primary',
    says: /can be deleted/
  },
  {
    mistake: 'backups of three days',
    file: database,
    instead: '  backup_retention_period  = var.backup_retention_days',
    write: '  backup_retention_period  = 3',
    address: 'module.primary.module.data.aws_db_instance.primary',
    says: /forgets within two weeks/
  },
  {
    mistake: 'a binary log of statements',
    file: 'modules/data/parameters.tf',
    instead: '"ROW"',
    write: '"STATEMENT"',
    line: '  dynamic "parameter" {',
    address: 'module.primary.module.data.aws_db_parameter_group.this',
    says: /without binlog_format = ROW/
  },
  {
    mistake: 'a bucket that may be made public',
    file: 'modules/data/documents.tf',
    instead: '  block_public_policy     = true',
    write: '  block_public_policy     = false',
    address: 'module.primary.module.data.aws_s3_bucket_public_access_block.documents',
    says: /leaves a way to make the bucket public/
  },
  {
    mistake: 'metadata that answers without a token',
    file: fleet,
    instead: '= "required"',
    write: '= "optional"',
    address: 'module.primary.module.service.aws_launch_template.this',
    says: /answers without a token/
  },
  {
    mistake: 'disks without tags',
    file: fleet,
    instead: 'toset(["instance", "volume"])',
    write: 'toset(["instance"])',
    line: '  dynamic "tag_specifications" {',
    address: 'module.primary.module.service.aws_launch_template.this',
    says: /does not tag what it launches/
  },
  {
    mistake: 'instances that nobody lets drain',
    file: fleet,
    instead: '"autoscaling:EC2_INSTANCE_TERMINATING"',
    write: '"autoscaling:EC2_INSTANCE_LAUNCHING"',
    line: '  initial_lifecycle_hook {',
    address: 'module.primary.module.service.aws_autoscaling_group.this',
    says: /does not wait for the drain/
  },
  {
    mistake: 'a release that nothing takes back',
    file: fleet,
    instead: 'auto_rollback          = true',
    write: 'auto_rollback          = false',
    address: 'module.primary.module.service.aws_autoscaling_group.this',
    says: /does not roll back/
  },
  {
    mistake: 'an alarm that nobody hears',
    file: 'modules/service/rollback-alarm.tf',
    instead: '  alarm_actions = [var.alarm_topic_arn]',
    write: '  alarm_actions = []',
    address: 'module.primary.module.service.aws_cloudwatch_metric_alarm.error_rate',
    says: /reaches nobody/
  },
  {
    mistake: 'a setting that the service does not know',
    file: 'modules/service/user-data.tf',
    instead: 'CACHE_L1_BYTES  ',
    write: 'CACHE_L1_BYTE  ',
    line: '  user_data              = base64encode(local.user_data)',
    lineIn: fleet,
    address: 'module.primary.module.service.aws_launch_template.this',
    says: /CACHE_L1_BYTE is no setting of src\/config\.ts/
  },
  {
    mistake: 'a way out that all zones share',
    file: 'variables.tf',
    instead: 'optional(string, "per-zone")',
    write: 'optional(string, "single")',
    line: 'resource "aws_vpc" "this" {',
    lineIn: 'modules/network/main.tf',
    address: 'module.primary.module.network.aws_vpc.this',
    says: /fewer than three NAT gateways/
  },
  {
    mistake: 'an entrance to administration for everybody',
    file: 'modules/edge/firewall.tf',
    instead: 'search_string         = rule.key',
    write: 'search_string         = "/admin"',
    line: '  dynamic "rule" {',
    address: 'module.edge.aws_wafv2_web_acl.this',
    says: /lets everybody at \/api\/admin/
  }
]

t.test('each of these mistakes is caught, with its file and line', { skip }, async (t) => {
  const { terraform, root } = await initialised(t)
  const production = environmentsIn(root).find(({ name }) => name === 'production')
  if (production === undefined) throw new Error('there is no production')
  const { variablesFiles } = production

  const caught = atMostTwo([
    ...invalid.map((fault) => () => errorsAfter(fault, ['validate', '-json', '-no-tests'], errorsOfValidate)),
    ...unplannable.map((fault) => () => {
      const variables = variablesFiles.map((file) => `-var-file=${file.replace(root, '.')}`)
      return errorsAfter(fault, ['plan', '-json', '-lock=false', ...variables], errorsOfPlan)
    })
  ])
  for (const [place, fault] of [...invalid, ...unplannable].entries()) {
    await t.test(fault.mistake, async (t) => {
      const { errors, place: at } = await (caught[place] ?? Promise.reject(new Error('not run')))
      const isIt = ({ file, line, summary, detail }: Diagnostic) =>
        file === at.file &&
        line === at.line &&
        fault.says.test(`${summary} ${detail}`.replaceAll(/\s+/g, ' '))
      t.ok(errors.some(isIt), `${at.file}:${at.line}`, { found: errors })
    })
  }

  await t.test('against a policy', async (t) => {
    const copy = await terraform.copyOf(root)
    for (const fault of against) mistaken(copy, fault)
    const moved = variablesFiles.map((file) => file.replace(root, copy))
    const fleet = new PlannedFleet(await terraform.foresee(copy, moved), copy)
    const findings: Finding[] = policies.flatMap(({ check }) => check(fleet))
    for (const { address, ...fault } of against) {
      const { file, line } = placeOf(copy, fault)
      const about = findings.filter((one) => one.address === address && fault.says.test(one.message))
      const hit = about.some((one) => one.file === file && one.line === line)
      t.ok(hit, `${fault.mistake}: ${file}:${line}`, { found: about })
    }
  })

  async function errorsAfter(
    fault: Fault,
    command: readonly string[],
    errorsOf: (output: string, directory: string) => Diagnostic[]
  ): Promise<{ errors: Diagnostic[]; place: Place }> {
    const copy = await terraform.copyOf(root)
    mistaken(copy, fault)
    const { out } = await terraform.run(copy, command)
    return { errors: errorsOf(out, copy), place: placeOf(copy, fault) }
  }
})

/** Makes the mistake in a copy. What is to be changed has to stand there once. */
function mistaken(copy: string, { mistake, file, instead, write }: Fault): void {
  const text = readFileSync(join(copy, file), 'utf8')
  if (text.split(instead).length !== 2)
    throw new Error(`terraform/${file} does not hold once what "${mistake}" changes: ${instead}`)
  writeFileSync(
    join(copy, file),
    text.replace(instead, () => write)
  )
}

/** The first line of what is written that was not there before. */
function firstChange({ write, instead }: Pick<Fault, 'write' | 'instead'>): string {
  const before = instead.split('\n')
  return write.split('\n').find((line, place) => line !== before[place]) ?? write
}

type Place = { file: string; line: number }

/** Where the mistake has to be named, in the copy in which it was made. */
function placeOf(copy: string, { line, lineIn, ...fault }: Fault): Place {
  const file = lineIn ?? fault.file
  const text = line ?? firstChange(fault)
  const lines = readFileSync(join(copy, file), 'utf8').split('\n')
  return { file, line: lines.findIndex((one) => one.includes(text)) + 1 }
}
