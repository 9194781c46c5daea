provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

# Where the standby lives. Without one nothing is made through this provider.
provider "aws" {
  alias  = "standby"
  region = local.standby_region

  default_tags {
    tags = local.tags
  }
}

# CloudFront takes its certificate and its firewall from us-east-1 alone.
provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"

  default_tags {
    tags = local.tags
  }
}
