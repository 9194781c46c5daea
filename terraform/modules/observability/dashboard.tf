# One page, from the top down as a request goes: what people get, the fleet, MySQL, Valkey.

locals {
  rows = [
    [
      { title = "Requests a minute", stat = "Sum", metrics = [["AWS/ApplicationELB", "RequestCount", "LoadBalancer", var.balancer_arn_suffix]] },
      { title = "Latency, seconds", stat = "p50", metrics = [for stat in ["p50", "p95", "p99"] : ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.balancer_arn_suffix, { stat = stat, label = stat }]] },
      { title = "5xx a minute", stat = "Sum", metrics = [for metric in ["HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"] : ["AWS/ApplicationELB", metric, "LoadBalancer", var.balancer_arn_suffix]] },
    ],
    [
      { title = "Instances", stat = "Average", metrics = [for metric in ["GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances"] : ["AWS/AutoScaling", metric, "AutoScalingGroupName", var.group_name]] },
      { title = "CPU of the fleet, percent", stat = "Average", metrics = [["AWS/EC2", "CPUUtilization", "AutoScalingGroupName", var.group_name]] },
      { title = "Requests a minute and instance", stat = "Average", metrics = [["AWS/ApplicationELB", "RequestCountPerTarget", "TargetGroup", var.target_group_arn_suffix, { stat = "Sum" }]] },
    ],
    [
      { title = "MySQL: CPU, percent", stat = "Average", metrics = [for identifier in local.databases : ["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", identifier]] },
      { title = "MySQL: connections", stat = "Maximum", metrics = [for identifier in local.databases : ["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", identifier]] },
      { title = "MySQL: replicas behind, seconds", stat = "Maximum", metrics = [for identifier in var.replica_identifiers : ["AWS/RDS", "ReplicaLag", "DBInstanceIdentifier", identifier]] },
    ],
    [
      { title = "Valkey: CPU of its thread, percent", stat = "Average", metrics = [for node in var.cache_node_ids : ["AWS/ElastiCache", "EngineCPUUtilization", "CacheClusterId", node]] },
      { title = "Valkey: hits and misses a minute", stat = "Sum", metrics = [for pair in setproduct(var.cache_node_ids, ["CacheHits", "CacheMisses"]) : ["AWS/ElastiCache", pair[1], "CacheClusterId", pair[0]]] },
      { title = "Valkey: memory, percent; evictions", stat = "Maximum", metrics = [for node in var.cache_node_ids : ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", node]] },
    ],
  ]

  # A row without series (no replicas) would be refused.
  widgets = flatten([
    for y, row in local.rows : [
      for x, widget in row : {
        type   = "metric"
        x      = x * 8
        y      = y * 6
        width  = 8
        height = 6
        properties = {
          title   = widget.title
          region  = var.region
          period  = 60
          stat    = widget.stat
          view    = "timeSeries"
          metrics = widget.metrics
        }
      } if length(widget.metrics) > 0
    ]
  ])
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "${var.name}-${var.region}"

  dashboard_body = jsonencode({
    start          = "-PT3H"
    periodOverride = "inherit"
    widgets        = local.widgets
  })
}
