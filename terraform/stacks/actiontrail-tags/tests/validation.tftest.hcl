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

run "valid" {
  command = plan
}

run "group_of_33" {
  command = plan
  variables {
    source_logstore = { project = "p", logstore = "l", consumer_group = "a23456789012345678901234567890123" }
  }
  expect_failures = [var.source_logstore]
}

run "source_that_keeps_nothing" {
  command = plan
  variables {
    source_logstore = { project = "p", logstore = "l", ttl_days = 0 }
  }
  expect_failures = [var.source_logstore]
}

run "account_by_its_name" {
  command = plan
  variables {
    admin = { account_id = "acme", key_id = "k" }
  }
  expect_failures = [var.admin]
}

run "no_key" {
  command = plan
  variables {
    admin_key = ""
  }
  expect_failures = [var.admin_key]
}

run "setting_nobody_knows" {
  command = plan
  variables {
    settings = { ONLY_WRITE = "true" }
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

run "secret_among_the_settings" {
  command = plan
  variables {
    settings = { RESOURCE_AK_KEY = "k" }
  }
  expect_failures = [var.settings]
}
