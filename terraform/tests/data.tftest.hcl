# MySQL by itself: what the cache protocol and the recovery objectives need of it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                     = "turno-production"
  region                   = "eu-west-1"
  partition                = "aws"
  vpc_id                   = "vpc-0"
  subnet_ids               = { eu-west-1a = "subnet-a", eu-west-1b = "subnet-b", eu-west-1c = "subnet-c" }
  client_security_group_id = "sg-0"
  kms_key_arn              = "arn:aws:kms:eu-west-1:000000000000:key/mock"
  alarm_topic_arn          = "arn:aws:sns:eu-west-1:000000000000:mock"
  engine_version           = "8.4"
  instance_class           = "db.r8g.xlarge"
  replica_class            = "db.r8g.large"
  replicas                 = 3
  multi_az                 = true
  storage_gib              = 100
  max_storage_gib          = 1000
  max_connections          = 2000
  backup_retention_days    = 14
  deletion_protection      = true
}

run "what_the_cache_protocol_rests_on" {
  command = plan

  module {
    source = "./modules/data"
  }

  assert {
    condition     = output.parameters["innodb_flush_log_at_trx_commit"] == "1" && output.parameters["sync_binlog"] == "1"
    error_message = "A version that was told must survive the server."
  }

  assert {
    condition     = output.parameters["replica_preserve_commit_order"] == "1" && output.parameters["binlog_format"] == "ROW"
    error_message = "A replica must show a version never before the rows it speaks of."
  }

  assert {
    condition     = output.parameters["gtid-mode"] == "ON" && output.parameters["enforce_gtid_consistency"] == "ON"
    error_message = "A replica must be able to follow a promoted primary."
  }

  assert {
    condition     = output.parameters["transaction_isolation"] == "READ-COMMITTED" && output.parameters["time_zone"] == "UTC"
    error_message = "READ COMMITTED and UTC."
  }

  assert {
    condition     = output.parameters["require_secure_transport"] == "1"
    error_message = "Nobody connects in the clear."
  }
}

run "a_primary_that_survives_a_zone_and_a_replica_in_each" {
  command = plan

  module {
    source = "./modules/data"
  }

  assert {
    condition     = aws_db_instance.primary.multi_az && aws_db_instance.primary.storage_encrypted && !aws_db_instance.primary.publicly_accessible
    error_message = "Multi-AZ, encrypted, private."
  }

  assert {
    condition     = aws_db_instance.primary.manage_master_user_password && aws_db_instance.primary.password == null
    error_message = "RDS keeps the operator's password; Terraform never sees it."
  }

  assert {
    condition     = toset([for replica in aws_db_instance.replica : replica.availability_zone]) == toset(["eu-west-1a", "eu-west-1b", "eu-west-1c"])
    error_message = "A replica in each zone."
  }

  assert {
    condition     = length(distinct([for replica in aws_db_instance.replica : replica.maintenance_window])) == 3
    error_message = "Never two replicas in maintenance at once."
  }

  assert {
    condition     = aws_db_instance.primary.backup_retention_period == 14 && length(aws_backup_plan.this.rule) == 2
    error_message = "Two weeks to any moment of, and a vault beside it."
  }
}

run "four_replicas_share_three_zones" {
  command = plan

  variables {
    replicas = 4
  }

  module {
    source = "./modules/data"
  }

  assert {
    condition     = aws_db_instance.replica["4"].availability_zone == "eu-west-1a"
    error_message = "The fourth begins anew."
  }
}

run "a_standby_takes_everything_from_its_source" {
  command = plan

  variables {
    source_arn = "arn:aws:rds:eu-west-1:000000000000:db:turno-production-primary"
    replicas   = 0
  }

  module {
    source = "./modules/data"
  }

  assert {
    condition = alltrue([
      aws_db_instance.primary.replicate_source_db == "arn:aws:rds:eu-west-1:000000000000:db:turno-production-primary",
      aws_db_instance.primary.manage_master_user_password == null,
      # Its own region's key: an encrypted replica cannot use the source's.
      aws_db_instance.primary.kms_key_id == "arn:aws:kms:eu-west-1:000000000000:key/mock",
    ])
    error_message = "RDS refuses a replica that is told engine, user or password, and one without a key of its region."
  }
}

run "another_regions_database_is_named_by_arn" {
  command = plan

  variables {
    source_arn = "turno-production-primary"
  }

  module {
    source = "./modules/data"
  }

  expect_failures = [aws_db_instance.primary]
}

run "storage_can_grow" {
  command = plan

  variables {
    max_storage_gib = 105
  }

  module {
    source = "./modules/data"
  }

  expect_failures = [var.max_storage_gib]
}
