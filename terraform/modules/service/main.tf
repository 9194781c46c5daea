# The fleet: what an instance is (launch template), how many there are (autoscaling group) and how it is exchanged when
# the release changes (instance refresh). The load balancer is in load-balancer.tf, rights in iam.tf, secrets and
# releases in storage.tf.

locals {
  # Graviton families end in g before the dot: t4g, m7g, c7gn, r8gd.
  architecture = can(regex("^[a-z]+[0-9]+g", var.instance_type)) ? "arm64" : "x86_64"
  burstable    = startswith(var.instance_type, "t")

  # Nothing runs before there is a release, nor in a region that does not serve.
  runs     = var.release != null && var.serving
  min_size = local.runs ? var.min_size : 0
  max_size = local.runs ? var.max_size : 0

  # From SIGTERM to the end of the slowest process, and a little for systemd.
  stop_seconds = ceil(var.shutdown_ms / 1000) + 5
}

# Resolved here and not by EC2: with an alias in the template a rollback would boot whatever is newest that day.
data "aws_ssm_parameter" "image" {
  count = var.image_id == null ? 1 : 0

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${local.architecture}"
}

resource "aws_launch_template" "this" {
  name        = var.name
  description = var.release == null ? "no release yet" : "release ${var.release.version}"

  image_id               = var.image_id == null ? nonsensitive(one(data.aws_ssm_parameter.image[*].value)) : var.image_id
  instance_type          = var.instance_type
  vpc_security_group_ids = [aws_security_group.instance.id]
  user_data              = base64encode(local.user_data)
  update_default_version = true

  # Instances stop by the group's doing alone; one that shuts itself down is gone, not parked.
  instance_initiated_shutdown_behavior = "terminate"

  iam_instance_profile {
    arn = aws_iam_instance_profile.instance.arn
  }

  metadata_options {
    http_endpoint = "enabled"
    # A server-side request forgery cannot make the PUT that a token needs, nor get past one hop.
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "disabled"
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = 20
      volume_type           = "gp3"
      encrypted             = true
      kms_key_id            = var.kms_key_arn
      delete_on_termination = true
    }
  }

  # Ten seconds of load are visible after a minute, not after five.
  monitoring {
    enabled = true
  }

  # A burst that outlasts the credits costs cents, throttling costs the latency of everyone.
  dynamic "credit_specification" {
    for_each = local.burstable ? [1] : []

    content {
      cpu_credits = "unlimited"
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(var.tags, { Name = var.name })
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.user_data) <= 16384
      error_message = "EC2 takes 16 KiB of user data; this is ${length(local.user_data)} bytes."
    }

    precondition {
      condition     = var.drain_ms >= (local.health_check.interval * local.health_check.unhealthy_threshold + local.health_check.timeout) * 1000
      error_message = "DRAIN_MS (${var.drain_ms}) ends before the load balancer has noticed that /health/ready says 503: requests would be refused."
    }

    precondition {
      condition     = var.drain_ms < var.shutdown_ms
      error_message = "The service refuses to start with DRAIN_MS at or above SHUTDOWN_MS."
    }
  }
}

resource "aws_autoscaling_group" "this" {
  name                = var.name
  min_size            = local.min_size
  max_size            = local.max_size
  vpc_zone_identifier = values(var.subnet_ids)
  target_group_arns   = [aws_lb_target_group.this.arn]

  # What the balancer sees decides, not whether a kernel runs.
  health_check_type         = "ELB"
  health_check_grace_period = 180
  default_instance_warmup   = 120

  # Nothing lives long enough to be special; it also picks up the image's fixes.
  max_instance_lifetime = var.max_instance_lifetime_days * 86400
  termination_policies  = ["OldestLaunchTemplate", "OldestInstance"]

  # Not waited for: the first instances come before the secrets have been filled in. The alarms tell.
  wait_for_capacity_timeout = "0"

  metrics_granularity = "1Minute"
  enabled_metrics     = ["GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances", "GroupTerminatingInstances", "GroupTotalInstances"]

  launch_template {
    id = aws_launch_template.this.id
    # A number: `$Latest` and `$Default` switch automatic rollback off.
    version = aws_launch_template.this.latest_version
  }

  availability_zone_distribution {
    # A zone that cannot give instances must not keep the others from giving theirs.
    capacity_distribution_strategy = "balanced-best-effort"
  }

  instance_maintenance_policy {
    min_healthy_percentage = 100
    max_healthy_percentage = 110
  }

  # The instance drains, says so, and only then goes. Should it not say so, it goes after the heartbeat all the same.
  initial_lifecycle_hook {
    name                 = local.drain_hook
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    default_result       = "CONTINUE"
    heartbeat_timeout    = var.deregistration_delay_seconds + local.stop_seconds + 60
  }

  # A release goes out by exchanging instances: a few, a look, more. The alarm at any moment takes it back.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      # One is started before one is stopped: a deploy costs no capacity.
      min_healthy_percentage = 100
      max_healthy_percentage = 110
      instance_warmup        = 120
      checkpoint_percentages = var.checkpoint_percentages
      checkpoint_delay       = var.checkpoint_delay_seconds
      skip_matching          = true
      auto_rollback          = true

      alarm_specification {
        alarms = [aws_cloudwatch_metric_alarm.error_rate.alarm_name]
      }
    }
  }

  dynamic "tag" {
    for_each = merge(var.tags, { Name = var.name })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    # Target tracking moves it; an apply must not move it back.
    ignore_changes = [desired_capacity]

    precondition {
      condition     = var.min_size <= var.max_size
      error_message = "The fleet's least size (${var.min_size}) is above its largest (${var.max_size})."
    }
  }

  depends_on = [aws_iam_role_policy.instance, aws_lb_listener.https]
}

# Two reasons to grow; the group follows whichever asks for more. Requests move first: CPU is an average of minutes.
resource "aws_autoscaling_policy" "cpu" {
  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.this.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = var.cpu_percent

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

resource "aws_autoscaling_policy" "requests" {
  name                   = "requests"
  autoscaling_group_name = aws_autoscaling_group.this.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = var.requests_per_target

    predefined_metric_specification {
      predefined_metric_type = "ALBRequestCountPerTarget"
      resource_label         = "${aws_lb.this.arn_suffix}/${aws_lb_target_group.this.arn_suffix}"
    }
  }

  # The group refuses the label until the balancer forwards to the target group.
  depends_on = [aws_lb_listener.https]
}
