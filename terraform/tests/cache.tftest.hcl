# Valkey by itself: one primary for the cache protocol, encrypted, and no password that Terraform knows.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                     = "turno-production"
  vpc_id                   = "vpc-0"
  subnet_ids               = { eu-west-1a = "subnet-a", eu-west-1b = "subnet-b", eu-west-1c = "subnet-c" }
  client_security_group_id = "sg-0"
  kms_key_arn              = "arn:aws:kms:eu-west-1:000000000000:key/mock"
  alarm_topic_arn          = "arn:aws:sns:eu-west-1:000000000000:mock"
  node_type                = "cache.r7g.large"
  nodes                    = 2
}

run "one_primary_that_fails_over_and_forgets" {
  command = plan

  module {
    source = "./modules/cache"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.cluster_mode == "disabled" && aws_elasticache_replication_group.this.automatic_failover_enabled
    error_message = "One connection has to see all announcements; another node takes over."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.snapshot_retention_limit == 0
    error_message = "An old dump would be another namespace: there is nothing to keep."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_mode == "required" && tobool(aws_elasticache_replication_group.this.at_rest_encryption_enabled)
    error_message = "Encrypted on the way and at rest."
  }

  assert {
    condition     = one([for parameter in aws_elasticache_parameter_group.this.parameter : parameter.value if parameter.name == "maxmemory-policy"]) == "allkeys-lru"
    error_message = "A full Valkey that refuses writes cannot be told of changes: it evicts."
  }

  assert {
    condition     = output.node_ids == ["turno-production-001", "turno-production-002"]
    error_message = "Alarms name the nodes as ElastiCache does."
  }
}

run "its_user_is_switched_off_until_it_has_a_password" {
  command = plan

  module {
    source = "./modules/cache"
  }

  assert {
    condition     = startswith(aws_elasticache_user.service.access_string, "off ") && aws_elasticache_user.service.passwords == null
    error_message = "A user without a password must not be able to do anything."
  }
}

run "a_single_node_cannot_fail_over" {
  command = plan

  variables {
    nodes = 1
  }

  module {
    source = "./modules/cache"
  }

  assert {
    condition     = !aws_elasticache_replication_group.this.automatic_failover_enabled && !aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "ElastiCache refuses failover without somewhere to go."
  }
}
