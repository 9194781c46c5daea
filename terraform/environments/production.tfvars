# Production: the defaults, three zones, ten to a hundred instances. What is not here is in ../variables.tf.
# Names and networks are examples (RFC 2606, RFC 5737): put yours.
environment  = "production"
region       = "eu-west-1"
domain_name  = "api.example.com"
zone_name    = "example.com"
alarm_emails = ["operators@example.com"]

edge = {
  admin_networks = ["198.51.100.0/24"]
}

# Two hours at five percent, as at every checkpoint: a leak or a slow query shows by then.
rollout = {
  checkpoint_delay_seconds = 7200
}

# To be able to lose a region:
# standby = { region = "eu-central-1" }
