mock_provider "alicloud" {}
mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "1234567890" }
  }
}

override_resource {
  target = google_service_account.run
  values = { email = "run@acme-siem.iam.gserviceaccount.com", unique_id = "111222333444" }
}

variables {
  project        = "acme-siem"
  region         = "asia-southeast1"
  source_archive = "tests/testdata/source.zip"

  # The value is not used: OpenTofu's mocks keep what is write-only, and could not
  # apply it twice; Terraform's tests cannot apply what leaves it unset.
  hec_token                 = "s3cret"
  hec_token_outside_version = 4

  google_fingerprints = ["0123456789abcdef0123456789abcdef01234567"]
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

run "project_number" {
  command = plan
  variables {
    project = "123456789012"
  }
  expect_failures = [var.project]
}

run "name_of_25" {
  command = plan
  variables {
    name = "a234567890123456789012345"
  }
  expect_failures = [var.name]
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

run "runs_on_lambda" {
  command = plan
  variables {
    run = { on = "lambda" }
  }
  expect_failures = [var.run]
}

run "pool_without_an_image" {
  command = plan
  variables {
    run = { on = "worker_pool" }
  }
  expect_failures = [var.run]
}

run "setting_nobody_knows" {
  command = plan
  variables {
    settings = { SLS_TOPIC = "a" }
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

run "run_of_ten_minutes" {
  command = plan
  variables {
    run_timeout_seconds = 541
  }
  expect_failures = [var.run_timeout_seconds]
}
