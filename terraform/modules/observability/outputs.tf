output "log_bucket" {
  description = "Bucket of the load balancer's, CloudFront's and flow logs."
  value = {
    name = aws_s3_bucket.logs.bucket
    arn  = aws_s3_bucket.logs.arn
  }

  # Whoever is to write there may do so from then on.
  depends_on = [aws_s3_bucket_policy.logs]
}

output "alarm_topic_arn" {
  description = "Topic of all alarms of the region."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard_name" {
  description = "The dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
