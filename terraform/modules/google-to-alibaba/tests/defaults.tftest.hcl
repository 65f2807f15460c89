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

run "short_lived" {
  command = apply

  assert {
    condition     = alicloud_ram_role.this.max_session_duration == 3600 && alicloud_ims_oidc_provider.google.issuance_limit_time == 1
    error_message = "a token, or what it opens, lives longer than an hour"
  }
  assert {
    condition     = alicloud_ims_oidc_provider.google.client_ids == toset(["siemfeed"]) && alicloud_ims_oidc_provider.google.issuer_url == "https://accounts.google.com" && alicloud_ims_oidc_provider.google.oidc_provider_name == "slshec"
    error_message = "tokens of others, or for others, are taken"
  }
}
