mock_provider "alicloud" {
  # One ARN for all would hide that two are mixed up.
  override_resource {
    target = module.function.alicloud_ram_role.run
    values = { arn = "acs:ram::1234567890123456:role/run" }
  }
  override_resource {
    target = module.function.alicloud_ram_role.trigger
    values = { arn = "acs:ram::1234567890123456:role/trigger" }
  }
}

variables {
  protect       = false # a test has to take down what it made
  bucket_prefix = "acme-slshec"
  archive       = "tests/testdata/function.zip"
  hec_token     = "s3cret"
  sls = {
    account_id = "1234567890123456"
    region     = "cn-hangzhou"
    project    = "acme-audit"
    logstore   = "trail"
    ttl_days   = 30
  }
  splunk = {
    urls = ["https://a.example:8088", "https://b.example:8088"]
  }
}

run "no_secret_in_outputs" {
  command = apply

  assert {
    condition     = !strcontains(jsonencode([local.environment, output.doctor_env, output.next_steps, output.verify_command, output.logs_url]), "s3cret") && !contains(keys(local.plain), "HEC_TOKEN")
    error_message = "the token is in an output"
  }
}

run "as_a_role_without_a_key" {
  command = apply

  assert {
    condition     = module.function.run_role_arn == "acs:ram::1234567890123456:role/run"
    error_message = "it runs as another role, such as that of who triggers"
  }
  assert {
    condition     = length([for k in keys(local.environment) : k if can(regex("^(SLS_AK|SLS_SECURITY|ALIBABA_)", k))]) == 0
    error_message = "it is given a key, or another role"
  }
}
