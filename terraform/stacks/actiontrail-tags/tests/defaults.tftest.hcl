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

run "every_alert_and_the_daily_proof" {
  command = apply

  assert {
    condition     = module.function.alerts == tolist(["deadline", "findings", "lag", "misconfigured", "no-success", "quarantine", "silent", "unproven"]) && module.function.function_name == "trailtags"
    error_message = "an alert is missing, or the function has another name"
  }
  assert {
    condition     = local.environment.ROLE_NAME == "ResourceDirectoryAccountAccessRole" && local.environment.SLS_CG == "siemfeed-trailtags"
    error_message = "another role is assumed, or another group read by"
  }
}

run "loss_with_a_date" {
  command = apply
  variables {
    source_logstore = { project = "acme-audit", logstore = "trail", ttl_days = 30 }
  }
  assert {
    condition     = contains(module.function.alerts, "retention")
    error_message = "nobody is woken before the source deletes what was not read"
  }
}

run "without_alerts" {
  command = apply
  variables {
    alerts = null
    verify = null
  }
  assert {
    condition     = length(module.function.alerts) == 0 && output.dashboard_url == null && strcontains(output.next_steps, "set alerts")
    error_message = "what was left out is there"
  }
}

run "protected_unless_said_otherwise" {
  command = plan

  variables {
    protect = null
  }
  assert {
    condition     = module.function.protected == tolist(["acme-siem/trailtags-log", "acme-siem/trail-tags"])
    error_message = "a destroy would delete logs"
  }
}
