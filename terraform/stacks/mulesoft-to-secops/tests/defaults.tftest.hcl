mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "1234567890" }
  }
}

override_resource {
  target = module.function.google_service_account.run
  values = { email = "run@acme-siem.iam.gserviceaccount.com", id = "projects/acme-siem/serviceAccounts/run", name = "projects/acme-siem/serviceAccounts/run" }
}
override_resource {
  target = module.function.google_service_account.build
  values = { email = "build@acme-siem.iam.gserviceaccount.com", id = "projects/acme-siem/serviceAccounts/build", name = "projects/acme-siem/serviceAccounts/build" }
}
override_resource {
  target = module.function.google_service_account.push
  values = { email = "push@acme-siem.iam.gserviceaccount.com", id = "projects/acme-siem/serviceAccounts/push", name = "projects/acme-siem/serviceAccounts/push" }
}
override_resource {
  target = google_chronicle_feed.this
  values = { details = { gcs_v2_settings = { chronicle_service_account = "feed@malachite-feeds.iam.gserviceaccount.com" } } }
}

variables {
  project        = "acme-siem"
  region         = "europe-west3"
  source_archive = "tests/testdata/source.zip"

  # The value is not used: OpenTofu's mocks keep what is write-only, and could not
  # apply it twice; Terraform's tests cannot apply what leaves it unset.
  client_secret                 = "s3cret"
  client_secret_outside_version = 4

  anypoint = {
    org_ids   = ["11111111-2222-3333-4444-555555555555", "org-2"]
    client_id = "client"
  }
  secops = {
    location        = "eu"
    instance        = "99999999-8888-7777-6666-555555555555"
    service_account = "feed@malachite-feeds.iam.gserviceaccount.com"
  }
}

run "alerts_watch_the_function" {
  command = apply

  assert {
    condition     = module.alerts[0].absence_window_seconds == 2280
    error_message = "alerts watch over another interval than the function's"
  }
  assert {
    condition     = length(google_project_service.api) == 12 && contains(keys(google_project_service.api), "cloudresourcemanager.googleapis.com") && alltrue([for s in google_project_service.api : s.disable_on_destroy == false && s.project == "acme-siem"])
    error_message = "an API is not turned on, or turned off for others too"
  }
}

run "without_secops_and_alerts" {
  command = apply

  variables {
    secops        = null
    alerts        = null
    enable_apis   = false
    bucket_prefix = "siem.acme.example"
    name          = "mule"
  }
  assert {
    condition     = length(google_chronicle_feed.this) == 0 && length(module.alerts) == 0 && length(google_project_service.api) == 0
    error_message = "what was left out is there"
  }
  assert {
    condition     = output.dashboard_url == null && output.feed_uri == "gs://siem.acme.example-feed/" && local.environment.STATE_URL == "gs://siem.acme.example-state"
    error_message = "bucket_prefix does not reach the buckets, or there is a dashboard"
  }
  assert {
    condition     = strcontains(output.next_steps, "Let a SIEM read gs://siem.acme.example-feed/") && strcontains(output.next_steps, "set alerts")
    error_message = "nobody is told what is left out"
  }
}

run "settings_reach_the_function_and_do_not_win" {
  command = apply

  variables {
    settings = { MULE_OVERLAP = "2h" }
  }
  assert {
    condition     = local.environment.MULE_OVERLAP == "2h" && local.environment.MULE_CONTROL_PLANE == "us"
    error_message = "settings do not reach the function"
  }
}

run "alerts_that_are_left_out" {
  command = apply

  variables {
    alerts = { lag_minutes = 0, silent_hours = 0, retention_hours = 0 }
    verify = null
  }
  assert {
    condition     = module.alerts[0].alerts == tolist(["dead-letters", "deadline", "misconfigured", "no-success", "quarantine"])
    error_message = "an alert is there that was left out, or left out that was not"
  }
}
