locals {
  read = [
    "log:GetCursorOrData",
    "log:ListShards",
    "log:CreateConsumerGroup",
    "log:ListConsumerGroup",
    "log:UpdateConsumerGroup",
    "log:ConsumerGroupHeartBeat",
    "log:ConsumerGroupUpdateCheckPoint",
    "log:GetConsumerGroupCheckPoint",
  ]
  state = "acs:oss:*:${var.account_id}:${var.bucket_prefix}-state"
}

# What runs cannot invoke, and what invokes cannot do anything else.
resource "alicloud_ram_role" "run" {
  role_name   = "${var.name}-run"
  description = "Runs ${var.name}"
  assume_role_policy_document = jsonencode({
    Version   = "1"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = ["fc.aliyuncs.com"] } }]
  })
}

resource "alicloud_ram_policy" "run" {
  policy_name = "${var.name}-run"
  description = "What ${var.name} may do"
  policy_document = jsonencode({
    Version = "1"
    Statement = concat([
      { Effect = "Allow", Action = local.read, Resource = [local.logstore.source, "${local.logstore.source}/consumergroup/*"] },
      { Effect = "Allow", Action = ["oss:GetObject", "oss:PutObject", "oss:DeleteObject", "oss:AbortMultipartUpload"], Resource = ["${local.state}/*"] },
      { Effect = "Allow", Action = ["oss:ListObjects", "oss:GetBucketVersioning"], Resource = [local.state] },
      { Effect = "Allow", Action = ["log:PostLogStoreLogs"], Resource = [local.logstore.own] },
    ], [for g in var.grants : { Effect = "Allow", Action = g.actions, Resource = g.resources }])
  })
}

resource "alicloud_ram_role_policy_attachment" "run" {
  role_name   = alicloud_ram_role.run.role_name
  policy_name = alicloud_ram_policy.run.policy_name
  policy_type = "Custom"
}

# A log trigger reads the logstore itself, and invokes.
resource "alicloud_ram_role" "trigger" {
  count = var.trigger.kind == "log" ? 1 : 0

  role_name   = "${var.name}-trigger"
  description = "Triggers ${var.name}"
  assume_role_policy_document = jsonencode({
    Version   = "1"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = ["log.aliyuncs.com"] } }]
  })
}

resource "alicloud_ram_policy" "trigger" {
  count = var.trigger.kind == "log" ? 1 : 0

  policy_name = "${var.name}-trigger"
  description = "What the trigger of ${var.name} may do"
  policy_document = jsonencode({
    Version = "1"
    Statement = [
      { Effect = "Allow", Action = ["fc:InvokeFunction", "fc:GetFunction"], Resource = [local.function_arn, "${local.function_arn}/*"] },
      { Effect = "Allow", Action = local.read, Resource = [local.logstore.source, "${local.logstore.source}/consumergroup/*"] },
      { Effect = "Allow", Action = ["log:PostLogStoreLogs"], Resource = [local.logstore.own] },
    ]
  })
}

resource "alicloud_ram_role_policy_attachment" "trigger" {
  count = var.trigger.kind == "log" ? 1 : 0

  role_name   = alicloud_ram_role.trigger[0].role_name
  policy_name = alicloud_ram_policy.trigger[0].policy_name
  policy_type = "Custom"
}
