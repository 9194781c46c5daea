# A VPC over three zones with three kinds of subnets: public (NAT gateways alone), application, and data, which has no
# way out at all. No instance and no load balancer has a public address: CloudFront reaches the balancer from inside.

data "aws_availability_zones" "available" {
  state = "available"

  # Local and Wavelength zones have neither RDS nor every instance type.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

data "aws_region" "current" {}

locals {
  zones = slice(sort(data.aws_availability_zones.available.names), 0, 3)

  # Of a /16: a /20 of /24s for public, /22s for applications (a thousand addresses a zone), /24s for data. What is
  # left between them is room for a fourth zone or another kind.
  public_cidrs      = { for index, zone in local.zones : zone => cidrsubnet(var.cidr, 8, index) }
  application_cidrs = { for index, zone in local.zones : zone => cidrsubnet(var.cidr, 6, 4 + index) }
  data_cidrs        = { for index, zone in local.zones : zone => cidrsubnet(var.cidr, 8, 48 + index) }

  # One gateway for all zones makes its zone a single point of failure; it is offered for what may fail.
  nat_zones = var.nat == "per-zone" ? local.zones : slice(local.zones, 0, 1)
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = { Name = var.name }
}

# The default group lets all of its members talk to each other: emptied, so that forgetting to name a group shows.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-unused" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.name }
}

resource "aws_subnet" "public" {
  for_each = local.public_cidrs

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_subnet" "application" {
  for_each = local.application_cidrs

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-application-${each.key}" }
}

resource "aws_subnet" "data" {
  for_each = local.data_cidrs

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-data-${each.key}" }
}
