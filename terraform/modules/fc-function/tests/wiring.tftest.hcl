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

run "what_runs" {
  command = apply

  assert {
    condition     = alicloud_fcv3_function.this.code[0].oss_bucket_name == "acme-trailtags-code" && alicloud_fcv3_function.this.code[0].oss_object_name == "trailtags-${filesha256("tests/testdata/function.zip")}.zip" && alicloud_oss_bucket_object.code.bucket == "acme-trailtags-code" && alicloud_oss_bucket_object.code.source == "tests/testdata/function.zip"
    error_message = "something else is deployed than was packaged"
  }
  assert {
    condition     = alicloud_fcv3_function.this.role == "acs:ram::1234567890123456:role/run" && alicloud_fcv3_function.this.custom_runtime_config[0].port == 9000 && alicloud_fcv3_function.this.log_config[0].project == "acme-siem" && alicloud_fcv3_function.this.log_config[0].logstore == "trailtags-log"
    error_message = "it runs as another role, listens elsewhere or logs elsewhere"
  }
  assert {
    condition     = nonsensitive(alicloud_fcv3_function.this.environment_variables) == tomap({ SLS_CG = "trailtags", RUN_TIMEOUT = "480s", LEASE_TTL = "60s", STATE_URL = "oss://acme-trailtags-state?region=cn-hangzhou&internal=true" })
    error_message = "the function gets other variables"
  }
}

run "another_archive_is_another_object" {
  command = plan
  variables {
    archive = "tests/testdata/changed.zip"
  }
  assert {
    condition     = alicloud_oss_bucket_object.code.key == "trailtags-${filesha256("tests/testdata/changed.zip")}.zip"
    error_message = "a changed archive is not deployed"
  }
}

run "a_timer_wakes_it" {
  command = apply

  assert {
    condition     = alicloud_fcv3_trigger.run.trigger_type == "timer" && alicloud_fcv3_trigger.run.function_name == "trailtags" && alicloud_fcv3_trigger.run.qualifier == "LATEST" && jsondecode(alicloud_fcv3_trigger.run.trigger_config) == { cronExpression = "@every 5m", payload = "{}", enable = true }
    error_message = "the timer does not tick every five minutes"
  }
  assert {
    condition     = alicloud_fcv3_trigger.verify[0].trigger_type == "timer" && jsondecode(alicloud_fcv3_trigger.verify[0].trigger_config) == { cronExpression = "CRON_TZ=UTC 0 17 5 * * *", payload = "{\"verify\":{}}", enable = true }
    error_message = "the proof is not daily"
  }
  assert {
    condition     = output.triggers == { run = "timer", verify = "timer" } && output.absence_window_seconds == 1380
    error_message = "others are told of other triggers, or of another time without success"
  }
}

run "the_logstore_wakes_it" {
  command = apply

  variables {
    trigger = { kind = "log" }
  }
  assert {
    condition     = alicloud_fcv3_trigger.run.trigger_type == "log" && alicloud_fcv3_trigger.run.source_arn == "acs:log:cn-hangzhou:1234567890123456:project/acme-audit" && alicloud_fcv3_trigger.run.invocation_role == "acs:ram::1234567890123456:role/trigger"
    error_message = "another project wakes it, or as another role"
  }
  assert {
    condition     = output.triggers == { run = "log", verify = "timer" } && output.absence_window_seconds == 660
    error_message = "others are told of other triggers, or of another time without success"
  }
  assert {
    condition     = jsondecode(alicloud_fcv3_trigger.run.trigger_config) == { sourceConfig = { logstore = "trail", startTime = null }, jobConfig = { triggerInterval = 60, maxRetryTime = 100 }, functionParameter = {}, logConfig = { project = "acme-siem", logstore = "trailtags-log" }, enable = true }
    error_message = "another logstore wakes it, or what fails is tried less often than can be"
  }
}

run "what_is_indexed" {
  command = apply

  assert {
    condition     = [for f in alicloud_log_store_index.own.field_search : [f.name, f.type, f.enable_analytics]] == [["message", "text", true]] && alicloud_log_store_index.own.logstore == "trailtags-log" && alicloud_log_store_index.own.project == "acme-siem"
    error_message = "alerts could not query the function's log"
  }
  assert {
    condition     = toset([for f in alicloud_log_store_index.target[0].field_search : f.name]) == toset(["eventId", "tagStatus"]) && alicloud_log_store_index.target[0].logstore == "trail-tags" && alicloud_log_store_index.target[0].project == "acme-siem"
    error_message = "other fields can be searched"
  }
}

run "alerts_read_the_log" {
  command = apply

  assert {
    condition     = alltrue([for a in alicloud_sls_alert.this : a.configuration[0].query_list[0].store == "trailtags-log" && a.configuration[0].query_list[0].project == "acme-siem" && a.configuration[0].query_list[0].store_type == "log" && startswith(a.configuration[0].query_list[0].query, "* | select count(*) as n from log where ")])
    error_message = "an alert reads another log"
  }
  assert {
    condition     = { for k, a in alicloud_sls_alert.this : k => [a.configuration[0].severity_configurations[0].eval_condition[0].condition, a.configuration[0].severity_configurations[0].severity, a.configuration[0].query_list[0].start] } == { deadline = ["n > 2", 6, "-1380s"], findings = ["n > 0", 8, "-3600s"], lag = ["n > 0", 6, "-1380s"], misconfigured = ["n > 0", 8, "-600s"], no-success = ["n < 1", 8, "-1380s"], quarantine = ["n > 0", 6, "-3600s"], silent = ["n < 1", 6, "-82800s"], unproven = ["n < 1", 6, "-7200s"] }
    error_message = "an alert fires otherwise"
  }
  assert {
    condition     = endswith(alicloud_sls_alert.this["no-success"].configuration[0].query_list[0].query, "where message like '%\"message\":\"run finished\"%' and regexp_extract(message, '\"status\":\"([a-z]+)\"', 1) in ('ok', 'partial')")
    error_message = "success is read from elsewhere"
  }
  assert {
    condition     = alltrue([for k, a in alicloud_sls_alert.this : a.schedule[0].type == "FixedRate" && a.schedule[0].interval == (k == "unproven" ? "1h" : "5m") && a.configuration[0].policy_configuration[0].alert_policy_id == "sls.builtin.dynamic" && a.configuration[0].policy_configuration[0].action_policy_id == "sls.builtin" && a.configuration[0].sink_alerthub[0].enabled == true])
    error_message = "alerts are looked at less often, or nobody is told"
  }
}

run "protection_can_be_turned_off" {
  command = apply

  assert {
    condition     = length(output.protected) == 0
    error_message = "what is not to be protected is"
  }
}
