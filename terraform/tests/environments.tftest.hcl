# The two environments, by their main differences: what is in environments/*.tfvars is held against it by the plans that
# the policy tests make.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "standby"
  source = "./tests/mocks"
}

run "staging_is_small_and_a_plan_says_what_it_may_not_survive" {
  command = plan

  variables {
    environment         = "staging"
    domain_name         = "api.staging.example.com"
    zone_name           = "example.com"
    alarm_emails        = ["operators@example.com"]
    deletion_protection = false
    network             = { nat = "single", interface_endpoints = [] }
    fleet               = { instance_type = "t4g.medium", min_size = 2, max_size = 4 }
    rollout             = { checkpoint_percentages = [50, 100], checkpoint_delay_seconds = 300 }
    database            = { replicas = 1, multi_az = false, max_connections = 200, storage_gib = 20, max_storage_gib = 50 }
    cache               = { node_type = "cache.t4g.small", nodes = 1 }
    edge                = { admin_networks = ["198.51.100.0/24"] }
  }

  expect_failures = [check.a_zone_may_be_lost]

  assert {
    # 5 instances in a refresh (4 and a tenth, rounded up), 2 processes, 6 connections.
    condition     = output.connections_at_most.used == 60
    error_message = "Four small instances open ${output.connections_at_most.used} connections, not 60."
  }

  assert {
    condition     = length(output.primary.nat_addresses) == 1 && length(output.primary.replica_addresses) == 1
    error_message = "One way out, one replica."
  }
}
