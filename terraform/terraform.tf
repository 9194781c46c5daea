terraform {
  # Cross-variable validation is of 1.9; write-only arguments, which keep secrets out of state, of 1.11.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.46"
    }
  }
}
