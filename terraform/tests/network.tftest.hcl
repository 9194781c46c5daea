# Three zones, and no way in.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                = "turno-production"
  cidr                = "10.40.0.0/16"
  nat                 = "per-zone"
  interface_endpoints = ["logs"]
  log_bucket_arn      = "arn:aws:s3:::logs"
}

run "three_zones_of_however_many_there_are" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition     = output.zones == tolist(["eu-west-1a", "eu-west-1b", "eu-west-1c"]) && length(aws_nat_gateway.this) == 3
    error_message = "Three zones, a way out in each."
  }

  assert {
    condition = length(distinct(concat(
      [for subnet in aws_subnet.public : subnet.cidr_block],
      [for subnet in aws_subnet.application : subnet.cidr_block],
      [for subnet in aws_subnet.data : subnet.cidr_block],
    ))) == 9
    error_message = "Nine subnets that do not share a block."
  }

  assert {
    condition     = aws_subnet.application["eu-west-1a"].cidr_block == "10.40.16.0/22" && aws_subnet.data["eu-west-1a"].cidr_block == "10.40.48.0/24"
    error_message = "A thousand addresses for instances in each zone, beside the data subnets."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "Nothing gets a public address by itself."
  }
}

run "one_way_out_for_what_may_fail" {
  command = plan

  variables {
    nat = "single"
  }

  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 3
    error_message = "One gateway, and every zone leads to it."
  }
}

run "a_block_too_small_for_nine_subnets" {
  command = plan

  variables {
    cidr = "10.40.0.0/20"
  }

  module {
    source = "./modules/network"
  }

  expect_failures = [var.cidr]
}
