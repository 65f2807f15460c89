mock_provider "alicloud" {}

variables {
  account_id   = "1234567890123456"
  name         = "slshec"
  subject      = "111222333444555666777"
  fingerprints = ["0123456789abcdef0123456789abcdef01234567", "89abcdef0123456789abcdef0123456789abcdef"]
  grants = [{
    actions   = ["log:ListShards"]
    resources = ["acs:log:cn-hangzhou:1234567890123456:project/p/logstore/l"]
  }]
}

run "what_the_role_may_do" {
  command = apply

  assert {
    condition     = jsondecode(alicloud_ram_policy.this.policy_document).Statement == [{ Effect = "Allow", Action = ["log:ListShards"], Resource = ["acs:log:cn-hangzhou:1234567890123456:project/p/logstore/l"] }]
    error_message = "the role may do more than it was granted"
  }
  assert {
    condition     = alicloud_ram_role_policy_attachment.this.role_name == "slshec" && alicloud_ram_role_policy_attachment.this.policy_name == "slshec" && alicloud_ram_role_policy_attachment.this.policy_type == "Custom"
    error_message = "the role has another policy, or a policy of the system's"
  }
}
