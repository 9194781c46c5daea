# What only the edge can know: whether people outside are answered, and by whom. CloudFront's and Route 53's metrics are
# in us-east-1, and so their alarms.

resource "aws_sns_topic" "alarms" {
  region = local.global

  name = "${var.name}-edge-alarms"
  # Alarms hold no more than a name and a number; AWS's own key cannot be used by CloudWatch.
  kms_master_key_id = aws_kms_key.alarms.arn
}

data "aws_iam_policy_document" "alarms_key" {
  statement {
    # IAM decides from here on; without it nobody could ever change this policy again.
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${var.partition}:iam::${var.account_id}:root"]
    }
  }

  statement {
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

resource "aws_kms_key" "alarms" {
  region = local.global

  description             = "Alarms of ${var.name} at the edge"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = data.aws_iam_policy_document.alarms_key.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.alarm_emails
  region   = local.global

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

# From several continents, through everything that stands between a person and a process.
resource "aws_route53_health_check" "outside" {
  fqdn              = var.domain_name
  type              = "HTTPS"
  port              = 443
  resource_path     = "/health/ready"
  request_interval  = 30
  failure_threshold = 3
  measure_latency   = true

  tags = { Name = "${var.name}-outside" }
}

resource "aws_cloudwatch_metric_alarm" "outside" {
  region = local.global

  alarm_name          = "${var.name}-outside"
  alarm_description   = "${var.domain_name} does not answer from outside. Runbook: lose a zone, then: lose a region."
  namespace           = "AWS/Route53"
  metric_name         = "HealthCheckStatus"
  dimensions          = { HealthCheckId = aws_route53_health_check.outside.id }
  statistic           = "Minimum"
  period              = 60
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = 2
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  region = local.global

  alarm_name          = "${var.name}-edge-errors"
  alarm_description   = "More than ${var.error_percent} % of what CloudFront answers is a 5xx. Runbook: roll back."
  namespace           = "AWS/CloudFront"
  metric_name         = "5xxErrorRate"
  dimensions          = { DistributionId = aws_cloudfront_distribution.this.id, Region = "Global" }
  statistic           = "Average"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.error_percent
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# Access logs, into the serving region's bucket. No cookie, no query string, no Authorization: they hold tokens and names.
resource "aws_cloudwatch_log_delivery_source" "access" {
  region = local.global

  name         = var.name
  log_type     = "ACCESS_LOGS"
  resource_arn = aws_cloudfront_distribution.this.arn
}

resource "aws_cloudwatch_log_delivery_destination" "access" {
  region = local.global

  name          = var.name
  output_format = "json"

  delivery_destination_configuration {
    destination_resource_arn = "${local.origin.log_bucket_arn}/edge"
  }
}

resource "aws_cloudwatch_log_delivery" "access" {
  region = local.global

  delivery_source_name     = aws_cloudwatch_log_delivery_source.access.name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.access.arn

  record_fields = [
    "timestamp(ms)", "x-edge-location", "x-edge-request-id", "x-edge-result-type", "x-edge-response-result-type",
    "c-ip", "c-country", "cs-method", "x-host-header", "cs-uri-stem", "cs-protocol", "cs-protocol-version",
    "ssl-protocol", "sc-status", "sc-bytes", "time-taken", "time-to-first-byte", "origin-fbl", "cache-behavior-path-pattern",
  ]
}
