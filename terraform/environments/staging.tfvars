# Staging: the same parts, the smallest of each. It may fail with a zone, and a plan says so.
environment  = "staging"
region       = "eu-west-1"
domain_name  = "api.staging.example.com"
zone_name    = "example.com"
alarm_emails = ["operators@example.com"]

deletion_protection = false
log_retention_days  = 7

network = {
  nat                 = "single"
  interface_endpoints = []
}

fleet = {
  instance_type       = "t4g.medium"
  min_size            = 2
  max_size            = 4
  requests_per_target = 6000
}

rollout = {
  checkpoint_percentages   = [50, 100]
  checkpoint_delay_seconds = 300
}

service = {
  l1_bytes  = 134217728
  log_level = "debug"
}

database = {
  instance_class        = "db.t4g.medium"
  replica_class         = "db.t4g.medium"
  replicas              = 1
  multi_az              = false
  storage_gib           = 20
  max_storage_gib       = 50
  max_connections       = 200
  backup_retention_days = 3
}

cache = {
  node_type = "cache.t4g.small"
  nodes     = 1
}

edge = {
  admin_networks = ["198.51.100.0/24"]
}
