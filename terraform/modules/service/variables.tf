variable "name" {
  description = "Prefix of all names, such as `turno-production`."
  type        = string

  validation {
    condition     = length(var.name) <= 32
    error_message = "Load balancers take names of at most 32 characters."
  }
}

variable "region" {
  description = "Region of the fleet."
  type        = string
}

variable "partition" {
  description = "AWS partition of ARNs, such as `aws`."
  type        = string
}

variable "account_id" {
  description = "Account of the group, in the instances' rights."
  type        = string
}

variable "tags" {
  description = "Tags of instances and volumes: the provider's default tags do not reach what a group starts."
  type        = map(string)
}

variable "vpc_id" {
  description = "VPC of the fleet."
  type        = string
}

variable "vpc_cidr" {
  description = "Its block: where the databases are, and whom nginx believes about a client's address."
  type        = string
}

variable "subnet_ids" {
  description = "Application subnets by zone."
  type        = map(string)
}

variable "certificate_arn" {
  description = "Validated certificate of the public name, in this region."
  type        = string
}

variable "kms_key_arn" {
  description = "Key for volumes, logs, releases and secrets."
  type        = string
}

variable "log_bucket" {
  description = "Bucket for the load balancer's logs."
  type        = string
}

variable "log_retention_days" {
  description = "How long logs are kept, days."
  type        = number
}

variable "alarm_topic_arn" {
  description = "Where the error rate is told."
  type        = string
}

variable "documents_bucket_arn" {
  description = "Bucket of documents."
  type        = string
}

variable "mysql_primary_address" {
  description = "Address of the primary."
  type        = string
}

variable "mysql_replica_addresses" {
  description = "Addresses of the replicas."
  type        = list(string)
}

variable "redis_address" {
  description = "Address of Valkey's primary."
  type        = string
}

variable "serving" {
  description = "False in a standby region: everything is there, no instance runs."
  type        = bool
}

variable "release" {
  description = "What to run; null: nothing yet."
  type        = object({ version = string, sha256 = string })
}

variable "image_id" {
  description = "Machine image; null: the newest Amazon Linux 2023 at the time of the plan."
  type        = string
}

variable "instance_type" {
  description = "EC2 type; its name says the architecture."
  type        = string
}

variable "min_size" {
  description = "Least number of instances."
  type        = number

  validation {
    condition     = var.min_size >= 2
    error_message = "Fewer than 2 instances is no fleet: a deploy or a dead zone would be an outage."
  }
}

variable "max_size" {
  description = "Largest number of instances."
  type        = number

  validation {
    condition     = var.max_size <= 1000
    error_message = "More than 1000 instances need a talk with AWS first."
  }
}

variable "cpu_percent" {
  description = "CPU to keep to, percent, average of the group."
  type        = number

  validation {
    condition     = var.cpu_percent >= 10 && var.cpu_percent <= 90
    error_message = "Between 10 and 90 percent."
  }
}

variable "requests_per_target" {
  description = "Requests a minute and instance to keep to."
  type        = number
}

variable "max_instance_lifetime_days" {
  description = "An instance is replaced at this age."
  type        = number

  validation {
    condition     = var.max_instance_lifetime_days >= 1 && var.max_instance_lifetime_days <= 365
    error_message = "Between 1 and 365 days."
  }
}

variable "checkpoint_percentages" {
  description = "Shares of the fleet after which a deploy waits, percent."
  type        = list(number)
}

variable "checkpoint_delay_seconds" {
  description = "How long it waits there."
  type        = number
}

variable "error_percent" {
  description = "Share of 5xx above which a deploy is taken back, percent."
  type        = number
}

variable "error_guard_requests" {
  description = "Requests a minute below which the share is reckoned of this many."
  type        = number
}

variable "deregistration_delay_seconds" {
  description = "How long the load balancer lets requests finish on an instance that leaves."
  type        = number

  validation {
    condition     = var.deregistration_delay_seconds >= 0 && var.deregistration_delay_seconds <= 3600
    error_message = "Between 0 and 3600 seconds."
  }
}

variable "admin_networks" {
  description = "Networks from which administrators come: ADMIN_ALLOW of each process."
  type        = set(string)
}

variable "mysql_pool_size" {
  description = "MYSQL_POOL_SIZE of each process."
  type        = number
}

variable "redis_command_timeout_ms" {
  description = "REDIS_COMMAND_TIMEOUT_MS of each process."
  type        = number
}

variable "l1_bytes" {
  description = "CACHE_L1_BYTES of each process."
  type        = number
}

variable "drain_ms" {
  description = "DRAIN_MS of each process."
  type        = number
}

variable "shutdown_ms" {
  description = "SHUTDOWN_MS of each process."
  type        = number
}

variable "log_level" {
  description = "LOG_LEVEL of each process."
  type        = string
}

variable "settings" {
  description = "Further settings of src/config.ts by their names."
  type        = map(string)
}

variable "deletion_protection" {
  description = "Refuses to delete the load balancer, and keeps a deleted secret for a month."
  type        = bool
}
