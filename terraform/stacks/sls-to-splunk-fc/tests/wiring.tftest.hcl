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

run "what_splunk_gets" {
  command = apply

  variables {
    settings = { SLS_START = "begin" }
    splunk = {
      urls       = ["https://a.example:8088"]
      index      = "{tag:team}"
      sourcetype = "aliyun:{topic}"
      source     = "s"
      host       = "h"
      json_keys  = ["event", "user"]
      fields     = { env = "prod", owner = "soc" }
      ack        = true
    }
  }
  assert {
    condition     = [for k in ["HEC_URL", "HEC_INDEX", "HEC_SOURCETYPE", "HEC_SOURCE", "HEC_HOST", "HEC_JSON_KEYS", "HEC_FIELDS", "HEC_ACK", "SLS_START"] : local.environment[k]] == ["https://a.example:8088", "{tag:team}", "aliyun:{topic}", "s", "h", "event,user", "env=prod,owner=soc", "true", "begin"]
    error_message = "events are given something else"
  }
}

run "as_often_as_asked_for" {
  command = apply

  variables {
    trigger             = { minutes = 10 }
    run_timeout_seconds = 600
  }
  assert {
    condition     = module.function.absence_window_seconds == 2400
    error_message = "it runs as often as before, or as long"
  }
}

run "the_logstore_wakes_it" {
  command = apply

  variables {
    trigger = { kind = "log", seconds = 300 }
  }
  assert {
    condition     = module.function.triggers == { run = "log", verify = "timer" } && module.function.absence_window_seconds == 1380
    error_message = "the logstore does not wake it, or nothing asks for the proof"
  }
}

run "its_log_lies_elsewhere" {
  command = apply

  variables {
    log_project = "acme-siem"
  }
  assert {
    condition     = output.logs_url == "https://sls.console.aliyun.com/lognext/project/acme-siem/logsearch/slshec-log" && output.dashboard_url == "https://sls.console.aliyun.com/lognext/project/acme-siem/dashboard/siemfeed-slshec"
    error_message = "log and dashboard are not where they were asked for"
  }
}

run "what_to_do_next" {
  command = apply

  assert {
    condition     = strcontains(output.doctor_env, "SLS_ENDPOINT=cn-hangzhou.log.aliyuncs.com\n") && strcontains(output.doctor_env, "STATE_URL=oss://acme-slshec-state?region=cn-hangzhou\n") && strcontains(output.doctor_env, "RUN_TIMEOUT=480s\n")
    error_message = "the doctor is sent to endpoints that only Alibaba Cloud reaches"
  }
  assert {
    condition     = strcontains(output.verify_command, "siemfeed verify slshec --env-file") && output.logs_url == "https://sls.console.aliyun.com/lognext/project/acme-audit/logsearch/slshec-log" && endswith(output.dashboard_url, "/project/acme-audit/dashboard/siemfeed-slshec")
    error_message = "the proof is asked for otherwise, or log and dashboard are elsewhere"
  }
  assert {
    condition     = strcontains(output.next_steps, output.logs_url) && strcontains(output.next_steps, output.dashboard_url) && strcontains(output.next_steps, "sls_logstore=trail")
    error_message = "the next steps lead elsewhere"
  }
}
