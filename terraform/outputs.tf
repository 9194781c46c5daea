output "url" {
  description = "Where the API is."
  value       = "https://${var.domain_name}"
}

output "distribution" {
  description = "CloudFront: its id for invalidations, its own name, and the region's role it asks."
  value       = module.edge.distribution
}

output "firewall_arn" {
  description = "The web ACL in front."
  value       = module.edge.firewall_arn
}

output "primary" {
  description = "The primary region: what a runbook needs to know of it."
  value       = merge({ region = var.region }, { for name, value in module.primary : name => value if contains(local.shown, name) })
}

output "standby" {
  description = "The same of the standby region; null without one."
  value       = one([for standby in module.standby : merge({ region = local.standby_region }, { for name, value in standby : name => value if contains(local.shown, name) })])
}

output "connections_at_most" {
  description = "Connections that the largest fleet opens on the primary, of how many it accepts."
  value       = { used = local.connections_at_most, accepted = var.database.max_connections }
}

locals {
  shown = [
    "balancer", "primary_database", "replica_addresses", "redis_address", "redis_user_id", "operator_secret_arn", "secret_name",
    "releases_bucket", "documents_bucket", "group_name", "error_rate", "log_groups", "alarm_topic_arn", "backup_vault_arn",
    "dashboard_name", "nat_addresses",
  ]
}
