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

run "what_costs_money_or_state" {
  command = apply

  assert {
    condition     = alicloud_fcv3_function.this.runtime == "custom.debian12" && alicloud_fcv3_function.this.cpu == 0.5 && alicloud_fcv3_function.this.memory_size == 512 && alicloud_fcv3_function.this.disk_size == 512 && alicloud_fcv3_function.this.instance_concurrency == 1 && alicloud_fcv3_function.this.internet_access == true
    error_message = "the function runs otherwise"
  }
  assert {
    condition     = length(alicloud_oss_bucket.state.versioning) == 0 && alicloud_oss_bucket.state.force_destroy == false
    error_message = "OSS would overwrite what has to be created only once, or destroy take it along"
  }
  assert {
    condition     = [for r in alicloud_oss_bucket.state.lifecycle_rule : [r.prefix, try(one(r.expiration).days, 0), try(one(r.abort_multipart_upload).days, 0), r.enabled]] == [["trailtags/receipts/", 400, 0, true], ["trailtags/verify/", 400, 0, true], ["", 0, 7, true]]
    error_message = "something else than receipts would be removed by age, or broken uploads stay"
  }
  assert {
    condition     = alicloud_log_store.own.retention_period == 90 && alicloud_log_store.target[0].retention_period == 180 && alicloud_log_store.target[0].shard_count == 2
    error_message = "logs are kept for another time"
  }
}

run "the_table_of_timeouts" {
  command = apply

  variables {
    run_timeout_seconds = 300
  }
  assert {
    condition     = alicloud_fcv3_function.this.timeout == 330 && nonsensitive(local.environment.RUN_TIMEOUT) == "300s" && nonsensitive(local.environment.LEASE_TTL) == "60s"
    error_message = "the function's time-out is not half a minute longer than a run"
  }
  assert {
    condition     = alicloud_fcv3_async_invoke_config.this.max_async_retry_attempts == 0 && alicloud_fcv3_async_invoke_config.this.function_name == "trailtags"
    error_message = "ticks that fail pile up"
  }
}

run "every_alert_is_there" {
  command = apply

  assert {
    condition     = output.alerts == tolist(["deadline", "findings", "lag", "misconfigured", "no-success", "quarantine", "silent", "unproven"])
    error_message = "an alert is missing, or there is one nobody knows of"
  }
  assert {
    condition     = alltrue([for a in alicloud_sls_alert.this : a.configuration[0].no_data_fire == true && one([for n in a.configuration[0].annotations : n.value if n.key == "desc"]) != "" && strcontains(one([for n in a.configuration[0].annotations : n.value if n.key == "desc"]), "Do: ")])
    error_message = "an alert has no runbook, or is silent without data"
  }
}

run "what_is_not_asked_for" {
  command = apply

  variables {
    alerts = null
    verify = null
    target = null
  }
  assert {
    condition     = length(alicloud_sls_alert.this) == 0 && length(alicloud_log_dashboard.this) == 0 && length(alicloud_fcv3_trigger.verify) == 0 && length(alicloud_log_store.target) == 0 && output.dashboard_url == null
    error_message = "what was left out is there"
  }
}

run "loss_with_a_date" {
  command = apply

  variables {
    retention_hours = 720
  }
  assert {
    condition     = contains(output.alerts, "retention") && endswith(alicloud_sls_alert.this["retention"].configuration[0].query_list[0].query, "cast(regexp_extract(message, '\"lag_seconds\":([-+.e0-9]+)', 1) as double) > 1296000")
    error_message = "nobody is told before the source deletes what was not read, or not at half of its 720 hours"
  }
  assert {
    condition     = alicloud_sls_alert.this["retention"].configuration[0].severity_configurations[0].severity == 8 && alicloud_sls_alert.this["retention"].configuration[0].severity_configurations[0].eval_condition[0].condition == "n > 0" && alicloud_sls_alert.this["retention"].configuration[0].query_list[0].start == "-1380s"
    error_message = "nobody is woken for it"
  }
}

run "no_query_over_more_than_a_day" {
  command = apply

  variables {
    trigger = { kind = "timer", minutes = 60 }
    alerts  = { silent_hours = 24, lag_minutes = 600 }
  }
  assert {
    condition     = alltrue([for a in alicloud_sls_alert.this : tonumber(trimprefix(trimsuffix(a.configuration[0].query_list[0].start, "s"), "-")) <= 86400 && a.configuration[0].query_list[0].end == "now"])
    error_message = "an alert's query is over more than the 24 hours that the Log Service takes"
  }
  assert {
    condition     = { for k, a in alicloud_sls_alert.this : k => [a.schedule[0].interval, a.configuration[0].threshold] if k == "unproven" || a.configuration[0].threshold != 1 || a.schedule[0].interval != "5m" } == { no-success = ["5m", 13], silent = ["5m", 13], unproven = ["1h", 26] }
    error_message = "a day without a proof is no alarm, or what is not due yet is, or another alert waits"
  }
}

run "what_a_long_record_begins_with" {
  command = apply

  assert {
    condition     = alicloud_log_store_index.own.max_text_len == 16384 && alicloud_log_store_index.target[0].max_text_len == 2048
    error_message = "alerts do not see all of a record that they could, or every plan would change an index"
  }
  assert {
    condition     = alltrue([for a in alicloud_sls_alert.this : !strcontains(a.configuration[0].query_list[0].query, "json_extract")])
    error_message = "an alert takes a record for whole JSON, which its beginning is not"
  }
}

run "never_by_zero" {
  command = apply

  variables {
    alerts = { lag_minutes = 0, silent_hours = 0 }
  }
  assert {
    condition     = output.alerts == tolist(["deadline", "findings", "misconfigured", "no-success", "quarantine", "unproven"])
    error_message = "an alert is there that was left out"
  }
}

run "protected_unless_said_otherwise" {
  command = plan

  variables {
    protect = null
  }
  assert {
    condition     = output.protected == tolist(["acme-siem/trailtags-log", "acme-siem/trail-tags"])
    error_message = "a destroy would delete logs"
  }
}

run "protected_without_a_target" {
  command = plan

  variables {
    protect = true
    target  = null
  }
  assert {
    condition     = output.protected == tolist(["acme-siem/trailtags-log"])
    error_message = "a destroy would delete the function's log"
  }
}
