mock_provider "alicloud" {}

variables {
  protect         = false # a test has to take down what it made
  account_id      = "1234567890123456"
  region          = "cn-hangzhou"
  bucket_prefix   = "acme-trailtags"
  archive         = "tests/testdata/function.zip"
  admin_key       = "s3cret"
  source_logstore = { project = "acme-audit", logstore = "trail" }
  target          = { project = "acme-siem", logstore = "trail-tags" }
  admin           = { account_id = "6543210987654321", key_id = "LTAI" }
}

run "no_secret_in_outputs" {
  command = apply

  assert {
    condition     = !strcontains(jsonencode([local.environment, output.doctor_env, output.next_steps, output.verify_command, output.logs_url]), "s3cret")
    error_message = "the key is in an output"
  }
}

run "a_role_of_one_s_own" {
  command = apply
  variables {
    admin = { account_id = "6543210987654321", key_id = "LTAI", role = "siemfeed-tag-reader" }
  }
  assert {
    condition     = local.environment.ROLE_NAME == "siemfeed-tag-reader"
    error_message = "the role that may do everything is assumed all the same"
  }
}
