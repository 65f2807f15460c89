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

run "from_the_source_to_the_target" {
  command = apply

  variables {
    settings = { ONLY_WRITES = "false", TAG_PREFIX = "t_" }
    target   = { project = "acme-siem", logstore = "trail-tags", tags = ["team"] }
  }
  assert {
    condition = local.environment == {
      SLS_ENDPOINT        = "cn-hangzhou-intranet.log.aliyuncs.com"
      SLS_PROJECT         = "acme-audit"
      SLS_LOGSTORE        = "trail"
      SLS_CG              = "siemfeed-trailtags"
      SLS_TARGET_PROJECT  = "acme-siem"
      SLS_TARGET_LOGSTORE = "trail-tags"
      ADMIN_ACCOUNT_ID    = "6543210987654321"
      RESOURCE_AK_ID      = "LTAI"
      ROLE_NAME           = "ResourceDirectoryAccountAccessRole"
      ONLY_WRITES         = "false"
      TAG_PREFIX          = "t_"
    }
    error_message = "the function gets other variables"
  }
  assert {
    condition     = local.prefix == "t_" && contains(local.fields, "tagStatus") && length(local.fields) == 17
    error_message = "other fields can be searched than the function writes"
  }
}

run "what_to_do_next" {
  command = apply

  assert {
    condition     = strcontains(output.doctor_env, "SLS_ENDPOINT=cn-hangzhou.log.aliyuncs.com\n") && strcontains(output.doctor_env, "STATE_URL=oss://acme-trailtags-state?region=cn-hangzhou\n") && strcontains(output.doctor_env, "RUN_TIMEOUT=480s\n")
    error_message = "the doctor is sent to endpoints that only Alibaba Cloud reaches"
  }
  assert {
    condition     = strcontains(output.verify_command, "siemfeed verify trailtags --env-file") && output.logs_url == "https://sls.console.aliyun.com/lognext/project/acme-siem/logsearch/trailtags-log" && endswith(output.dashboard_url, "/project/acme-siem/dashboard/siemfeed-trailtags")
    error_message = "the proof is asked for otherwise, or log and dashboard are elsewhere"
  }
}
