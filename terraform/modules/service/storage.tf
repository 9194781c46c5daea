# What an instance fetches when it boots: the release, and the secrets. Terraform makes the places and never sees what
# is put there: README.md, "First deploy" and "Rotate secrets".

resource "aws_secretsmanager_secret" "service" {
  name        = "${var.name}/service"
  description = "JSON: mysqlPassword, redisPassword, and settings: an object of secret settings by their own names"
  kms_key_id  = var.kms_key_arn

  recovery_window_in_days = var.deletion_protection ? 30 : 7
}

resource "aws_s3_bucket" "releases" {
  bucket_prefix = "${var.name}-releases-"
  force_destroy = false
}

resource "aws_s3_bucket_public_access_block" "releases" {
  bucket = aws_s3_bucket.releases.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "releases" {
  bucket = aws_s3_bucket.releases.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "releases" {
  bucket = aws_s3_bucket.releases.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

# A release that was overwritten can be had back; none expires, for a rollback needs the one before.
resource "aws_s3_bucket_versioning" "releases" {
  bucket = aws_s3_bucket.releases.id

  versioning_configuration {
    status = "Enabled"
  }
}

data "aws_iam_policy_document" "releases" {
  statement {
    # Never in the clear.
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.releases.arn, "${aws_s3_bucket.releases.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "releases" {
  bucket = aws_s3_bucket.releases.id

  policy = data.aws_iam_policy_document.releases.json

  depends_on = [aws_s3_bucket_public_access_block.releases]
}

# Not the access log of nginx: CloudFront and the load balancer write every request to the bucket, at a twentieth of the price.
resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["service", "nginx", "boot"])

  name              = "/turno/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
