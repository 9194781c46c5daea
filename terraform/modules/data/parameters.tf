# The server's settings. Those of the first group are what docs/coherence.md rests on: with another value the cache
# would serve what is old, or a failover would lose what was acknowledged.

locals {
  coherence = {
    # A version is committed with its rows, and both survive whatever ends the server.
    innodb_flush_log_at_trx_commit = "1"
    sync_binlog                    = "1"

    # A replica shows transactions in the order of the primary's commits: a version never before the rows it speaks of.
    replica_preserve_commit_order = "1"
    replica_parallel_workers      = "4"

    # Rows, not statements: a replica holds what the primary holds. GTIDs let it follow a promoted primary.
    binlog_format            = "ROW"
    gtid-mode                = "ON"
    enforce_gtid_consistency = "ON"

    # The service sets these for each of its sessions; whoever comes with another client finds the same.
    transaction_isolation = "READ-COMMITTED"
    time_zone             = "UTC"
  }

  safety = {
    require_secure_transport = "1"
    local_infile             = "0"
    character_set_server     = "utf8mb4"
    collation_server         = "utf8mb4_unicode_520_ci"
    max_connections          = tostring(var.max_connections)

    # A wait for a row lock ends before the request that waits is given up.
    innodb_lock_wait_timeout   = "2"
    innodb_print_all_deadlocks = "1"

    slow_query_log  = "1"
    long_query_time = "0.5"
    log_output      = "FILE"
  }

  # Read when the server starts; all others take effect at once.
  read_at_start = ["gtid-mode", "enforce_gtid_consistency"]
}

resource "aws_db_parameter_group" "this" {
  # A new family is a new group beside the old: the old one is in use until the upgrade is through.
  name_prefix = "${var.name}-mysql84-"
  family      = "mysql8.4"
  description = "Durable, ordered, in UTC: what the cache protocol needs"

  dynamic "parameter" {
    for_each = merge(local.coherence, local.safety)

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = contains(local.read_at_start, parameter.key) ? "pending-reboot" : "immediate"
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}
