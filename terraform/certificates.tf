# The public name's certificates: one for CloudFront, which wants it in us-east-1, and one for each region's load
# balancer, to which CloudFront speaks by the same name. All three are proved by one DNS record: ACM asks the same of
# every certificate for a name.

data "aws_route53_zone" "this" {
  name = var.zone_name
}

resource "aws_acm_certificate" "edge" {
  region = "us-east-1"

  domain_name       = var.domain_name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_acm_certificate" "primary" {
  domain_name       = var.domain_name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_acm_certificate" "standby" {
  count    = var.standby == null ? 0 : 1
  provider = aws.standby

  domain_name       = var.domain_name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # Looked up by name rather than iterated over: the options are not known when a new certificate is planned.
  validation = one([for option in aws_acm_certificate.edge.domain_validation_options : option if option.domain_name == var.domain_name])
}

resource "aws_route53_record" "validation" {
  zone_id         = data.aws_route53_zone.this.zone_id
  name            = local.validation.resource_record_name
  type            = local.validation.resource_record_type
  records         = [local.validation.resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "edge" {
  region = "us-east-1"

  certificate_arn         = aws_acm_certificate.edge.arn
  validation_record_fqdns = [aws_route53_record.validation.fqdn]
}

resource "aws_acm_certificate_validation" "primary" {
  certificate_arn         = aws_acm_certificate.primary.arn
  validation_record_fqdns = [aws_route53_record.validation.fqdn]
}

resource "aws_acm_certificate_validation" "standby" {
  count    = var.standby == null ? 0 : 1
  provider = aws.standby

  certificate_arn         = aws_acm_certificate.standby[0].arn
  validation_record_fqdns = [aws_route53_record.validation.fqdn]
}
