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

run "every_five_minutes_and_a_daily_proof" {
  command = apply

  assert {
    condition     = module.function.alerts == tolist(["deadline", "findings", "lag", "misconfigured", "no-success", "quarantine", "retention", "silent", "unproven"]) && module.function.function_name == "slshec"
    error_message = "an alert is missing, or the function has another name"
  }
  assert {
    condition = local.environment == {
      SLS_ENDPOINT = "cn-hangzhou-intranet.log.aliyuncs.com"
      SLS_PROJECT  = "acme-audit"
      SLS_LOGSTORE = "trail"
      SLS_CG       = "siemfeed"
      HEC_URL      = "https://a.example:8088,https://b.example:8088"
      HEC_ACK      = "false"
    }
    error_message = "the function gets other variables, or empty ones"
  }
  assert {
    condition     = module.function.triggers == { run = "timer", verify = "timer" } && module.function.absence_window_seconds == 1380
    error_message = "it does not run every five minutes for eight at most, or makes no proof"
  }
}

run "without_alerts_and_proof" {
  command = apply

  variables {
    alerts = null
    verify = null
  }
  assert {
    condition     = length(module.function.alerts) == 0 && output.dashboard_url == null && module.function.triggers == { run = "timer" }
    error_message = "what was left out is there"
  }
  assert {
    condition     = strcontains(output.next_steps, "set alerts") && strcontains(output.next_steps, "No proof comes by itself")
    error_message = "nobody is told what was left out"
  }
}

run "protected_unless_said_otherwise" {
  command = plan

  variables {
    protect = null
  }
  assert {
    condition     = module.function.protected == tolist(["acme-audit/slshec-log"])
    error_message = "a destroy would delete logs"
  }
}
