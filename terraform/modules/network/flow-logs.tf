# Who talked to whom: rejected traffic alone, which is what an investigation begins with at a tenth of the volume.

resource "aws_flow_log" "rejected" {
  vpc_id                   = aws_vpc.this.id
  traffic_type             = "REJECT"
  log_destination_type     = "s3"
  log_destination          = "${var.log_bucket_arn}/flow"
  max_aggregation_interval = 600

  destination_options {
    file_format        = "parquet"
    per_hour_partition = true
  }

  tags = { Name = "${var.name}-rejected" }
}
