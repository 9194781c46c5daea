output "address" {
  description = "Name that always leads to the primary."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "replication_group_id" {
  description = "The replication group."
  value       = aws_elasticache_replication_group.this.replication_group_id
}

output "node_ids" {
  description = "Its nodes, as metrics name them."
  # Numbered by ElastiCache from the group's id; spelt out because a plan has to know them for the alarms.
  value = [for number in range(1, var.nodes + 1) : format("%s-%03d", var.name, number)]
}

output "user_id" {
  description = "The service's user, to be given its password outside Terraform."
  value       = aws_elasticache_user.service.user_id
}
