variable "name" {
  description = "Prefix of all names, such as `turno-production`."
  type        = string
}

variable "region" {
  description = "Region that is watched."
  type        = string
}

variable "account_id" {
  description = "Account whose services may write logs and tell alarms."
  type        = string
}

variable "kms_key_arn" {
  description = "Key of the alarms' topic."
  type        = string
}

variable "alarm_emails" {
  description = "Addresses that alarms are mailed to."
  type        = set(string)
}

variable "log_retention_days" {
  description = "How long logs in the bucket are kept, days."
  type        = number
}

variable "serving" {
  description = "False in a standby region: there is no traffic to watch."
  type        = bool
}

variable "balancer_arn_suffix" {
  description = "The load balancer's name in metrics."
  type        = string
}

variable "target_group_arn_suffix" {
  description = "The target group's name in metrics."
  type        = string
}

variable "group_name" {
  description = "The autoscaling group."
  type        = string
}

variable "max_size" {
  description = "Size at which the fleet cannot grow."
  type        = number
}

variable "latency_p95_seconds" {
  description = "Latency that 95 of 100 requests have to stay below, seconds."
  type        = number
}

variable "primary_identifier" {
  description = "The primary database."
  type        = string
}

variable "replica_identifiers" {
  description = "The replicas."
  type        = list(string)
}

variable "max_connections" {
  description = "Connections that a database accepts."
  type        = number
}

variable "max_lag_seconds" {
  description = "How far behind the service reads from a replica, seconds: MYSQL_MAX_LAG_MS."
  type        = number
}

variable "cache_node_ids" {
  description = "Nodes of Valkey."
  type        = list(string)
}
