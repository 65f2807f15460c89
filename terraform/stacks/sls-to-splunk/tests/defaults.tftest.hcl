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

run "on_a_schedule" {
  command = apply

  assert {
    condition     = length(module.function) == 1 && length(module.pool) == 0 && module.function[0].interval_minutes == 5
    error_message = "it does not run every five minutes"
  }
  assert {
    condition = local.environment == {
      SLS_ENDPOINT              = "cn-hangzhou.log.aliyuncs.com"
      SLS_PROJECT               = "acme-audit"
      SLS_LOGSTORE              = "trail"
      SLS_CG                    = "siemfeed"
      HEC_URL                   = "https://a.example:8088,https://b.example:8088"
      HEC_ACK                   = "false"
      LEASE_TTL                 = "60s"
      STATE_URL                 = "gs://acme-siem-slshec-state"
      ALIBABA_ROLE_ARN          = "acs:ram::1234567890123456:role/slshec"
      ALIBABA_OIDC_PROVIDER_ARN = "acs:ram::1234567890123456:oidc-provider/slshec"
      ALIBABA_OIDC_AUDIENCE     = "siemfeed"
    }
    error_message = "the function gets other variables"
  }
  assert {
    condition     = module.alerts[0].absence_window_seconds == 1380 && contains(module.alerts[0].alerts, "retention") && contains(module.alerts[0].alerts, "dead-letters") && contains(module.alerts[0].alerts, "unproven")
    error_message = "alerts watch over another interval, or leave out what the logstore will delete"
  }
}

run "without_alerts" {
  command = apply

  variables {
    alerts      = null
    enable_apis = false
  }
  assert {
    condition     = length(module.alerts) == 0 && output.dashboard_url == null && length(google_project_service.api) == 0 && strcontains(output.next_steps, "set alerts")
    error_message = "what was left out is there"
  }
}
