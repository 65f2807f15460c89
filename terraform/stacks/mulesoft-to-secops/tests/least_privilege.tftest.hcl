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

run "state_and_feed_are_apart" {
  command = apply

  assert {
    condition     = module.feed.name != module.state.name && local.environment.OUTPUT_URL != local.environment.STATE_URL
    error_message = "the SIEM would read the state"
  }
}

run "no_secret_in_the_open" {
  command = plan

  variables {
    client_secret_outside_version = null
  }
  assert {
    condition     = !strcontains(jsonencode([local.environment, output.doctor_env, output.logs_url]), "s3cret") && !contains(keys(local.environment), "CLIENT_SECRET")
    error_message = "the secret is in an output or a plain variable"
  }
}
