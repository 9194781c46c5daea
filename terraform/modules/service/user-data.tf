# What an instance does when it boots. The templates hold the words; this file says what is put into them.

locals {
  nginx_port = 8080
  first_port = 4000
  drain_hook = "drain"

  # The names are those of src/config.ts. What is not here keeps the service's own default.
  settings = merge(
    {
      NODE_ENV                 = "production"
      HOST                     = "127.0.0.1"
      OPERATORS_HOST           = "127.0.0.1"
      ADMIN_ALLOW              = join(",", concat(["127.0.0.0/8", "::1"], sort(var.admin_networks)))
      MYSQL_POOL_SIZE          = var.mysql_pool_size
      REDIS_COMMAND_TIMEOUT_MS = var.redis_command_timeout_ms
      CACHE_L1_BYTES           = var.l1_bytes
      TRUST_PROXY              = "127.0.0.1"
      DRAIN_MS                 = var.drain_ms
      SHUTDOWN_MS              = var.shutdown_ms
      AUDIT_SPOOL_DIR          = "/var/lib/turno/audit"
      LOG_LEVEL                = var.log_level
    },
    var.settings,
  )

  user_data = templatefile("${path.module}/templates/user-data.sh.tftpl", {
    region       = var.region
    architecture = local.architecture == "arm64" ? "arm64" : "x64"
    version      = try(var.release.version, "none")
    sha256       = try(var.release.sha256, "none")
    bucket       = aws_s3_bucket.releases.bucket
    first_port   = local.first_port
    nginx_port   = local.nginx_port
    vpc_cidr     = var.vpc_cidr
    group        = var.name
    hook         = local.drain_hook
    secret       = aws_secretsmanager_secret.service.name
    settings     = join("\n", [for name, value in local.settings : "${name}=${value}"])
    secrets_filter = trimspace(templatefile("${path.module}/templates/secrets.jq.tftpl", {
      primary  = var.mysql_primary_address
      replicas = jsonencode(var.mysql_replica_addresses)
      redis    = var.redis_address
    }))
    process_unit = trimspace(templatefile("${path.module}/templates/turno@.service.tftpl", { stop_seconds = local.stop_seconds }))
    agent        = templatefile("${path.module}/templates/cloudwatch-agent.json.tftpl", { group = "/turno/${var.name}" })
  })
}
