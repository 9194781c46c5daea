output "balancer" {
  description = "The load balancer, as CloudFront's origin."
  value       = module.service.balancer
}

output "primary_database" {
  description = "The primary database, or what follows it from here."
  value       = module.data.primary
}

output "replica_addresses" {
  description = "Addresses of the replicas."
  value       = [for replica in module.data.replicas : replica.address]
}

output "redis_address" {
  description = "Address of Valkey's primary."
  value       = module.cache.address
}

output "redis_user_id" {
  description = "Valkey's user, to be given its password."
  value       = module.cache.user_id
}

output "operator_secret_arn" {
  description = "Secret that RDS keeps for the database's operator."
  value       = module.data.operator_secret_arn
}

output "secret_name" {
  description = "Where the service's secrets are put."
  value       = module.service.secret_name
}

output "releases_bucket" {
  description = "Where releases are put."
  value       = module.service.releases_bucket
}

output "documents_bucket" {
  description = "Bucket of documents."
  value       = module.data.documents_bucket.name
}

output "group_name" {
  description = "The autoscaling group."
  value       = module.service.group_name
}

output "error_rate" {
  description = "The alarm that rolls back, and its formula."
  value       = module.service.error_rate
}

output "log_bucket_arn" {
  description = "Bucket of access logs."
  value       = module.observability.log_bucket.arn
}

output "log_groups" {
  description = "Logs of service, nginx and boot."
  value       = module.service.log_groups
}

output "alarm_topic_arn" {
  description = "Topic of the region's alarms."
  value       = module.observability.alarm_topic_arn
}

output "backup_vault_arn" {
  description = "Vault of the region's backups."
  value       = module.data.backup_vault_arn
}

output "dashboard_name" {
  description = "The dashboard."
  value       = module.observability.dashboard_name
}

output "nat_addresses" {
  description = "Public addresses that outgoing requests come from."
  value       = module.network.nat_addresses
}
