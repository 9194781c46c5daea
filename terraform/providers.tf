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
