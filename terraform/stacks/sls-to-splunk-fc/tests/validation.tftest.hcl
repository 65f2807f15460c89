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

run "valid" {
  command = plan
}

run "account_by_its_name" {
  command = plan
  variables {
    sls = { account_id = "acme", region = "cn-hangzhou", project = "acme-audit", logstore = "trail", ttl_days = 30 }
  }
  expect_failures = [var.sls]
}

run "region_that_is_an_endpoint" {
  command = plan
  variables {
    sls = { account_id = "1234567890123456", region = "cn-hangzhou.log.aliyuncs.com", project = "acme-audit", logstore = "trail", ttl_days = 30 }
  }
  expect_failures = [var.sls]
}

run "logstore_in_capitals" {
  command = plan
  variables {
    sls = { account_id = "1234567890123456", region = "cn-hangzhou", project = "acme-audit", logstore = "Trail", ttl_days = 30 }
  }
  expect_failures = [var.sls]
}

run "group_of_33" {
  command = plan
  variables {
    sls = { account_id = "1234567890123456", region = "cn-hangzhou", project = "acme-audit", logstore = "trail", ttl_days = 30, consumer_group = "a23456789012345678901234567890123" }
  }
  expect_failures = [var.sls]
}

run "no_ttl" {
  command = plan
  variables {
    sls = { account_id = "1234567890123456", region = "cn-hangzhou", project = "acme-audit", logstore = "trail", ttl_days = 0 }
  }
  expect_failures = [var.sls]
}

run "splunk_in_the_clear" {
  command = plan
  variables {
    splunk = { urls = ["http://splunk.example:8088"] }
  }
  expect_failures = [var.splunk]
}

run "nowhere_to_go" {
  command = plan
  variables {
    splunk = { urls = [] }
  }
  expect_failures = [var.splunk]
}

run "no_token" {
  command = plan
  variables {
    hec_token = ""
  }
  expect_failures = [var.hec_token]
}

run "setting_nobody_knows" {
  command = plan
  variables {
    settings = { SLS_TOPIC = "a" }
  }
  expect_failures = [var.settings]
}

run "setting_that_another_variable_sets" {
  command = plan
  variables {
    settings = { SLS_CG = "other" }
  }
  expect_failures = [var.settings]
}

run "role_that_only_google_gives" {
  command = plan
  variables {
    settings = { ALIBABA_ROLE_ARN = "acs:ram::1234567890123456:role/r" }
  }
  expect_failures = [var.settings]
}

run "secret_among_the_settings" {
  command = plan
  variables {
    settings = { HEC_TOKEN = "t" }
  }
  expect_failures = [var.settings]
}
