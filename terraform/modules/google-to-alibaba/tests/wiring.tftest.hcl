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

run "who_may_be_the_role" {
  command = apply

  variables {
    audience = "ours"
  }
  assert {
    condition     = jsondecode(alicloud_ram_role.this.assume_role_policy_document).Statement == [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Federated = ["acs:ram::1234567890123456:oidc-provider/slshec"] }, Condition = { StringEquals = { "oidc:iss" = "https://accounts.google.com", "oidc:aud" = "ours", "oidc:sub" = "111222333444555666777" } } }]
    error_message = "somebody else may be the role"
  }
  assert {
    condition     = alicloud_ims_oidc_provider.google.client_ids == toset(["ours"]) && alicloud_ims_oidc_provider.google.fingerprints == toset(var.fingerprints)
    error_message = "the provider takes tokens for another audience, or other certificates"
  }
  assert {
    condition     = output.environment == { ALIBABA_ROLE_ARN = "acs:ram::1234567890123456:role/slshec", ALIBABA_OIDC_PROVIDER_ARN = "acs:ram::1234567890123456:oidc-provider/slshec", ALIBABA_OIDC_AUDIENCE = "ours" }
    error_message = "the function would be another role"
  }
}
