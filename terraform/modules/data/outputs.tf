output "primary" {
  description = "The primary: its address, identifier and ARN."
  value = {
    address    = aws_db_instance.primary.address
    identifier = aws_db_instance.primary.identifier
    arn        = aws_db_instance.primary.arn
  }
}

output "replicas" {
  description = "The replicas: address and identifier, by number."
  value = {
    for number, replica in aws_db_instance.replica : number => {
      address    = replica.address
      identifier = replica.identifier
    }
  }
}

output "operator_secret_arn" {
  description = "Secret that RDS keeps for the user `operator`, who makes users and migrates; null in a standby."
  value       = one(aws_db_instance.primary.master_user_secret[*].secret_arn)
}

output "documents_bucket" {
  description = "Bucket of uploaded documents."
  value = {
    name = aws_s3_bucket.documents.bucket
    arn  = aws_s3_bucket.documents.arn
  }
}

output "backup_vault_arn" {
  description = "Vault that backups of another region may be copied to."
  value       = aws_backup_vault.this.arn
}

output "parameters" {
  description = "The server's parameters by name."
  value       = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value }
}
