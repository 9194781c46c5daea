variable "name" {
  description = "Prefix of all names, such as `turno-production`."
  type        = string

  validation {
    condition     = length(var.name) <= 40
    error_message = "ElastiCache takes names of at most 40 characters."
  }
}

variable "vpc_id" {
  description = "VPC of the cache."
  type        = string
}

variable "subnet_ids" {
  description = "Data subnets by zone."
  type        = map(string)
}

variable "client_security_group_id" {
  description = "Security group of whoever may connect."
  type        = string
}

variable "kms_key_arn" {
  description = "Key for what is at rest, and for logs."
  type        = string
}

variable "alarm_topic_arn" {
  description = "Where failovers are told."
  type        = string
}

variable "node_type" {
  description = "Class of each node."
  type        = string

  validation {
    condition     = startswith(var.node_type, "cache.")
    error_message = "A node type begins with cache., such as cache.r7g.large."
  }
}

variable "nodes" {
  description = "The primary and its replicas together."
  type        = number

  validation {
    condition     = var.nodes >= 1 && var.nodes <= 6
    error_message = "Between 1 and 6 nodes: ElastiCache takes a primary and five replicas."
  }
}
