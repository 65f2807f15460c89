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

run "the_role_is_this_function_s" {
  command = apply

  assert {
    condition     = module.function[0].run_account == "run@acme-siem.iam.gserviceaccount.com" && module.function[0].run_account_id == "111222333444"
    error_message = "another account than the function's is the role, or has its rights"
  }
  assert {
    condition     = local.logstore == "acs:log:cn-hangzhou:1234567890123456:project/acme-audit/logstore/trail"
    error_message = "the role may read other logstores"
  }
}

run "no_secret_in_the_open" {
  command = plan

  variables {
    hec_token_outside_version = null
  }
  assert {
    condition     = !strcontains(jsonencode([local.plain, output.doctor_env, output.logs_url]), "s3cret") && !contains(keys(local.environment), "HEC_TOKEN")
    error_message = "the token is in an output or a plain variable"
  }
}
