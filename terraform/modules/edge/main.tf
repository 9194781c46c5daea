# What the world sees: CloudFront, which ends TLS, absorbs and caches, and reaches the load balancer inside the VPC.

locals {
  # Where CloudFront looks for its firewall, and where its metrics are.
  global = "us-east-1"

  origin = var.origins[var.serving]

  # CloudFront keeps an error for ten seconds of its own accord: a profile that was just made would stay "not found", and
  # a fleet that is back would stay away. What an error's own Cache-Control says still counts.
  errors = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]
}

# One for each region: exchanging the origin of a region that was lost must not wait for one to be made.
resource "aws_cloudfront_vpc_origin" "this" {
  for_each = var.origins

  vpc_origin_endpoint_config {
    name                   = "${var.name}-${each.key}"
    arn                    = each.value.arn
    http_port              = 80
    https_port             = 443
    origin_protocol_policy = "https-only"

    origin_ssl_protocols {
      items    = ["TLSv1.2"]
      quantity = 1
    }
  }
}

# The service says how long; this only bounds it. Whoever asks with a token asks for himself: an answer to one must never
# be given to another, not even by mistake of a header. And whoever has just written sends what he wrote as a token
# (docs/coherence.md): an entry older than that must not answer him.
resource "aws_cloudfront_cache_policy" "this" {
  name        = var.name
  comment     = "What the service's Cache-Control says, to each his own"
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = var.max_age_seconds

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

    headers_config {
      header_behavior = "whitelist"

      headers {
        items = ["Authorization", "Turno-Consistency-Token"]
      }
    }

    query_strings_config {
      query_string_behavior = "all"
    }

    cookies_config {
      cookie_behavior = "none"
    }
  }
}

# The Host header goes on as it is: it is what the load balancer's certificate is for.
data "aws_cloudfront_origin_request_policy" "all_viewer" {
  name = "Managed-AllViewer"
}

resource "aws_cloudfront_distribution" "this" {
  comment         = var.name
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = var.price_class
  aliases         = [var.domain_name]
  web_acl_id      = aws_wafv2_web_acl.this.arn

  origin {
    origin_id           = var.serving
    domain_name         = local.origin.address
    connection_attempts = 2
    connection_timeout  = 3

    vpc_origin_config {
      vpc_origin_id            = aws_cloudfront_vpc_origin.this[var.serving].id
      origin_keepalive_timeout = 30
      # Longer than nginx' own limit, so that its answer is the one given; a stream of events speaks more often.
      origin_read_timeout = 60
    }

    # One place asks for all: a crowd around the world on an entry that has ended costs one request.
    origin_shield {
      enabled              = true
      origin_shield_region = local.origin.region
    }
  }

  default_cache_behavior {
    target_origin_id         = var.serving
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods           = ["GET", "HEAD"]
    compress                 = true
    cache_policy_id          = aws_cloudfront_cache_policy.this.id
    origin_request_policy_id = data.aws_cloudfront_origin_request_policy.all_viewer.id
  }

  # For what is rare and urgent: taken down, erased, imported. Purging by tag on each write would cost more than all
  # the rest ($0.005 a tag); the short life does that.
  cache_tag_config {
    header_name = "Cache-Tag"
  }

  dynamic "custom_error_response" {
    for_each = toset(local.errors)

    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
}

resource "aws_route53_record" "this" {
  for_each = toset(["A", "AAAA"])

  zone_id = var.zone_id
  name    = var.domain_name
  type    = each.key

  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}
