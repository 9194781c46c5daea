# MySQL 8.4: a Multi-AZ primary, whose standby takes over without losing a commit, and replicas to read from. In a
# standby region the "primary" is itself a replica of the other region's, until that region is given up (`source_arn`).

locals {
  # A replica takes engine, storage, user and password from its source and refuses to be told them.
  follows = var.source_arn != null

  exports = ["error", "slowquery"]
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Data subnets of ${var.name}"
  subnet_ids  = values(var.subnet_ids)
}

resource "aws_db_instance" "primary" {
  identifier     = "${var.name}-primary"
  engine         = local.follows ? null : "mysql"
  engine_version = local.follows ? null : var.engine_version
  instance_class = var.instance_class
  multi_az       = var.multi_az

  # Removing the source promotes: Terraform's own words for giving the other region up.
  replicate_source_db = var.source_arn

  db_name  = local.follows ? null : "turno"
  username = local.follows ? null : "operator"
  # RDS makes, keeps and rotates this password; neither plan nor state ever sees it. The service has its own user.
  manage_master_user_password   = local.follows ? null : true
  master_user_secret_kms_key_id = local.follows ? null : var.kms_key_arn

  storage_type          = "gp3"
  allocated_storage     = local.follows ? null : var.storage_gib
  max_allocated_storage = var.max_storage_gib
  storage_encrypted     = true
  kms_key_id            = var.kms_key_arn

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false
  port                   = 3306
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  parameter_group_name = aws_db_parameter_group.this.name

  # Point-in-time recovery loses five minutes at most: RDS ships the log that often.
  backup_retention_period  = var.backup_retention_days
  backup_window            = "01:30-02:30"
  copy_tags_to_snapshot    = true
  delete_automated_backups = false

  maintenance_window          = "sun:03:00-sun:04:00"
  auto_minor_version_upgrade  = true
  allow_major_version_upgrade = false
  apply_immediately           = false

  # Not `prevent_destroy`: that would also refuse the end of a `terraform test`.
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !var.deletion_protection
  final_snapshot_identifier = var.deletion_protection ? "${var.name}-final" : null

  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring.arn
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.kms_key_arn
  enabled_cloudwatch_logs_exports = local.exports

  lifecycle {
    # Said once, when it is made. A promoted replica that reports another would be replaced for it, with all it holds.
    ignore_changes = [db_name, username]

    precondition {
      condition     = !local.follows || try(regex("^arn:", var.source_arn), null) != null
      error_message = "A replica in another region follows by ARN: an identifier is looked for in its own region."
    }
  }

  timeouts {
    create = "90m"
    update = "120m"
  }

  depends_on = [aws_cloudwatch_log_group.primary]
}

# One in each zone, in turn: a zone that is lost takes one of three. The service leaves a lagging or dead one by itself.
resource "aws_db_instance" "replica" {
  for_each = { for index in range(var.replicas) : tostring(index + 1) => keys(var.subnet_ids)[index % length(var.subnet_ids)] }

  identifier          = "${var.name}-replica-${each.key}"
  replicate_source_db = aws_db_instance.primary.identifier
  instance_class      = var.replica_class
  availability_zone   = each.value

  storage_type          = "gp3"
  max_allocated_storage = var.max_storage_gib
  storage_encrypted     = true

  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false
  port                   = 3306
  ca_cert_identifier     = "rds-ca-rsa2048-g1"
  parameter_group_name   = aws_db_parameter_group.this.name

  # What a replica holds, the primary holds: nothing to back up, nothing to snapshot at its end.
  backup_retention_period = 0
  skip_final_snapshot     = true
  deletion_protection     = false

  # An hour after the primary's, and a different day each: never two of them away at once.
  maintenance_window         = "${element(["mon", "tue", "wed", "thu", "fri"], tonumber(each.key) - 1)}:03:00-${element(["mon", "tue", "wed", "thu", "fri"], tonumber(each.key) - 1)}:04:00"
  auto_minor_version_upgrade = true
  apply_immediately          = false

  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring.arn
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.kms_key_arn
  enabled_cloudwatch_logs_exports = local.exports

  depends_on = [aws_cloudwatch_log_group.replica]
}

# RDS would make these itself, without a key and without an end.
resource "aws_cloudwatch_log_group" "primary" {
  for_each = toset(local.exports)

  name              = "/aws/rds/instance/${var.name}-primary/${each.key}"
  retention_in_days = 30
  kms_key_id        = var.kms_key_arn
}

resource "aws_cloudwatch_log_group" "replica" {
  for_each = { for pair in setproduct(range(1, var.replicas + 1), local.exports) : "${pair[0]}-${pair[1]}" => pair }

  name              = "/aws/rds/instance/${var.name}-replica-${each.value[0]}/${each.value[1]}"
  retention_in_days = 30
  kms_key_id        = var.kms_key_arn
}

data "aws_iam_policy_document" "monitoring_assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "monitoring" {
  name = "${var.name}-${var.region}-rds-monitoring"

  assume_role_policy = data.aws_iam_policy_document.monitoring_assume.json
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:${var.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_security_group" "this" {
  name        = "${var.name}-database"
  description = "MySQL of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-database" }
}

resource "aws_vpc_security_group_ingress_rule" "service" {
  security_group_id            = aws_security_group.this.id
  description                  = "MySQL from the service"
  referenced_security_group_id = var.client_security_group_id
  from_port                    = 3306
  to_port                      = 3306
  ip_protocol                  = "tcp"
}

resource "aws_db_event_subscription" "this" {
  name        = var.name
  sns_topic   = var.alarm_topic_arn
  source_type = "db-instance"
  source_ids  = concat([aws_db_instance.primary.identifier], [for replica in aws_db_instance.replica : replica.identifier])

  event_categories = ["availability", "failover", "failure", "low storage", "read replica", "recovery"]
}
