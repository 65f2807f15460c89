mock_provider "alicloud" {
  # One ARN for all would hide that two are mixed up.
  override_resource {
    target = alicloud_ram_role.run
    values = { arn = "acs:ram::1234567890123456:role/run" }
  }
  override_resource {
    target = alicloud_ram_role.trigger
    values = { arn = "acs:ram::1234567890123456:role/trigger" }
  }
}

variables {
  protect         = false # a test has to take down what it made
  account_id      = "1234567890123456"
  region          = "cn-hangzhou"
  name            = "trailtags"
  function        = "trailtags"
  archive         = "tests/testdata/function.zip"
  bucket_prefix   = "acme-trailtags"
  source_logstore = { project = "acme-audit", logstore = "trail" }
  log_project     = "acme-siem"
  target          = { project = "acme-siem", logstore = "trail-tags", fields = ["eventId", "tagStatus"] }
  environment     = { SLS_CG = "trailtags" }
  grants          = [{ actions = ["log:PostLogStoreLogs"], resources = ["acs:log:cn-hangzhou:1234567890123456:project/acme-siem/logstore/trail-tags"] }]
}

run "what_the_function_may" {
  command = apply

  assert {
    condition = [for s in jsondecode(alicloud_ram_policy.run.policy_document).Statement : [s.Action, s.Resource]] == [
      [["log:GetCursorOrData", "log:ListShards", "log:CreateConsumerGroup", "log:ListConsumerGroup", "log:UpdateConsumerGroup", "log:ConsumerGroupHeartBeat", "log:ConsumerGroupUpdateCheckPoint", "log:GetConsumerGroupCheckPoint"], ["acs:log:cn-hangzhou:1234567890123456:project/acme-audit/logstore/trail", "acs:log:cn-hangzhou:1234567890123456:project/acme-audit/logstore/trail/consumergroup/*"]],
      [["oss:GetObject", "oss:PutObject", "oss:DeleteObject", "oss:AbortMultipartUpload"], ["acs:oss:*:1234567890123456:acme-trailtags-state/*"]],
      [["oss:ListObjects", "oss:GetBucketVersioning"], ["acs:oss:*:1234567890123456:acme-trailtags-state"]],
      [["log:PostLogStoreLogs"], ["acs:log:cn-hangzhou:1234567890123456:project/acme-siem/logstore/trailtags-log"]],
      [["log:PostLogStoreLogs"], ["acs:log:cn-hangzhou:1234567890123456:project/acme-siem/logstore/trail-tags"]],
    ]
    error_message = "the function may do more or less than it needs"
  }
  assert {
    condition     = jsondecode(alicloud_ram_role.run.assume_role_policy_document).Statement == [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = ["fc.aliyuncs.com"] } }] && alicloud_ram_role_policy_attachment.run.role_name == "trailtags-run" && alicloud_ram_role_policy_attachment.run.policy_name == "trailtags-run" && alicloud_ram_role_policy_attachment.run.policy_type == "Custom"
    error_message = "another than Function Compute may be the role, or it has another policy"
  }
}

run "no_role_to_trigger_for_a_timer" {
  command = apply

  assert {
    condition     = length(alicloud_ram_role.trigger) == 0 && length(alicloud_ram_policy.trigger) == 0 && alicloud_fcv3_trigger.run.invocation_role == null
    error_message = "there is a role that nobody needs"
  }
}

run "who_triggers_cannot_run" {
  command = apply

  variables {
    trigger = { kind = "log" }
  }
  assert {
    condition     = jsondecode(alicloud_ram_role.trigger[0].assume_role_policy_document).Statement[0].Principal == { Service = ["log.aliyuncs.com"] } && jsondecode(alicloud_ram_policy.trigger[0].policy_document).Statement[0] == { Effect = "Allow", Action = ["fc:InvokeFunction", "fc:GetFunction"], Resource = ["acs:fc:cn-hangzhou:1234567890123456:functions/trailtags", "acs:fc:cn-hangzhou:1234567890123456:functions/trailtags/*"] }
    error_message = "others may trigger, or the trigger may do more"
  }
  assert {
    condition     = !strcontains(alicloud_ram_policy.trigger[0].policy_document, "oss:") && alicloud_ram_role_policy_attachment.trigger[0].role_name == "trailtags-trigger" && alicloud_ram_role_policy_attachment.trigger[0].policy_name == "trailtags-trigger"
    error_message = "the trigger reads the state, or has another policy"
  }
}

run "nothing_is_public" {
  command = apply

  assert {
    condition     = { for k, b in alicloud_oss_bucket_public_access_block.this : k => [b.bucket, b.block_public_access] } == { code = ["acme-trailtags-code", true], state = ["acme-trailtags-state", true] }
    error_message = "a bucket could be made public"
  }
}
