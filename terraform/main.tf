# Turno in the cloud. `primary` is the region that serves; `standby`, where wanted, follows it and takes over when
# `serving` is changed (README.md, "Lose a region"). The cache protocol knows one primary database and one Valkey, so
# two regions never serve at once.

module "primary" {
  source = "./modules/region"

  name                = local.name
  tags                = local.tags
  serving             = var.serving == "primary"
  certificate_arn     = aws_acm_certificate_validation.primary.certificate_arn
  copy_vault_arn      = one(module.standby[*].backup_vault_arn)
  release             = var.release
  network             = var.network
  fleet               = var.fleet
  rollout             = var.rollout
  service             = var.service
  admin_networks      = var.edge.admin_networks
  database            = var.database
  cache               = var.cache
  alarm_emails        = var.alarm_emails
  latency_p95_seconds = var.latency_p95_seconds
  log_retention_days  = var.log_retention_days
  deletion_protection = var.deletion_protection
}

module "standby" {
  source = "./modules/region"
  count  = var.standby == null ? 0 : 1

  providers = {
    aws = aws.standby
  }

  name            = local.name
  tags            = local.tags
  serving         = var.serving == "standby"
  certificate_arn = one(aws_acm_certificate_validation.standby[*].certificate_arn)
  # No longer following is being promoted: what had not arrived by then is lost.
  source_database_arn = var.serving == "standby" ? null : module.primary.primary_database.arn
  release             = var.release
  network             = merge(var.network, { cidr = var.standby.cidr })
  fleet               = var.fleet
  rollout             = var.rollout
  service             = var.service
  admin_networks      = var.edge.admin_networks
  database            = var.database
  cache               = var.cache
  alarm_emails        = var.alarm_emails
  latency_p95_seconds = var.latency_p95_seconds
  log_retention_days  = var.log_retention_days
  deletion_protection = var.deletion_protection
}

module "edge" {
  source = "./modules/edge"

  name                = local.name
  partition           = data.aws_partition.current.partition
  account_id          = data.aws_caller_identity.current.account_id
  domain_name         = var.domain_name
  zone_id             = data.aws_route53_zone.this.zone_id
  certificate_arn     = aws_acm_certificate_validation.edge.certificate_arn
  serving             = var.serving
  origins             = local.origins
  admin_networks      = var.edge.admin_networks
  admin_paths         = var.edge.admin_paths
  requests_per_minute = var.edge.requests_per_minute
  price_class         = var.edge.price_class
  max_age_seconds     = var.edge.max_age_seconds
  error_percent       = var.rollout.error_percent
  alarm_emails        = var.alarm_emails
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  origins = merge(
    {
      primary = {
        region         = var.region
        arn            = module.primary.balancer.arn
        address        = module.primary.balancer.address
        log_bucket_arn = module.primary.log_bucket_arn
      }
    },
    { for standby in module.standby : "standby" => {
      region         = local.standby_region
      arn            = standby.balancer.arn
      address        = standby.balancer.address
      log_bucket_arn = standby.log_bucket_arn
    } },
  )
}
