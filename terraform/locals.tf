locals {
  name = "turno-${var.environment}"

  tags = {
    Project     = "turno"
    Environment = var.environment
    ManagedBy   = "terraform"
  }

  standby_region = var.standby == null ? var.region : var.standby.region

  # vCPUs by size: a process for each. Smaller than large they depend on the family.
  sizes     = { medium = 1, large = 2, xlarge = 4, "2xlarge" = 8, "4xlarge" = 16 }
  family    = split(".", var.fleet.instance_type)[0]
  size      = split(".", var.fleet.instance_type)[1]
  processes = startswith(local.family, "t") && local.size == "medium" ? 2 : lookup(local.sizes, local.size, 0)

  # What the whole fleet may open on the primary: each process has a pool for writes and, for what no replica can answer,
  # one of two fifths of it (plugins/mysql.ts). A refresh runs a tenth more instances than the largest fleet.
  connections_of_process = var.service.mysql_pool_size + max(2, ceil(var.service.mysql_pool_size * 0.4))
  connections_at_most    = ceil(var.fleet.max_size * 1.1) * local.processes * local.connections_of_process
}
