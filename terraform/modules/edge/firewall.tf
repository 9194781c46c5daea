# Who is turned away before CloudFront asks anyone. It bounds floods and known attacks; what a single user may do, and how
# often, the service knows better.

locals {
  # Of AWS's own groups. The common one would also refuse bodies above 8 KiB: the service and nginx bound those.
  managed_groups = {
    AWSManagedRulesAmazonIpReputationList = { priority = 10, counted = [] }
    AWSManagedRulesKnownBadInputsRuleSet  = { priority = 11, counted = [] }
    AWSManagedRulesCommonRuleSet          = { priority = 12, counted = ["SizeRestrictions_BODY"] }
    AWSManagedRulesSQLiRuleSet            = { priority = 13, counted = [] }
  }

  networks = {
    IPV4 = [for network in var.admin_networks : network if !strcontains(network, ":")]
    IPV6 = [for network in var.admin_networks : network if strcontains(network, ":")]
  }
}

resource "aws_wafv2_ip_set" "admin" {
  for_each = local.networks
  region   = local.global

  name               = "${var.name}-admin-${lower(each.key)}"
  description        = "Networks from which administrators come"
  scope              = "CLOUDFRONT"
  ip_address_version = each.key
  addresses          = each.value
}

resource "aws_wafv2_web_acl" "this" {
  region = local.global

  name        = var.name
  description = "In front of ${var.domain_name}"
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  # Administration, from elsewhere than the networks listed. An empty list: from nowhere.
  dynamic "rule" {
    for_each = { for index, path in var.admin_paths : path => index }

    content {
      name     = "admin-${rule.value + 1}"
      priority = rule.value

      action {
        block {}
      }

      statement {
        and_statement {
          statement {
            byte_match_statement {
              search_string         = rule.key
              positional_constraint = "STARTS_WITH"

              field_to_match {
                uri_path {}
              }

              # The order in which a server would undo them: %2561dmin, /api//admin, /api/x/../ADMIN.
              text_transformation {
                priority = 0
                type     = "URL_DECODE"
              }

              text_transformation {
                priority = 1
                type     = "NORMALIZE_PATH"
              }

              text_transformation {
                priority = 2
                type     = "LOWERCASE"
              }
            }
          }

          dynamic "statement" {
            for_each = aws_wafv2_ip_set.admin

            content {
              not_statement {
                statement {
                  ip_set_reference_statement {
                    arn = statement.value.arn
                  }
                }
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${var.name}-admin-${rule.value + 1}"
        sampled_requests_enabled   = true
      }
    }
  }

  rule {
    name     = "rate"
    priority = 9

    action {
      block {
        custom_response {
          response_code = 429

          response_header {
            name  = "Retry-After"
            value = "60"
          }
        }
      }
    }

    statement {
      rate_based_statement {
        limit                 = var.requests_per_minute
        evaluation_window_sec = 60
        aggregate_key_type    = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-rate"
      sampled_requests_enabled   = true
    }
  }

  dynamic "rule" {
    for_each = local.managed_groups

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          name        = rule.key
          vendor_name = "AWS"

          dynamic "rule_action_override" {
            for_each = toset(rule.value.counted)

            content {
              name = rule_action_override.value

              action_to_use {
                count {}
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${var.name}-${rule.key}"
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }

  lifecycle {
    precondition {
      condition     = length(var.admin_paths) <= 9
      error_message = "At most 9 administration paths: the rate rule has priority 9."
    }
  }
}

# Only what was turned away, and never who asked with what: the firewall sees tokens.
resource "aws_cloudwatch_log_group" "firewall" {
  region = local.global

  # WAF insists on the prefix.
  name              = "aws-waf-logs-${var.name}"
  retention_in_days = 30
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  region = local.global

  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.firewall.arn]

  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      condition {
        action_condition {
          action = "BLOCK"
        }
      }
    }
  }

  dynamic "redacted_fields" {
    for_each = toset(["authorization", "cookie", "turno-consistency-token"])

    content {
      single_header {
        name = redacted_fields.value
      }
    }
  }

  redacted_fields {
    query_string {}
  }
}
