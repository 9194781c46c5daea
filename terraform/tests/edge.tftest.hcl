# CloudFront and the firewall by themselves: who is let in, what is kept, for whom.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name            = "turno-production"
  partition       = "aws"
  account_id      = "000000000000"
  domain_name     = "api.example.com"
  zone_id         = "Z0000000000000000000"
  certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/mock"
  serving         = "primary"
  origins = {
    primary = { region = "eu-west-1", arn = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/app/mock/0", address = "one.example", log_bucket_arn = "arn:aws:s3:::one" }
    standby = { region = "eu-central-1", arn = "arn:aws:elasticloadbalancing:eu-central-1:000000000000:loadbalancer/app/mock/0", address = "two.example", log_bucket_arn = "arn:aws:s3:::two" }
  }
  admin_networks      = ["198.51.100.0/24", "2001:db8::/48"]
  admin_paths         = ["/api/admin", "/internal"]
  requests_per_minute = 600
  price_class         = "PriceClass_100"
  max_age_seconds     = 60
  error_percent       = 1
  alarm_emails        = []
}

run "each_is_answered_for_himself" {
  command = plan

  module {
    source = "./modules/edge"
  }

  assert {
    condition     = toset(flatten(aws_cloudfront_cache_policy.this.parameters_in_cache_key_and_forwarded_to_origin[0].headers_config[0].headers[*].items)) == toset(["Authorization", "Turno-Consistency-Token"])
    error_message = "A token's answer is nobody else's, and whoever has written is not answered with what was before."
  }

  assert {
    condition     = alltrue([for error in aws_cloudfront_distribution.this.custom_error_response : error.error_caching_min_ttl == 0]) && contains([for error in aws_cloudfront_distribution.this.custom_error_response : error.error_code], 404)
    error_message = "What was just made must not stay 'not found' for ten seconds."
  }

  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].viewer_protocol_policy == "redirect-to-https" && aws_cloudfront_distribution.this.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021"
    error_message = "Nothing in the clear."
  }

  assert {
    condition     = toset([for record in aws_route53_record.this : record.type]) == toset(["A", "AAAA"])
    error_message = "By IPv4 and IPv6."
  }
}

run "administration_by_list_alone" {
  # A rule is known whole or not at all, and the lists' names are AWS's to give.
  command = apply

  module {
    source = "./modules/edge"
  }

  assert {
    condition     = aws_wafv2_ip_set.admin["IPV4"].addresses == toset(["198.51.100.0/24"]) && aws_wafv2_ip_set.admin["IPV6"].addresses == toset(["2001:db8::/48"])
    error_message = "Each network in the list of its family."
  }

  assert {
    condition = [
      for rule in aws_wafv2_web_acl.this.rule : rule.statement[0].and_statement[0].statement[0].byte_match_statement[0].search_string
      if startswith(rule.name, "admin-")
    ] == ["/api/admin", "/internal"]
    error_message = "A rule for each path."
  }

  assert {
    # The path, and outside both lists.
    condition     = alltrue([for rule in aws_wafv2_web_acl.this.rule : length(rule.statement[0].and_statement[0].statement) == 3 && length(rule.action[0].block) == 1 if startswith(rule.name, "admin-")])
    error_message = "Blocked from everywhere but the networks listed."
  }

  assert {
    condition     = length(distinct([for rule in aws_wafv2_web_acl.this.rule : rule.priority])) == length(aws_wafv2_web_acl.this.rule)
    error_message = "WAF refuses two rules of one priority."
  }
}

run "floods_are_told_when_to_come_back" {
  command = plan

  module {
    source = "./modules/edge"
  }

  assert {
    condition = one([
      for rule in aws_wafv2_web_acl.this.rule : rule.action[0].block[0].custom_response[0].response_code == 429 && rule.statement[0].rate_based_statement[0].limit == 600 && rule.statement[0].rate_based_statement[0].evaluation_window_sec == 60
      if rule.name == "rate"
    ])
    error_message = "600 a minute from one address, then 429."
  }
}

run "the_other_region_is_asked_when_it_serves" {
  command = plan

  variables {
    serving = "standby"
  }

  module {
    source = "./modules/edge"
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.origin).domain_name == "two.example" && one(one(aws_cloudfront_distribution.this.origin).origin_shield).origin_shield_region == "eu-central-1"
    error_message = "CloudFront asks the standby's balancer."
  }

  assert {
    condition     = length(aws_cloudfront_vpc_origin.this) == 2
    error_message = "Both ways into a VPC are there beforehand: making one takes a quarter of an hour."
  }
}

run "nobody_serves_who_is_not_there" {
  command = plan

  variables {
    serving = "elsewhere"
  }

  module {
    source = "./modules/edge"
  }

  expect_failures = [var.serving]
}
