variable "name" {
  description = "Prefix of all names, such as `turno-production`."
  type        = string
}

variable "cidr" {
  description = "Address block of the VPC, a /16. Blocks of two regions must not overlap: they may be peered one day."
  type        = string

  validation {
    condition     = can(cidrsubnet(var.cidr, 8, 255)) && endswith(var.cidr, "/16")
    error_message = "The address block has to be a /16, such as 10.40.0.0/16."
  }
}

variable "nat" {
  description = "`per-zone`: a NAT gateway in every zone. `single`: one for all, whose zone then takes the others with it."
  type        = string

  validation {
    condition     = contains(["per-zone", "single"], var.nat)
    error_message = "nat has to be per-zone or single."
  }
}

variable "interface_endpoints" {
  description = "AWS services to reach by interface endpoints, by the last part of their name, such as `secretsmanager`."
  type        = set(string)
}

variable "log_bucket_arn" {
  description = "Bucket for flow logs."
  type        = string
}
