# The whole, as an engineer meets it: what the variables promise, what they refuse, what a plan warns of.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "standby"
  source = "./tests/mocks"
}

variables {
  environment  = "production"
  domain_name  = "api.example.com"
  zone_name    = "example.com"
  alarm_emails = ["operators@example.com"]
  edge         = { admin_networks = ["198.51.100.0/24"] }
  release      = { version = "1.4.0", sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
}

run "the_defaults_are_ten_to_a_hundred_instances_that_fit_the_database" {
  command = plan

  assert {
    condition     = var.fleet.min_size == 10 && var.fleet.max_size == 100 && var.fleet.cpu_percent == 70
    error_message = "The fleet's defaults are 10 to 100 at 70 % CPU."
  }

  assert {
    # 110 instances in a refresh, 2 processes, 4 connections for writes and 2 for reads.
    condition     = output.connections_at_most.used == 110 * 2 * 6 && output.connections_at_most.accepted == 2000
    error_message = "The largest fleet opens ${output.connections_at_most.used} connections, not 1320 of 2000."
  }

  assert {
    condition     = length(output.primary.replica_addresses) == 3 && output.standby == null
    error_message = "Three replicas, one region."
  }

  assert {
    condition     = output.distribution.origin == "primary" && output.url == "https://api.example.com"
    error_message = "CloudFront asks the primary."
  }
}

run "before_the_first_release_everything_is_made_and_nothing_runs" {
  command = apply

  variables {
    release = null
  }

  assert {
    condition     = output.primary.secret_name == "turno-production/service" && output.primary.redis_user_id == "turno-production-service"
    error_message = "The places for secrets have to be there before an instance is."
  }
}

run "two_regions_and_one_serves" {
  command = plan

  variables {
    standby = { region = "eu-central-1" }
    # Ascending as numbers; as words 100 would come before 5.
    rollout = { checkpoint_percentages = [5, 10, 100] }
  }

  assert {
    condition     = output.standby.region == "eu-central-1" && length(output.standby.replica_addresses) == 0 && length(output.primary.replica_addresses) == 3
    error_message = "The standby follows with one database and has no replicas of its own."
  }

  assert {
    condition     = output.distribution.origin == "primary"
    error_message = "While the primary serves, CloudFront asks it."
  }
}

run "the_other_region_takes_over" {
  command = plan

  variables {
    standby = { region = "eu-central-1" }
    serving = "standby"
  }

  assert {
    condition     = output.distribution.origin == "standby" && length(output.standby.replica_addresses) == 3 && length(output.primary.replica_addresses) == 0
    error_message = "Serving, the standby has the replicas and CloudFront's traffic; the region given up has neither."
  }
}

# A mistake in each of several variables, and each has to be told: a run that lists them fails for one that is not.

run "what_is_refused" {
  command = plan

  variables {
    environment = "a-production-of-ours"                                   # names of load balancers end at 32
    zone_name   = "example.org"                                            # does not hold api.example.com
    release     = { version = "1.4.0", sha256 = "latest" }                 # no digest
    fleet       = { min_size = 1 }                                         # no fleet
    rollout     = { checkpoint_percentages = [5, 50, 25, 100] }            # not ascending
    service     = { settings = { JWT_SECRET = "would lie in the state" } } # a secret
    cache       = { nodes = 7 }                                            # more than ElastiCache takes
    edge        = { admin_networks = ["0.0.0.0/0"] }                       # everybody
    network     = { nat = "none" }                                         # no way out
  }

  expect_failures = [
    var.environment, var.zone_name, var.release, var.fleet, var.rollout, var.service, var.cache, var.edge, var.network,
  ]
}

run "what_is_refused_as_well" {
  command = plan

  variables {
    standby             = { region = "eu-west-1" } # is the region that serves
    release             = { version = "../1.4.0", sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
    fleet               = { image_id = "/aws/service/ami-amazon-linux-latest" }       # could not be rolled back
    rollout             = { checkpoint_percentages = [5, 25, 50] }                    # would leave two releases running
    service             = { settings = { OTEL_SERVICE_NAME = "turno\nEND\nreboot" } } # would run in a shell
    edge                = { admin_paths = ["/Admin"] }                                # compared after lowering
    alarm_emails        = ["operators"]                                               # no address
    latency_p95_seconds = 0
    log_retention_days  = 31 # CloudWatch does not know it
  }

  expect_failures = [
    var.standby, var.release, var.fleet, var.rollout, var.service, var.edge, var.alarm_emails,
    var.latency_p95_seconds, var.log_retention_days,
  ]
}

run "a_drain_ends_before_the_shutdown_and_nobody_takes_over_who_is_not_there" {
  command = plan

  variables {
    serving = "standby"
    service = { drain_ms = 40000, shutdown_ms = 40000 }
  }

  expect_failures = [var.service, var.serving]
}

run "the_largest_fleet_has_to_fit_the_primary" {
  command = plan

  variables {
    # 110 instances, a process for each of 4 cores, 3 connections for writes and 2 for reads: 2200 of 2000.
    fleet   = { instance_type = "m7g.xlarge" }
    service = { mysql_pool_size = 3 }
  }

  expect_failures = [var.database]
}

run "what_a_plan_warns_of" {
  command = plan

  variables {
    fleet               = { min_size = 2, max_size = 4 }
    edge                = {}
    alarm_emails        = []
    deletion_protection = false
    database            = { backup_retention_days = 3 }
  }

  expect_failures = [
    check.a_zone_may_be_lost, check.administration_is_reachable, check.alarms_reach_somebody, check.production_is_protected,
    check.recovery_point,
  ]
}
