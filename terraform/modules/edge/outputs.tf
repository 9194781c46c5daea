output "distribution" {
  description = "The distribution: id for invalidations, domain, and the origin it asks."
  value = {
    id          = aws_cloudfront_distribution.this.id
    domain_name = aws_cloudfront_distribution.this.domain_name
    origin      = var.serving
  }
}

output "firewall_arn" {
  description = "The web ACL."
  value       = aws_wafv2_web_acl.this.arn
}
