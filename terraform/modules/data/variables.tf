variable "name" {
  description = "Prefix of all names, such as `turno-production`."
  type        = string
}

variable "region" {
  description = "Region, in the names of what IAM keeps for all regions."
  type        = string
}

variable "partition" {
  description = "AWS partition of ARNs, such as `aws`."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the database."
  type        = string
}

variable "subnet_ids" {
  description = "Data subnets by zone."
  type        = map(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Multi-AZ needs subnets in two zones or more."
  }
}

variable "client_security_group_id" {
  description = "Security group of whoever may connect."
  type        = string
}

variable "kms_key_arn" {
  description = "Key for storage, snapshots, logs and documents."
  type        = string
}

variable "alarm_topic_arn" {
  description = "Where failovers, failures and lagging replicas are told."
  type        = string
}

variable "source_arn" {
  description = "ARN of the other region's primary to follow; null: this is the primary."
  type        = string
  default     = null
}

variable "copy_vault_arn" {
  description = "Backup vault of another region for a daily copy; null: none."
  type        = string
  default     = null
}

variable "engine_version" {
  description = "MySQL version; 8.4 follows the newest minor."
  type        = string
}

variable "instance_class" {
  description = "Class of the primary."
  type        = string
}

variable "replica_class" {
  description = "Class of each replica."
  type        = string
}

variable "replicas" {
  description = "How many replicas."
  type        = number

  validation {
    # Of one source, RDS for MySQL; beyond it, replicas would have to follow replicas.
    condition     = var.replicas >= 0 && var.replicas <= 15 && floor(var.replicas) == var.replicas
    error_message = "Between 0 and 15 replicas."
  }
}

variable "multi_az" {
  description = "A synchronous standby in another zone."
  type        = bool
}

variable "storage_gib" {
  description = "Storage to begin with, GiB."
  type        = number
}

variable "max_storage_gib" {
  description = "What storage may grow to by itself, GiB."
  type        = number

  validation {
    condition     = var.max_storage_gib >= ceil(var.storage_gib * 1.1)
    error_message = "RDS wants the limit of storage at least a tenth above where it begins."
  }
}

variable "max_connections" {
  description = "Connections each server accepts."
  type        = number
}

variable "backup_retention_days" {
  description = "Days that can be restored to any moment of."
  type        = number

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "Between 1 and 35 days: without backups there is no point-in-time recovery, and no replica."
  }
}

variable "deletion_protection" {
  description = "Refuses to delete the primary, and leaves a last snapshot."
  type        = bool
}
