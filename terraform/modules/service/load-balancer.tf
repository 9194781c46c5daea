# The way in: CloudFront → this balancer, inside the VPC → nginx on each instance. It has no public address, and takes
# HTTPS from CloudFront's own addresses alone.

locals {
  # Ten seconds, not thirty: an instance that dies without a word would get a share of the traffic all that time.
  health_check = { interval = 10, timeout = 4, healthy_threshold = 2, unhealthy_threshold = 2 }
}

data "aws_ec2_managed_prefix_list" "cloudfront" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_lb" "this" {
  name               = var.name
  internal           = true
  load_balancer_type = "application"
  subnets            = values(var.subnet_ids)
  security_groups    = [aws_security_group.balancer.id]

  enable_deletion_protection = var.deletion_protection
  enable_http2               = true
  # Less than the 72 s that the service and the 75 s that nginx keep an idle connection: it must be the one to close.
  idle_timeout                     = 60
  client_keep_alive                = 3600
  desync_mitigation_mode           = "strictest"
  drop_invalid_header_fields       = true
  preserve_host_header             = true
  xff_header_processing_mode       = "append"
  enable_cross_zone_load_balancing = true
  # A zone that flickers can be taken away by hand: README.md, "Lose a zone".
  enable_zonal_shift = true

  access_logs {
    bucket  = var.log_bucket
    prefix  = "balancer"
    enabled = true
  }
}

resource "aws_lb_target_group" "this" {
  name        = var.name
  port        = local.nginx_port
  protocol    = "HTTP"
  vpc_id      = var.vpc_id
  target_type = "instance"

  # A slow instance gets less. Rules out slow_start, which knows round robin alone: a process is ready when it is warm.
  load_balancing_algorithm_type = "least_outstanding_requests"
  deregistration_delay          = var.deregistration_delay_seconds

  # Ready, not merely alive: a process that drains or has no database says 503 here and goes on answering.
  health_check {
    path                = "/health/ready"
    protocol            = "HTTP"
    matcher             = "200"
    interval            = local.health_check.interval
    timeout             = local.health_check.timeout
    healthy_threshold   = local.health_check.healthy_threshold
    unhealthy_threshold = local.health_check.unhealthy_threshold
  }

  lifecycle {
    precondition {
      condition     = local.health_check.timeout < local.health_check.interval
      error_message = "A health check has to end before the next one begins."
    }
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "Load balancer of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  security_group_id = aws_security_group.balancer.id
  description       = "HTTPS from CloudFront"
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront.id
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "nginx on the instances"
  referenced_security_group_id = aws_security_group.instance.id
  from_port                    = local.nginx_port
  to_port                      = local.nginx_port
  ip_protocol                  = "tcp"
}

resource "aws_security_group" "instance" {
  name        = "${var.name}-instance"
  description = "Instances of ${var.name}"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-instance" }
}

resource "aws_vpc_security_group_ingress_rule" "instance" {
  security_group_id            = aws_security_group.instance.id
  description                  = "nginx, from the load balancer"
  referenced_security_group_id = aws_security_group.balancer.id
  from_port                    = local.nginx_port
  to_port                      = local.nginx_port
  ip_protocol                  = "tcp"
}

# Out: AWS's services, webhooks and whatever else speaks TLS; the data subnets by their own ports.
resource "aws_vpc_security_group_egress_rule" "instance" {
  for_each = {
    https  = { cidr = "0.0.0.0/0", port = 443 }
    mysql  = { cidr = var.vpc_cidr, port = 3306 }
    valkey = { cidr = var.vpc_cidr, port = 6379 }
  }

  security_group_id = aws_security_group.instance.id
  description       = each.key
  cidr_ipv4         = each.value.cidr
  from_port         = each.value.port
  to_port           = each.value.port
  ip_protocol       = "tcp"
}
