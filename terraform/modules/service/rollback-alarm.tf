# The alarm that takes a release back. It stands here and not with the others because the group must know its name.

locals {
  # Of all requests, those that ended in 5xx, in percent. CloudWatch sends no zeros: a series in which nothing failed is
  # missing, and a sum with something missing is missing too, hence FILL. A request for which there was no target counts
  # among the balancer's own 5xx and not among `requests`. Below `guard` requests a minute one failure in the night
  # is not a percentage.
  all_requests = "(FILL(requests, 0) + FILL(balancer, 0))"
  error_rate   = "100 * (FILL(balancer, 0) + FILL(targets, 0)) / IF(${local.all_requests} > ${var.error_guard_requests}, ${local.all_requests}, ${var.error_guard_requests})"

  error_rate_metrics = {
    requests = "RequestCount"
    balancer = "HTTPCode_ELB_5XX_Count"
    targets  = "HTTPCode_Target_5XX_Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "error_rate" {
  alarm_name        = "${var.name}-error-rate"
  alarm_description = "More than ${var.error_percent} % of requests end in 5xx: a refresh under way is rolled back. Runbook: roll back."

  comparison_operator = "GreaterThanThreshold"
  threshold           = var.error_percent
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"

  alarm_actions = [var.alarm_topic_arn]
  ok_actions    = [var.alarm_topic_arn]

  metric_query {
    id          = "rate"
    label       = "5xx, percent of requests"
    expression  = local.error_rate
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.error_rate_metrics

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        stat        = "Sum"
        period      = 60
        dimensions  = { LoadBalancer = aws_lb.this.arn_suffix }
      }
    }
  }
}
