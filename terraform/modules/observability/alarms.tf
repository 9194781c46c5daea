# Each alarm is something that a person should look at, and names the runbook (terraform/README.md) that it begins.
# The error rate, which rolls a release back, is in modules/service.

locals {
  balancer = { LoadBalancer = var.balancer_arn_suffix }
  targets  = merge(local.balancer, { TargetGroup = var.target_group_arn_suffix })
  group    = { AutoScalingGroupName = var.group_name }

  databases = concat([var.primary_identifier], var.replica_identifiers)

  service_alarms = {
    latency = {
      description = "The 95th percentile has been above ${var.latency_p95_seconds * 1000} ms for five minutes. Runbook: scale."
      namespace   = "AWS/ApplicationELB", metric = "TargetResponseTime", statistic = "p95", dimensions = local.balancer
      comparison  = "GreaterThanThreshold", threshold = var.latency_p95_seconds, periods = 5, missing = "notBreaching"
    }
    unhealthy = {
      description = "An instance has not been ready for five minutes: the group should have replaced it by now."
      namespace   = "AWS/ApplicationELB", metric = "UnHealthyHostCount", statistic = "Maximum", dimensions = local.targets
      comparison  = "GreaterThanThreshold", threshold = 0, periods = 5, missing = "notBreaching"
    }
    few = {
      description = "Fewer than two instances are ready. Runbook: lose a zone."
      namespace   = "AWS/ApplicationELB", metric = "HealthyHostCount", statistic = "Minimum", dimensions = local.targets
      # A balancer without a healthy target may send nothing at all: silence is the worst of it.
      comparison = "LessThanThreshold", threshold = 2, periods = 2, missing = "breaching"
    }
    full = {
      description = "The fleet is at its largest and cannot grow. Runbook: scale."
      namespace   = "AWS/AutoScaling", metric = "GroupDesiredCapacity", statistic = "Maximum", dimensions = local.group
      comparison  = "GreaterThanOrEqualToThreshold", threshold = var.max_size, periods = 10, missing = "notBreaching"
    }
  }

  primary_alarms = {
    primary-cpu = {
      description = "The primary has been above 80 % CPU for fifteen minutes."
      namespace   = "AWS/RDS", metric = "CPUUtilization", statistic = "Average", dimensions = { DBInstanceIdentifier = var.primary_identifier }
      comparison  = "GreaterThanThreshold", threshold = 80, periods = 15, missing = "missing"
    }
    primary-connections = {
      description = "The primary has four fifths of its connections in use: a larger fleet would be refused. Runbook: scale."
      namespace   = "AWS/RDS", metric = "DatabaseConnections", statistic = "Maximum", dimensions = { DBInstanceIdentifier = var.primary_identifier }
      comparison  = "GreaterThanThreshold", threshold = floor(var.max_connections * 0.8), periods = 3, missing = "missing"
    }
    primary-storage = {
      description = "The primary has less than 10 GiB left although it grows by itself: it has reached its limit."
      namespace   = "AWS/RDS", metric = "FreeStorageSpace", statistic = "Minimum", dimensions = { DBInstanceIdentifier = var.primary_identifier }
      comparison  = "LessThanThreshold", threshold = 10 * 1024 * 1024 * 1024, periods = 5, missing = "missing"
    }
  }

  # A lagging replica serves nobody anything old: it is left aside, and its share falls to the others and the primary.
  replica_alarms = {
    for identifier in var.replica_identifiers : "lag-${identifier}" => {
      description = "${identifier} has been further behind than the service reads from for five minutes."
      namespace   = "AWS/RDS", metric = "ReplicaLag", statistic = "Minimum", dimensions = { DBInstanceIdentifier = identifier }
      comparison  = "GreaterThanThreshold", threshold = var.max_lag_seconds, periods = 5, missing = "breaching"
    }
  }

  memory_alarms = {
    for identifier in local.databases : "memory-${identifier}" => {
      description = "${identifier} has less than 256 MiB of memory left."
      namespace   = "AWS/RDS", metric = "FreeableMemory", statistic = "Minimum", dimensions = { DBInstanceIdentifier = identifier }
      comparison  = "LessThanThreshold", threshold = 256 * 1024 * 1024, periods = 10, missing = "missing"
    }
  }

  cache_alarms = merge([
    for node in var.cache_node_ids : {
      "valkey-cpu-${node}" = {
        description = "${node}: its one thread is four fifths busy. A larger node, or fewer tags per write."
        namespace   = "AWS/ElastiCache", metric = "EngineCPUUtilization", statistic = "Average", dimensions = { CacheClusterId = node }
        comparison  = "GreaterThanThreshold", threshold = 80, periods = 5, missing = "missing"
      }
      "valkey-memory-${node}" = {
        description = "${node}: swaps. Evictions are sound; swapping makes every command late, and late means unused."
        namespace   = "AWS/ElastiCache", metric = "SwapUsage", statistic = "Maximum", dimensions = { CacheClusterId = node }
        comparison  = "GreaterThanThreshold", threshold = 64 * 1024 * 1024, periods = 5, missing = "missing"
      }
    }
  ]...)

  # A standby region has data to watch and no traffic.
  alarms = merge(
    var.serving ? local.service_alarms : {},
    var.serving ? local.replica_alarms : {},
    local.primary_alarms,
    local.memory_alarms,
    local.cache_alarms,
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.description

  namespace          = each.value.namespace
  metric_name        = each.value.metric
  dimensions         = each.value.dimensions
  period             = 60
  statistic          = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic = startswith(each.value.statistic, "p") ? each.value.statistic : null

  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}

# A backup that did not happen, and a rehearsal that could not restore: nothing else would ever say so.
resource "aws_cloudwatch_event_rule" "backup" {
  name        = "${var.name}-backup"
  description = "Backups, copies and restore rehearsals that failed"

  event_pattern = jsonencode({
    source      = ["aws.backup"]
    detail-type = ["Backup Job State Change", "Copy Job State Change", "Restore Job State Change"]
    detail      = { state = ["FAILED", "ABORTED", "EXPIRED"] }
  })
}

resource "aws_cloudwatch_event_target" "backup" {
  rule = aws_cloudwatch_event_rule.backup.name
  arn  = aws_sns_topic.alarms.arn
}
