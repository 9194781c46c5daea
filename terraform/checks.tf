# What is allowed and may still be a mistake: a plan warns of it and goes on.

check "alarms_reach_somebody" {
  assert {
    condition     = length(var.alarm_emails) > 0
    error_message = "alarm_emails is empty: nobody is told when something breaks."
  }
}

check "administration_is_reachable" {
  assert {
    condition     = length(var.edge.admin_networks) > 0
    error_message = "edge.admin_networks is empty: administration is reached from nowhere."
  }
}

check "a_zone_may_be_lost" {
  assert {
    condition     = var.fleet.min_size >= 3
    error_message = "Fewer than 3 instances: with a zone gone, half of the fleet or all of it is gone."
  }

  assert {
    condition     = var.database.multi_az && var.cache.nodes >= 2 && var.network.nat == "per-zone"
    error_message = "With a zone goes the database, Valkey or the way out: multi_az, two nodes and a NAT gateway per zone prevent it."
  }
}

check "production_is_protected" {
  assert {
    condition     = var.environment != "production" || var.deletion_protection
    error_message = "Production may be deleted by a mistyped plan: set deletion_protection."
  }
}

check "recovery_point" {
  assert {
    # The service may lose 15 minutes; point-in-time recovery loses 5, if there are days of it to go back to.
    condition     = var.environment != "production" || var.database.backup_retention_days >= 7
    error_message = "A mistake that is noticed after a long weekend could not be undone: keep 7 days or more."
  }
}
