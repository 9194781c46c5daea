output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Its address block: what nginx and the database may believe to be inside."
  value       = aws_vpc.this.cidr_block
}

output "zones" {
  description = "The three availability zones, in order."
  value       = local.zones
}

output "application_subnet_ids" {
  description = "Subnets of load balancer and instances, by zone."
  value       = { for zone, subnet in aws_subnet.application : zone => subnet.id }
}

output "data_subnet_ids" {
  description = "Subnets of databases and Redis, by zone; no way out."
  value       = { for zone, subnet in aws_subnet.data : zone => subnet.id }
}

output "nat_addresses" {
  description = "Public addresses that outgoing requests come from, for partners' allow-lists."
  value       = [for address in aws_eip.nat : address.public_ip]
}
