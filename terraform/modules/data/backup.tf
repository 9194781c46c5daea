# Backups beside RDS's own. Its point-in-time recovery (five minutes, `backup_retention_days`) is what a restore begins
# with; these are what is left when the instance itself was deleted, in a vault of their own and in another region.
# They are restored twice a month, unattended, so that a backup which cannot be restored is noticed before it is needed.

resource "aws_backup_vault" "this" {
  name        = var.name
  kms_key_arn = var.kms_key_arn
}

resource "aws_backup_plan" "this" {
  name = var.name

  rule {
    rule_name         = "hourly"
    target_vault_name = aws_backup_vault.this.name
    schedule          = "cron(0 * * * ? *)"
    start_window      = 60
    completion_window = 180

    lifecycle {
      opt_in_to_archive_for_supported_resources = false
      delete_after                              = 2
    }
  }

  rule {
    rule_name         = "daily"
    target_vault_name = aws_backup_vault.this.name
    schedule          = "cron(30 3 * * ? *)"
    start_window      = 60
    completion_window = 480

    lifecycle {
      opt_in_to_archive_for_supported_resources = false
      delete_after                              = 35
    }

    dynamic "copy_action" {
      for_each = var.copy_vault_arn == null ? [] : [var.copy_vault_arn]

      content {
        destination_vault_arn = copy_action.value

        lifecycle {
          opt_in_to_archive_for_supported_resources = false
          delete_after                              = 35
        }
      }
    }
  }
}

resource "aws_backup_selection" "this" {
  name         = "primary"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = [aws_db_instance.primary.arn]
}

resource "aws_backup_restore_testing_plan" "this" {
  # Letters, digits and underscores alone.
  name                = replace("${var.name}_rehearsal", "-", "_")
  schedule_expression = "cron(0 5 1,15 * ? *)"
  start_window_hours  = 4

  recovery_point_selection {
    algorithm             = "LATEST_WITHIN_WINDOW"
    include_vaults        = [aws_backup_vault.this.arn]
    recovery_point_types  = ["SNAPSHOT"]
    selection_window_days = 7
  }
}

resource "aws_backup_restore_testing_selection" "this" {
  name                      = "primary"
  restore_testing_plan_name = aws_backup_restore_testing_plan.this.name
  iam_role_arn              = aws_iam_role.backup.arn
  protected_resource_type   = "RDS"
  protected_resource_arns   = [aws_db_instance.primary.arn]
  # Time for the checks of the restore runbook before the copy is deleted again.
  validation_window_hours = 4

  restore_metadata_overrides = {
    dbsubnetgroupname = aws_db_subnet_group.this.name
    multiaz           = "false"
  }
}

data "aws_iam_policy_document" "backup_assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["backup.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "backup" {
  name = "${var.name}-${var.region}-backup"

  assume_role_policy = data.aws_iam_policy_document.backup_assume.json
}

resource "aws_iam_role_policy_attachment" "backup" {
  for_each = toset(["AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores"])

  role       = aws_iam_role.backup.name
  policy_arn = "arn:${var.partition}:iam::aws:policy/service-role/${each.key}"
}
