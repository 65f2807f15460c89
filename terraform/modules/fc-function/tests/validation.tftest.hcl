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

run "valid" {
  command = plan
}

run "account_by_its_name" {
  command = plan
  variables {
    account_id = "acme"
  }
  expect_failures = [var.account_id]
}

run "region_that_is_an_endpoint" {
  command = plan
  variables {
    region = "cn-hangzhou.aliyuncs.com"
  }
  expect_failures = [var.region]
}

run "name_of_41" {
  command = plan
  variables {
    name = "a2345678901234567890123456789012345678901"
  }
  expect_failures = [var.name]
}

run "function_that_is_a_path" {
  command = plan
  variables {
    function = "functions/trailtags"
  }
  expect_failures = [var.function]
}

run "bucket_prefix_of_58" {
  command = plan
  variables {
    bucket_prefix = "a234567890123456789012345678901234567890123456789012345678"
  }
  expect_failures = [var.bucket_prefix]
}

run "source_is_its_own_log" {
  command = plan
  variables {
    source_logstore = { project = "acme-siem", logstore = "trailtags-log" }
  }
  expect_failures = [var.log_project]
}

run "woken_before_one_is_told" {
  command = plan
  variables {
    retention_hours = 2
    alerts          = { lag_minutes = 60 }
  }
  expect_failures = [var.retention_hours]
}

run "source_that_keeps_nothing" {
  command = plan
  variables {
    retention_hours = 0
    alerts          = null
  }
  expect_failures = [var.retention_hours]
}

run "target_is_the_source" {
  command = plan
  variables {
    target = { project = "acme-audit", logstore = "trail", fields = ["a"] }
  }
  expect_failures = [var.target]
}

run "target_gone_before_it_is_proven" {
  command = plan
  variables {
    target = { project = "p", logstore = "l", fields = ["a"], retention_days = 2 }
  }
  expect_failures = [var.target]
}

run "target_without_fields" {
  command = plan
  variables {
    target = { project = "p", logstore = "l", fields = [] }
  }
  expect_failures = [var.target]
}

run "every_action" {
  command = plan
  variables {
    grants = [{ actions = ["log:*"], resources = ["acs:log:*:*:project/p"] }]
  }
  expect_failures = [var.grants]
}

run "every_resource" {
  command = plan
  variables {
    grants = [{ actions = ["log:PostLogStoreLogs"], resources = ["acs:log:*:*:*"] }]
  }
  expect_failures = [var.grants]
}

run "trigger_nobody_knows" {
  command = plan
  variables {
    trigger = { kind = "oss" }
  }
  expect_failures = [var.trigger]
}

run "ticks_shorter_than_the_lease" {
  command = plan
  variables {
    lease_ttl_seconds = 301
  }
  expect_failures = [var.trigger]
}

run "more_retries_than_there_are" {
  command = plan
  variables {
    trigger = { kind = "log", max_retries = 101 }
  }
  expect_failures = [var.trigger]
}

run "range_every_second" {
  command = plan
  variables {
    trigger = { kind = "log", seconds = 1 }
  }
  expect_failures = [var.trigger]
}

run "proof_at_25" {
  command = plan
  variables {
    verify = { hour = 25 }
  }
  expect_failures = [var.verify]
}

run "run_of_no_time" {
  command = plan
  variables {
    run_timeout_seconds = 29
  }
  expect_failures = [var.run_timeout_seconds]
}

run "lease_of_no_time" {
  command = plan
  variables {
    lease_ttl_seconds = 0
  }
  expect_failures = [var.lease_ttl_seconds]
}

run "memory_of_128" {
  command = plan
  variables {
    memory_mb = 128
  }
  expect_failures = [var.memory_mb]
}

run "token_that_no_trigger_bears" {
  command = plan
  variables {
    environment = { FUNCTION_TOKEN = "t" }
  }
  expect_failures = [var.environment]
}

run "receipts_gone_too_soon" {
  command = plan
  variables {
    receipt_days = 6
  }
  expect_failures = [var.receipt_days]
}

run "log_gone_before_it_is_looked_at" {
  command = plan
  variables {
    log_days = 2
  }
  expect_failures = [var.log_days]
}

run "an_alert_policy_in_place_of_an_action_policy" {
  command = plan
  variables {
    alerts = { page = "sls.builtin.dynamic" }
  }
  expect_failures = [var.alerts]
}

run "silence_of_more_than_a_day" {
  command = plan
  variables {
    alerts = { silent_hours = 25 }
  }
  expect_failures = [var.alerts]
}

run "environment_of_five_kilobytes" {
  command = plan
  variables {
    environment = { SERVICES = join(",", [for i in range(800) : "Ecs123"]) }
  }
  expect_failures = [alicloud_fcv3_function.this]
}
