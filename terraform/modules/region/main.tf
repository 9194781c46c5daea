# All that Turno needs in one region. The root has one such block for the region that serves and, if wanted, a second
# for one that stands by: data follows across, everything else is there, and no instance runs until it is to serve.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  region     = data.aws_region.current.region
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
}

module "network" {
  source = "../network"

  name                = var.name
  cidr                = var.network.cidr
  nat                 = var.network.nat
  interface_endpoints = var.network.interface_endpoints
  log_bucket_arn      = module.observability.log_bucket.arn
}

module "data" {
  source = "../data"

  name                     = var.name
  region                   = local.region
  partition                = local.partition
  vpc_id                   = module.network.vpc_id
  subnet_ids               = module.network.data_subnet_ids
  client_security_group_id = module.service.instance_security_group_id
  kms_key_arn              = aws_kms_key.this.arn
  alarm_topic_arn          = module.observability.alarm_topic_arn
  source_arn               = var.source_database_arn
  copy_vault_arn           = var.copy_vault_arn
  engine_version           = var.database.engine_version
  instance_class           = var.database.instance_class
  replica_class            = var.database.replica_class
  # Those of a region that stands by would be paid for and asked by nobody.
  replicas              = var.serving ? var.database.replicas : 0
  multi_az              = var.database.multi_az
  storage_gib           = var.database.storage_gib
  max_storage_gib       = var.database.max_storage_gib
  max_connections       = var.database.max_connections
  backup_retention_days = var.database.backup_retention_days
  deletion_protection   = var.deletion_protection
}

module "cache" {
  source = "../cache"

  name                     = var.name
  vpc_id                   = module.network.vpc_id
  subnet_ids               = module.network.data_subnet_ids
  client_security_group_id = module.service.instance_security_group_id
  kms_key_arn              = aws_kms_key.this.arn
  alarm_topic_arn          = module.observability.alarm_topic_arn
  node_type                = var.cache.node_type
  nodes                    = var.cache.nodes
}

module "service" {
  source = "../service"

  name                         = var.name
  region                       = local.region
  partition                    = local.partition
  account_id                   = local.account_id
  tags                         = var.tags
  vpc_id                       = module.network.vpc_id
  vpc_cidr                     = module.network.cidr
  subnet_ids                   = module.network.application_subnet_ids
  certificate_arn              = var.certificate_arn
  kms_key_arn                  = aws_kms_key.this.arn
  log_bucket                   = module.observability.log_bucket.name
  log_retention_days           = var.log_retention_days
  alarm_topic_arn              = module.observability.alarm_topic_arn
  documents_bucket_arn         = module.data.documents_bucket.arn
  mysql_primary_address        = module.data.primary.address
  mysql_replica_addresses      = [for replica in module.data.replicas : replica.address]
  redis_address                = module.cache.address
  serving                      = var.serving
  release                      = var.release
  image_id                     = var.fleet.image_id
  instance_type                = var.fleet.instance_type
  min_size                     = var.fleet.min_size
  max_size                     = var.fleet.max_size
  cpu_percent                  = var.fleet.cpu_percent
  requests_per_target          = var.fleet.requests_per_target
  max_instance_lifetime_days   = var.fleet.max_instance_lifetime_days
  deregistration_delay_seconds = var.fleet.deregistration_delay_seconds
  checkpoint_percentages       = var.rollout.checkpoint_percentages
  checkpoint_delay_seconds     = var.rollout.checkpoint_delay_seconds
  error_percent                = var.rollout.error_percent
  error_guard_requests         = var.rollout.error_guard_requests
  admin_networks               = var.admin_networks
  mysql_pool_size              = var.service.mysql_pool_size
  redis_command_timeout_ms     = var.service.redis_command_timeout_ms
  l1_bytes                     = var.service.l1_bytes
  drain_ms                     = var.service.drain_ms
  shutdown_ms                  = var.service.shutdown_ms
  log_level                    = var.service.log_level
  settings                     = var.service.settings
  deletion_protection          = var.deletion_protection
}

module "observability" {
  source = "../observability"

  name                    = var.name
  region                  = local.region
  account_id              = local.account_id
  kms_key_arn             = aws_kms_key.this.arn
  alarm_emails            = var.alarm_emails
  log_retention_days      = var.log_retention_days
  serving                 = var.serving && var.release != null
  balancer_arn_suffix     = module.service.balancer.arn_suffix
  target_group_arn_suffix = module.service.target_group_arn_suffix
  group_name              = module.service.group_name
  max_size                = var.fleet.max_size
  latency_p95_seconds     = var.latency_p95_seconds
  primary_identifier      = module.data.primary.identifier
  replica_identifiers     = [for replica in module.data.replicas : replica.identifier]
  max_connections         = var.database.max_connections
  max_lag_seconds         = ceil(tonumber(lookup(var.service.settings, "MYSQL_MAX_LAG_MS", "5000")) / 1000)
  cache_node_ids          = module.cache.node_ids
}
