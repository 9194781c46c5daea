// The provider before the real terraform, on a configuration of a few resources.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { errorsOfValidate } from '../../terraform/testing/diagnostics.ts'
import { at, type Json, type Plan } from '../../terraform/testing/plan.ts'
import { typesUsed } from '../../terraform/testing/schema/extract.ts'
import { awsSchema, schemaFile } from '../../terraform/testing/schema/schema.ts'
import { attachTerraform, hclDirectory } from '../../terraform/testing/terraform.ts'
import { skip } from './fixture.ts'

const head = `
  terraform {
    required_providers {
      aws = { source = "hashicorp/aws" }
    }
  }
  provider "aws" {
    region = "eu-west-1"
    default_tags {
      tags = { Project = "turno", Owner = "nobody" }
    }
  }
`

const fleet = `${head}
  data "aws_availability_zones" "here" {}
  resource "aws_acm_certificate" "this" {
    domain_name       = "api.example.com"
    validation_method = "DNS"
  }
  resource "aws_route53_record" "validation" {
    for_each = { for one in aws_acm_certificate.this.domain_validation_options : one.domain_name => one }
    zone_id  = "Z1"
    name     = each.value.resource_record_name
    type     = each.value.resource_record_type
    records  = [each.value.resource_record_value]
    ttl      = 60
  }
  resource "aws_lb_target_group" "this" {
    for_each = toset(data.aws_availability_zones.here.names)
    name     = "turno-\${each.key}"
    port     = 80
    protocol = "HTTP"
    vpc_id   = "vpc-1"
    tags     = { Owner = "us" }
  }
  resource "aws_s3_bucket" "this" {}
  data "aws_iam_policy_document" "this" {
    statement {
      actions   = ["s3:GetObject"]
      resources = [aws_s3_bucket.this.arn]
    }
  }
  resource "aws_s3_bucket_policy" "this" {
    bucket = aws_s3_bucket.this.id
    policy = data.aws_iam_policy_document.this.json
  }
`

t.test('terraform plans, applies and finds nothing more to do', { skip }, async (t) => {
  const terraform = await attachTerraform()
  t.teardown(() => terraform.close())
  const copy = await terraform.copyOf(t.testdir({ 'main.tf': fleet, 'none.tfvars': '' }))
  const run = async (...command: string[]) => terraform.run(copy, [...command, '-no-color'])
  t.match(await run('init'), { code: 0 })

  const foreseen: Plan = await terraform.foresee(copy, ['none.tfvars'])
  const after = (address: string): Json =>
    foreseen.resource_changes.find((one) => one.address === address)?.change.after ?? null
  t.match(at(after('aws_s3_bucket.this'), 'arn'), /^arn:aws:s3:/, 'with foresight an ARN is in the plan')
  const group = after('aws_lb_target_group.this["eu-west-1b"]')
  t.same(at(group, 'tags_all'), { Project: 'turno', Owner: 'us' }, "its own tags win over the provider's")
  t.equal(at(group, 'region'), 'eu-west-1')

  const unforeseen = await run('plan')
  t.match(unforeseen.out, /\+ arn += \(known after apply\)/, 'without, it is known after apply')
  t.match(unforeseen.out, /aws_route53_record\.validation\["api\.example\.com"\]/)

  t.match(await run('apply', '-auto-approve'), { code: 0 })
  t.match(await run('plan', '-detailed-exitcode'), { code: 0, out: /No changes/ })
  const { out } = await terraform.run(copy, ['show', '-json'])
  t.match(out, /"policy":"\{[^}]*s3:GetObject/, 'a policy document becomes the JSON that IAM takes')
})

t.test('what AWS would refuse is refused, where it stands', { skip }, async (t) => {
  const terraform = await attachTerraform()
  t.teardown(() => terraform.close())
  const wrong = `${head}
resource "aws_lb_target_group" "this" {
  health_check {
    timeout  = 30
    interval = 30
  }
}
resource "aws_lb" "this" {
  name = null
  arn  = "mine"
}
resource "aws_lb_listener" "this" {
  load_balancer_arn = null
  default_action {
    type = "forward"
  }
}
`
  const copy = await terraform.copyOf(t.testdir({ 'main.tf': wrong }))
  await terraform.run(copy, ['init'])
  const { out } = await terraform.run(copy, ['validate', '-json'])
  const lines = wrong.split('\n')
  const said = errorsOfValidate(out, copy).map(({ line, summary }) => [lines[line - 1]?.trim(), summary])
  t.same(said.sort(), [
    ['arn  = "mine"', 'Value for unconfigurable attribute'],
    ['load_balancer_arn = null', 'Missing required argument'],
    ['timeout  = 30', 'Invalid timeout']
  ])
})

t.test('the schema has every type that the HCL uses, and says where it comes from', async (t) => {
  const schema = awsSchema()
  const used = typesUsed(hclDirectory)
  const missing = [
    ...used.resources.filter((type) => !schema.resources[type]),
    ...used.dataSources.filter((type) => !schema.dataSources[type])
  ]
  t.same(missing, [], 'npm run tf:schema extracts them')
  const { source, licence } = JSON.parse(readFileSync(schemaFile, 'utf8'))
  t.match(source, /@cdktf\/provider-aws \d/)
  t.match(licence, /MPL-2\.0/)
})
