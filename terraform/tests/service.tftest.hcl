# The fleet by itself: how a release goes out and comes back, and what an instance is told when it boots.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                         = "turno-production"
  region                       = "eu-west-1"
  partition                    = "aws"
  account_id                   = "000000000000"
  tags                         = { Project = "turno" }
  vpc_id                       = "vpc-0"
  vpc_cidr                     = "10.40.0.0/16"
  subnet_ids                   = { eu-west-1a = "subnet-a", eu-west-1b = "subnet-b", eu-west-1c = "subnet-c" }
  certificate_arn              = "arn:aws:acm:eu-west-1:000000000000:certificate/mock"
  kms_key_arn                  = "arn:aws:kms:eu-west-1:000000000000:key/mock"
  log_bucket                   = "logs"
  log_retention_days           = 30
  alarm_topic_arn              = "arn:aws:sns:eu-west-1:000000000000:mock"
  documents_bucket_arn         = "arn:aws:s3:::documents"
  mysql_primary_address        = "primary.example"
  mysql_replica_addresses      = ["one.example", "two.example"]
  redis_address                = "valkey.example"
  serving                      = true
  release                      = { version = "1.4.0", sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
  image_id                     = null
  instance_type                = "m7g.large"
  min_size                     = 10
  max_size                     = 100
  cpu_percent                  = 70
  requests_per_target          = 30000
  max_instance_lifetime_days   = 14
  checkpoint_percentages       = [5, 25, 50, 100]
  checkpoint_delay_seconds     = 1800
  error_percent                = 1
  error_guard_requests         = 100
  deregistration_delay_seconds = 30
  mysql_pool_size              = 4
  redis_command_timeout_ms     = 50
  l1_bytes                     = 536870912
  drain_ms                     = 25000
  shutdown_ms                  = 40000
  log_level                    = "info"
  admin_networks               = ["198.51.100.0/24"]
  settings                     = { RATE_LIMIT_READS_PER_MINUTE = "300" }
  deletion_protection          = true
}

run "a_release_goes_out_in_steps_and_comes_back_by_the_alarm" {
  command = apply

  module {
    source = "./modules/service"
  }

  assert {
    condition     = aws_autoscaling_group.this.instance_refresh[0].preferences[0].checkpoint_percentages == tolist([5, 25, 50, 100])
    error_message = "5, 25, 50 and 100 percent."
  }

  assert {
    condition = alltrue([
      aws_autoscaling_group.this.instance_refresh[0].preferences[0].auto_rollback,
      aws_autoscaling_group.this.instance_refresh[0].preferences[0].alarm_specification[0].alarms == tolist(["turno-production-error-rate"]),
    ])
    error_message = "The error rate takes a release back."
  }

  assert {
    condition     = aws_autoscaling_group.this.launch_template[0].version == "7"
    error_message = "A number: with $Latest or $Default AWS cannot roll back."
  }

  assert {
    condition     = aws_autoscaling_group.this.instance_refresh[0].preferences[0].min_healthy_percentage == 100
    error_message = "A deploy costs no capacity."
  }

  assert {
    condition     = one(aws_autoscaling_group.this.initial_lifecycle_hook).heartbeat_timeout > 30 + 45
    error_message = "The hook has to wait for the balancer's last requests (30 s) and the slowest process (45 s)."
  }

  assert {
    condition     = aws_autoscaling_policy.requests.target_tracking_configuration[0].predefined_metric_specification[0].resource_label == "app/mock/0/targetgroup/mock/0"
    error_message = "Requests are counted for a balancer and a target group."
  }

  # What the instance is told: settings of src/config.ts, and nothing secret.
  assert {
    condition = alltrue([
      for line in ["DRAIN_MS=25000", "SHUTDOWN_MS=40000", "TRUST_PROXY=127.0.0.1", "MYSQL_POOL_SIZE=4", "ADMIN_ALLOW=127.0.0.0/8,::1,198.51.100.0/24", "RATE_LIMIT_READS_PER_MINUTE=300"] :
      strcontains(base64decode(aws_launch_template.this.user_data), "\n${line}\n")
    ])
    error_message = "The service's settings have to be in the user data, a line each."
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this.user_data), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  /tmp/$archive")
    error_message = "An instance checks what it downloads against the plan."
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this.user_data), "turno-1.4.0-linux-arm64.tar.gz")
    error_message = "Graviton instances fetch the release for Graviton."
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this.user_data), "TimeoutStopSec=45")
    error_message = "systemd waits as long as the service takes to leave, and five seconds."
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this.user_data), "\\([mysql([\"one.example\",\"two.example\"][])] | join(\",\"))")
    error_message = "Both replicas are read from."
  }
}

run "the_alarm_math_counts_every_failure_and_survives_a_quiet_night" {
  command = plan

  variables {
    error_percent        = 2.5
    error_guard_requests = 400
  }

  module {
    source = "./modules/service"
  }

  assert {
    condition     = output.error_rate.expression == "100 * (FILL(balancer, 0) + FILL(targets, 0)) / IF((FILL(requests, 0) + FILL(balancer, 0)) > 400, (FILL(requests, 0) + FILL(balancer, 0)), 400)"
    error_message = "Failures of balancer and targets, of all requests, never reckoned of fewer than the guard."
  }

  assert {
    # Each name in the formula is a series, each series is in the formula, and one of all is what alarms.
    condition = (
      sort([for query in aws_cloudwatch_metric_alarm.error_rate.metric_query : query.id if !query.return_data]) == tolist(["balancer", "requests", "targets"]) &&
      [for query in aws_cloudwatch_metric_alarm.error_rate.metric_query : query.id if query.return_data] == ["rate"] &&
      sort(distinct(flatten(regexall("FILL\\(([a-z]+), 0\\)", output.error_rate.expression)))) == tolist(["balancer", "requests", "targets"])
    )
    error_message = "The formula and its series do not belong together."
  }

  assert {
    condition = alltrue([
      for query in aws_cloudwatch_metric_alarm.error_rate.metric_query :
      query.metric[0].period == 60 && query.metric[0].stat == "Sum" if !query.return_data
    ])
    error_message = "Sums of a minute: a rate of averages is no rate."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.error_rate.threshold == 2.5 && aws_cloudwatch_metric_alarm.error_rate.treat_missing_data == "notBreaching"
    error_message = "The threshold is the variable's, and silence is no failure."
  }
}

run "a_drain_that_the_balancer_cannot_notice_in_time" {
  command = plan

  variables {
    drain_ms = 5000
  }

  module {
    source = "./modules/service"
  }

  expect_failures = [aws_launch_template.this]
}

run "a_region_that_stands_by_runs_nothing" {
  command = plan

  variables {
    serving = false
  }

  module {
    source = "./modules/service"
  }

  assert {
    condition     = aws_autoscaling_group.this.min_size == 0 && aws_autoscaling_group.this.max_size == 0
    error_message = "Two regions must not serve at once."
  }
}

run "a_type_says_its_architecture" {
  command = plan

  variables {
    instance_type = "t3.medium"
  }

  module {
    source = "./modules/service"
  }

  assert {
    condition     = endswith(data.aws_ssm_parameter.image[0].name, "x86_64") && one(aws_launch_template.this.credit_specification).cpu_credits == "unlimited"
    error_message = "t3 is Intel, and bursts."
  }
}

run "graviton_by_default_and_no_credits" {
  command = plan

  module {
    source = "./modules/service"
  }

  assert {
    condition     = endswith(data.aws_ssm_parameter.image[0].name, "arm64") && length(aws_launch_template.this.credit_specification) == 0
    error_message = "m7g is Graviton, and does not burst."
  }

  assert {
    condition     = aws_launch_template.this.metadata_options[0].http_tokens == "required" && aws_launch_template.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "Metadata by session token alone, and no further than the instance."
  }

  assert {
    condition     = aws_lb_target_group.this.health_check[0].path == "/health/ready" && aws_lb.this.internal
    error_message = "Ready is what counts, and the balancer has no public address."
  }
}
