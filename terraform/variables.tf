# What differs between environments. All of it is checked here, so that a mistake is one line before anything is made.

variable "environment" {
  description = "Name of the environment; part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,15}$", var.environment))
    error_message = "environment has to be 2 to 16 small letters and digits, such as production: names of load balancers end at 32."
  }
}

variable "region" {
  description = "Region that serves."
  type        = string
  default     = "eu-west-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region has to be one of AWS's, such as eu-west-1."
  }
}

variable "standby" {
  description = "A second region, which follows the first and takes over when it is lost; null: none. `cidr`: its own address block, a /16."
  type        = object({ region = string, cidr = optional(string, "10.41.0.0/16") })
  default     = null

  validation {
    condition     = var.standby == null || try(var.standby.region, "") != var.region
    error_message = "standby.region is the region that serves: a second one has to be another."
  }

  validation {
    condition     = var.standby == null || try(var.standby.cidr, "") != var.network.cidr
    error_message = "standby.cidr is the primary's block: two that may be peered one day must differ."
  }
}

variable "serving" {
  description = "`primary`, or `standby` once the primary region is given up: promotes its database and points CloudFront there."
  type        = string
  default     = "primary"

  validation {
    condition     = contains(["primary", "standby"], var.serving)
    error_message = "serving has to be primary or standby."
  }

  validation {
    condition     = var.serving != "standby" || var.standby != null
    error_message = "serving is standby, but there is no standby region."
  }
}

variable "domain_name" {
  description = "Public name of the API, such as api.example.com."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name has to be a host name in small letters, such as api.example.com."
  }
}

variable "zone_name" {
  description = "Route 53 zone that holds the name; it has to exist."
  type        = string

  validation {
    condition     = var.domain_name == var.zone_name || endswith(var.domain_name, ".${var.zone_name}")
    error_message = "domain_name has to lie in zone_name."
  }
}

variable "release" {
  description = <<-EOT
    What to run. Null before the first: then everything is made and no instance runs.
    `version`: of the archive in the releases bucket. `sha256`: its digest; instances refuse any other.
  EOT
  type        = object({ version = string, sha256 = string })
  default     = null

  validation {
    # It becomes a path, and a line of a shell script.
    condition     = var.release == null || can(regex("^[0-9A-Za-z][0-9A-Za-z.-]{0,63}$", var.release.version))
    error_message = "release.version has to be letters, digits, dots and dashes, such as 1.4.0."
  }

  validation {
    condition     = var.release == null || can(regex("^[0-9a-f]{64}$", var.release.sha256))
    error_message = "release.sha256 has to be 64 hexadecimal digits, as sha256sum prints them."
  }
}

variable "network" {
  description = <<-EOT
    `cidr`: address block, a /16. `nat`: `per-zone`, or `single` for what may fail with a zone.
    `interface_endpoints`: AWS services that are reached without NAT.
  EOT
  type = object({
    cidr                = optional(string, "10.40.0.0/16")
    nat                 = optional(string, "per-zone")
    interface_endpoints = optional(set(string), ["autoscaling", "ec2messages", "logs", "secretsmanager", "ssm", "ssmmessages"])
  })
  default = {}

  validation {
    condition     = can(cidrhost(var.network.cidr, 0)) && endswith(var.network.cidr, "/16")
    error_message = "network.cidr has to be a /16, such as 10.40.0.0/16."
  }

  validation {
    condition     = contains(["per-zone", "single"], var.network.nat)
    error_message = "network.nat has to be per-zone or single."
  }
}

variable "fleet" {
  description = <<-EOT
    Kind and number of instances.
    `instance_type`: its name says the architecture; releases are built for it. `image_id`: a baked image; null: the newest Amazon Linux 2023.
    `min_size`, `max_size`: least and largest number. `cpu_percent`, `requests_per_target` (a minute and instance): what the group keeps to.
    `max_instance_lifetime_days`: an instance is replaced at this age. `deregistration_delay_seconds`: time for requests to finish on one that leaves.
  EOT
  type = object({
    instance_type                = optional(string, "m7g.large")
    image_id                     = optional(string)
    min_size                     = optional(number, 10)
    max_size                     = optional(number, 100)
    cpu_percent                  = optional(number, 70)
    requests_per_target          = optional(number, 30000)
    max_instance_lifetime_days   = optional(number, 14)
    deregistration_delay_seconds = optional(number, 30)
  })
  default = {}

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]+\\.(medium|large|xlarge|2xlarge|4xlarge)$", var.fleet.instance_type))
    error_message = "fleet.instance_type has to be of size medium to 4xlarge, such as m7g.large: many small machines lose less with each."
  }

  validation {
    condition     = var.fleet.image_id == null || can(regex("^ami-[0-9a-f]{8,17}$", var.fleet.image_id))
    error_message = "fleet.image_id has to be an image's id: with an alias a rollback would boot whatever is newest that day."
  }

  validation {
    condition     = var.fleet.min_size >= 2 && var.fleet.min_size <= var.fleet.max_size && var.fleet.max_size <= 1000
    error_message = "fleet has to have 2 <= min_size <= max_size <= 1000."
  }

  validation {
    condition     = var.fleet.cpu_percent >= 10 && var.fleet.cpu_percent <= 90
    error_message = "fleet.cpu_percent has to be between 10 and 90: above it nothing is left for the minutes until help has booted."
  }

  validation {
    condition     = var.fleet.requests_per_target >= 60
    error_message = "fleet.requests_per_target is a minute's: at least 60."
  }
}

variable "rollout" {
  description = <<-EOT
    How a release goes out. `checkpoint_percentages`: shares of the fleet after which it waits `checkpoint_delay_seconds`.
    `error_percent`: share of 5xx above which it is taken back, reckoned of `error_guard_requests` a minute at least.
  EOT
  type = object({
    checkpoint_percentages   = optional(list(number), [5, 25, 50, 100])
    checkpoint_delay_seconds = optional(number, 1800)
    error_percent            = optional(number, 1)
    error_guard_requests     = optional(number, 100)
  })
  default = {}

  validation {
    condition     = var.rollout.checkpoint_percentages == tolist([for share in distinct(sort([for share in var.rollout.checkpoint_percentages : format("%03d", share)])) : tonumber(share)])
    error_message = "rollout.checkpoint_percentages have to ascend, each once."
  }

  validation {
    condition     = length(var.rollout.checkpoint_percentages) > 0 && alltrue([for share in var.rollout.checkpoint_percentages : share >= 1 && share <= 100])
    error_message = "rollout.checkpoint_percentages have to be between 1 and 100."
  }

  validation {
    condition     = try(element(var.rollout.checkpoint_percentages, -1) == 100, true)
    error_message = "rollout.checkpoint_percentages have to end with 100: a refresh stops at its last checkpoint and would leave two releases running."
  }

  validation {
    # EC2's own limits.
    condition     = var.rollout.checkpoint_delay_seconds >= 0 && var.rollout.checkpoint_delay_seconds <= 172800
    error_message = "rollout.checkpoint_delay_seconds has to be between 0 and 172800 (two days)."
  }

  validation {
    condition     = var.rollout.error_percent > 0 && var.rollout.error_percent < 100
    error_message = "rollout.error_percent has to be between 0 and 100: at 0 every failure, at 100 none would take a release back."
  }
}

variable "service" {
  description = <<-EOT
    Settings of each process, by what src/config.ts says of them; a process for each core.
    `mysql_pool_size`: small, for there are many processes. `settings`: any others by their names; secrets go into the secret.
  EOT
  type = object({
    mysql_pool_size          = optional(number, 4)
    redis_command_timeout_ms = optional(number, 50)
    l1_bytes                 = optional(number, 536870912)
    drain_ms                 = optional(number, 25000)
    shutdown_ms              = optional(number, 40000)
    log_level                = optional(string, "info")
    settings                 = optional(map(string), {})
  })
  default = {}

  validation {
    condition     = var.service.mysql_pool_size >= 1 && var.service.mysql_pool_size <= 1000
    error_message = "service.mysql_pool_size has to be between 1 and 1000."
  }

  validation {
    condition     = var.service.drain_ms >= 0 && var.service.drain_ms < var.service.shutdown_ms && var.service.shutdown_ms <= 600000
    error_message = "service has to have drain_ms < shutdown_ms <= 600000."
  }

  validation {
    condition     = contains(["fatal", "error", "warn", "info", "debug", "trace", "silent"], var.service.log_level)
    error_message = "service.log_level has to be fatal, error, warn, info, debug, trace or silent."
  }

  validation {
    condition     = alltrue([for name, value in var.service.settings : can(regex("^[A-Z][A-Z0-9_]*$", name)) && can(regex("^[^\\n'\"\\\\]*$", value))])
    error_message = "service.settings have to be names in capitals, and values of one line without quotes and backslashes."
  }

  validation {
    condition     = alltrue([for name in keys(var.service.settings) : !can(regex("SECRET|PASSWORD|CREDENTIAL|PRIVATE|^(JWT|WEBHOOKS)_KEYS$|^MYSQL_.*_URLS?$|^REDIS_URL$", name))])
    error_message = "service.settings would put a secret into the state and the user data: it goes into the secret (README.md, Rotate secrets)."
  }

  validation {
    condition     = length(setintersection(keys(var.service.settings), ["NODE_ENV", "PORT", "OPERATORS_PORT", "HOST", "OPERATORS_HOST", "ADMIN_ALLOW", "TRUST_PROXY", "DRAIN_MS", "SHUTDOWN_MS", "AUDIT_SPOOL_DIR"])) == 0
    error_message = "service.settings must not name what is decided elsewhere: ports, hosts, folders, whom to trust, and the times to drain."
  }
}

variable "database" {
  description = <<-EOT
    MySQL. `replicas`: to read from. `multi_az`: a synchronous standby of the primary in another zone.
    `storage_gib` grows by itself up to `max_storage_gib`. `max_connections`: of each server.
    `backup_retention_days`: to any moment of these a restore can go back.
  EOT
  type = object({
    engine_version        = optional(string, "8.4")
    instance_class        = optional(string, "db.r8g.xlarge")
    replica_class         = optional(string, "db.r8g.large")
    replicas              = optional(number, 3)
    multi_az              = optional(bool, true)
    storage_gib           = optional(number, 100)
    max_storage_gib       = optional(number, 1000)
    max_connections       = optional(number, 2000)
    backup_retention_days = optional(number, 14)
  })
  default = {}

  validation {
    condition     = startswith(var.database.engine_version, "8.4")
    error_message = "database.engine_version has to be 8.4 or a minor of it: the parameter group is of that family."
  }

  validation {
    condition     = startswith(var.database.instance_class, "db.") && startswith(var.database.replica_class, "db.")
    error_message = "database.instance_class and replica_class begin with db., such as db.r8g.large."
  }

  validation {
    condition     = local.connections_at_most <= var.database.max_connections * 0.9
    error_message = "A fleet at its largest would open ${local.connections_at_most} connections on the primary, which accepts ${var.database.max_connections}: smaller pools, fewer instances or a larger primary."
  }

  validation {
    condition     = var.database.max_storage_gib >= var.database.storage_gib * 1.1
    error_message = "database.max_storage_gib has to be a tenth above storage_gib or more."
  }

  validation {
    condition     = var.database.backup_retention_days >= 1 && var.database.backup_retention_days <= 35
    error_message = "database.backup_retention_days has to be between 1 and 35."
  }
}

variable "cache" {
  description = "Valkey. `nodes`: the primary and its replicas, which stand ready and are not read from."
  type = object({
    node_type = optional(string, "cache.r6g.large")
    nodes     = optional(number, 2)
  })
  default = {}

  validation {
    condition     = startswith(var.cache.node_type, "cache.") && var.cache.nodes >= 1 && var.cache.nodes <= 6
    error_message = "cache needs a node_type such as cache.r6g.large and 1 to 6 nodes."
  }
}

variable "edge" {
  description = <<-EOT
    `admin_networks`: from where administration is reached, CIDR blocks. `admin_paths`: how its paths begin.
    `requests_per_minute`: from one address, above which it is turned away. `max_age_seconds`: how long CloudFront keeps an entry at most.
  EOT
  type = object({
    admin_networks      = optional(set(string), [])
    admin_paths         = optional(list(string), ["/api/admin"])
    requests_per_minute = optional(number, 600)
    max_age_seconds     = optional(number, 60)
    price_class         = optional(string, "PriceClass_100")
  })
  default = {}

  validation {
    condition     = alltrue([for network in var.edge.admin_networks : can(cidrhost(network, 0))])
    error_message = "edge.admin_networks have to be blocks such as 198.51.100.0/24 or 2001:db8::/48."
  }

  validation {
    condition     = alltrue([for network in var.edge.admin_networks : !endswith(network, "/0")])
    error_message = "edge.admin_networks holds a /0: that is everybody."
  }

  validation {
    condition     = alltrue([for path in var.edge.admin_paths : can(regex("^/[a-z0-9/_.-]+$", path))])
    error_message = "edge.admin_paths have to begin with a slash and be in small letters: paths are compared after lowering."
  }

  validation {
    # The least that WAF takes.
    condition     = var.edge.requests_per_minute >= 10 && var.edge.requests_per_minute <= 2000000000
    error_message = "edge.requests_per_minute has to be 10 or more."
  }

  validation {
    condition     = var.edge.max_age_seconds >= 0 && var.edge.max_age_seconds <= 31536000
    error_message = "edge.max_age_seconds has to be between 0 and a year."
  }

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.edge.price_class)
    error_message = "edge.price_class has to be PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "alarm_emails" {
  description = "Addresses that alarms are mailed to; each confirms once."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alarm_emails have to be mail addresses."
  }
}

variable "latency_p95_seconds" {
  description = "What 95 of 100 requests have to be answered within, seconds."
  type        = number
  default     = 0.1

  validation {
    condition     = var.latency_p95_seconds > 0 && var.latency_p95_seconds <= 10
    error_message = "latency_p95_seconds has to be above 0 and at most 10."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept, days: they hold addresses of people."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_retention_days)
    error_message = "log_retention_days has to be one that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180 or 365."
  }
}

variable "deletion_protection" {
  description = "Refuses to delete the database and the load balancer, and keeps a deleted secret for a month."
  type        = bool
  default     = true
}
