# Shapes alone: what is allowed is said once, in the root's variables.

variable "name" {
  description = "Prefix of all names, such as `turno-production`."
  type        = string
}

variable "tags" {
  description = "Tags of instances and volumes."
  type        = map(string)
}

variable "serving" {
  description = "Whether this is the region that serves."
  type        = bool
}

variable "certificate_arn" {
  description = "Validated certificate of the public name, in this region."
  type        = string
}

variable "source_database_arn" {
  description = "ARN of the other region's primary to follow; null: the primary is here."
  type        = string
  default     = null
}

variable "copy_vault_arn" {
  description = "Backup vault of the other region for a daily copy; null: none."
  type        = string
  default     = null
}

variable "release" {
  description = "What to run; null: nothing yet."
  type        = object({ version = string, sha256 = string })
}

variable "network" {
  description = "Address block, NAT, and AWS services to reach by interface endpoints."
  type        = object({ cidr = string, nat = string, interface_endpoints = set(string) })
}

variable "fleet" {
  description = "Kind and number of instances."
  type = object({
    image_id                     = optional(string)
    instance_type                = string
    min_size                     = number
    max_size                     = number
    cpu_percent                  = number
    requests_per_target          = number
    max_instance_lifetime_days   = number
    deregistration_delay_seconds = number
  })
}

variable "rollout" {
  description = "How a release goes out, and when it is taken back."
  type = object({
    checkpoint_percentages   = list(number)
    checkpoint_delay_seconds = number
    error_percent            = number
    error_guard_requests     = number
  })
}

variable "service" {
  description = "Settings of each process."
  type = object({
    mysql_pool_size          = number
    redis_command_timeout_ms = number
    l1_bytes                 = number
    drain_ms                 = number
    shutdown_ms              = number
    log_level                = string
    settings                 = map(string)
  })
}

variable "admin_networks" {
  description = "Networks from which administrators come."
  type        = set(string)
}

variable "database" {
  description = "MySQL: sizes and safety."
  type = object({
    engine_version        = string
    instance_class        = string
    replica_class         = string
    replicas              = number
    multi_az              = bool
    storage_gib           = number
    max_storage_gib       = number
    max_connections       = number
    backup_retention_days = number
  })
}

variable "cache" {
  description = "Valkey: kind and number of nodes."
  type        = object({ node_type = string, nodes = number })
}

variable "alarm_emails" {
  description = "Addresses that alarms are mailed to."
  type        = set(string)
}

variable "latency_p95_seconds" {
  description = "Latency that 95 of 100 requests have to stay below, seconds."
  type        = number
}

variable "log_retention_days" {
  description = "How long logs are kept, days."
  type        = number
}

variable "deletion_protection" {
  description = "Refuses to delete the database and the load balancer."
  type        = bool
}
