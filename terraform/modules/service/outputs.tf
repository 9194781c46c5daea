output "balancer" {
  description = "The load balancer: its ARN, its address, and its name in metrics."
  value = {
    arn        = aws_lb.this.arn
    address    = aws_lb.this.dns_name
    arn_suffix = aws_lb.this.arn_suffix
  }
}

output "target_group_arn_suffix" {
  description = "The target group's name in metrics."
  value       = aws_lb_target_group.this.arn_suffix
}

output "group_name" {
  description = "The autoscaling group."
  value       = aws_autoscaling_group.this.name
}

output "instance_security_group_id" {
  description = "Who connects to the databases."
  value       = aws_security_group.instance.id
}

output "releases_bucket" {
  description = "Where releases are put, under `releases/`."
  value       = aws_s3_bucket.releases.bucket
}

output "secret_name" {
  description = "Where the service's secrets are put."
  value       = aws_secretsmanager_secret.service.name
}

output "log_groups" {
  description = "Logs of service, nginx and boot."
  value       = { for kind, group in aws_cloudwatch_log_group.this : kind => group.name }
}

output "error_rate" {
  description = "The rollback alarm and its formula, for the dashboard."
  value = {
    alarm_name = aws_cloudwatch_metric_alarm.error_rate.alarm_name
    expression = local.error_rate
  }
}
