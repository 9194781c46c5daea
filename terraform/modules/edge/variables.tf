variable "name" {
  description = "Prefix of all names, such as `turno-production`."
  type        = string
}

variable "partition" {
  description = "AWS partition of ARNs, such as `aws`."
  type        = string
}

variable "account_id" {
  description = "Account whose alarms may use the topic."
  type        = string
}

variable "domain_name" {
  description = "Public name of the API."
  type        = string
}

variable "zone_id" {
  description = "Route 53 zone of that name."
  type        = string
}

variable "certificate_arn" {
  description = "Validated certificate of the public name, in us-east-1."
  type        = string
}

variable "origins" {
  description = "Load balancers that may serve, by name of their region's role: `primary`, `standby`."
  type = map(object({
    region         = string
    arn            = string
    address        = string
    log_bucket_arn = string
  }))
}

variable "serving" {
  description = "Which of the origins serves."
  type        = string

  validation {
    condition     = contains(keys(var.origins), var.serving)
    error_message = "Only an origin that exists can serve."
  }
}

variable "admin_networks" {
  description = "Networks from which administration is reached, IPv4 or IPv6; empty: none."
  type        = set(string)
}

variable "admin_paths" {
  description = "Beginnings of the paths of administration, in lower case."
  type        = list(string)
}

variable "requests_per_minute" {
  description = "Requests a minute from one address above which it is turned away."
  type        = number
}

variable "price_class" {
  description = "Which of CloudFront's places are used."
  type        = string
}

variable "max_age_seconds" {
  description = "How long CloudFront keeps an entry at most, whatever the service says."
  type        = number
}

variable "error_percent" {
  description = "Share of 5xx above which somebody is told, percent."
  type        = number
}

variable "alarm_emails" {
  description = "Addresses that alarms are mailed to."
  type        = set(string)
}
