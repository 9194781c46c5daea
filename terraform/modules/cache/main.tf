# One Valkey: a primary, and replicas that do nothing but stand ready in other zones. Not a cluster of shards: the
# protocol of docs/coherence.md rests on one connection whose replies come in order and on scripts that see all slots,
# and a shard's failover would rename what the others know. What one node cannot hold is a larger node.
#
# It is an accelerator. It keeps nothing on disk and has no snapshots: a Valkey that comes back from an old dump is
# another namespace, so what it remembered would be worth nothing.

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = values(var.subnet_ids)
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-valkey8"
  family      = "valkey8"
  description = "Evicts rather than refuses"

  # A full Valkey that refused writes could no longer be told of changes, and the service would drop it. Evicting the
  # least recently used is always sound: what is missing is asked for, never taken for zero.
  parameter {
    name  = "maxmemory-policy"
    value = "allkeys-lru"
  }

  # Room for the copy that a failover writes; less makes a busy node swap then.
  parameter {
    name  = "reserved-memory-percent"
    value = "25"
  }

  # A dead client's connection is noticed, one that is merely idle is kept: announcements come on it.
  parameter {
    name  = "tcp-keepalive"
    value = "60"
  }

  parameter {
    name  = "timeout"
    value = "0"
  }
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id = var.name
  description          = "Layer two of the cache, and the announcements"

  engine               = "valkey"
  engine_version       = "8.0"
  node_type            = var.node_type
  port                 = 6379
  parameter_group_name = aws_elasticache_parameter_group.this.name

  cluster_mode               = "disabled"
  num_cache_clusters         = var.nodes
  automatic_failover_enabled = var.nodes > 1
  multi_az_enabled           = var.nodes > 1

  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = [aws_security_group.this.id]

  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]

  snapshot_retention_limit   = 0
  maintenance_window         = "sun:04:30-sun:05:30"
  auto_minor_version_upgrade = true
  apply_immediately          = false
  notification_topic_arn     = var.alarm_topic_arn

  log_delivery_configuration {
    destination      = aws_cloudwatch_log_group.this["engine"].name
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "engine-log"
  }

  log_delivery_configuration {
    destination      = aws_cloudwatch_log_group.this["slow"].name
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "slow-log"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["engine", "slow"])

  name              = "/turno/${var.name}/valkey-${each.key}"
  retention_in_days = 14
  kms_key_id        = var.kms_key_arn
}

# The service's user. A password here would lie in the state for ever, so the user is made switched off, and the runbook
# "rotate secrets" gives it its password and switches it on. Until then the service runs without Valkey: slower, as true.
resource "aws_elasticache_user" "service" {
  user_id              = "${var.name}-service"
  user_name            = "turno"
  engine               = "valkey"
  access_string        = "off ~* -@all"
  no_password_required = true

  lifecycle {
    ignore_changes = [access_string, no_password_required, passwords, authentication_mode]
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.service.user_id]
}

resource "aws_security_group" "this" {
  name        = "${var.name}-cache"
  description = "Valkey of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-cache" }
}

resource "aws_vpc_security_group_ingress_rule" "service" {
  security_group_id            = aws_security_group.this.id
  description                  = "Valkey from the service"
  referenced_security_group_id = var.client_security_group_id
  from_port                    = 6379
  to_port                      = 6379
  ip_protocol                  = "tcp"
}
