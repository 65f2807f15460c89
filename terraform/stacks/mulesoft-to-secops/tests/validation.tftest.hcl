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

run "valid" {
  command = apply
}

run "project_number" {
  command = plan
  variables {
    project = "123456789012"
  }
  expect_failures = [var.project]
}

run "name_with_a_hyphen_at_its_end" {
  command = plan
  variables {
    name = "mule-"
  }
  expect_failures = [var.name]
}

run "bucket_prefix_of_58" {
  command = plan
  variables {
    bucket_prefix = "a234567890123456789012345678901234567890123456789012345678"
  }
  expect_failures = [var.bucket_prefix]
}

run "no_organisation" {
  command = plan
  variables {
    anypoint = { org_ids = [], client_id = "c" }
  }
  expect_failures = [var.anypoint]
}

run "organisation_that_is_a_path" {
  command = plan
  variables {
    anypoint = { org_ids = ["a/b"], client_id = "c" }
  }
  expect_failures = [var.anypoint]
}

run "control_plane_nobody_knows" {
  command = plan
  variables {
    anypoint = { org_ids = ["a"], client_id = "c", control_plane = "mars" }
  }
  expect_failures = [var.anypoint]
}

run "setting_nobody_knows" {
  command = plan
  variables {
    settings = { MULE_OVERLAPS = "2h" }
  }
  expect_failures = [var.settings]
}

run "setting_that_another_variable_sets" {
  command = plan
  variables {
    settings = { STATE_URL = "gs://elsewhere" }
  }
  expect_failures = [var.settings]
}

run "secret_among_the_settings" {
  command = plan
  variables {
    settings = { CLIENT_SECRET = "s3cret" }
  }
  expect_failures = [var.settings]
}

run "feed_account_with_a_prefix" {
  command = plan
  variables {
    secops = { location = "eu", instance = "99999999-8888-7777-6666-555555555555", service_account = "serviceAccount:feed@x" }
  }
  expect_failures = [var.secops]
}

run "instance_that_is_no_customer_id" {
  command = plan
  variables {
    secops = { location = "eu", instance = "acme", service_account = "feed@malachite-feeds.iam.gserviceaccount.com" }
  }
  expect_failures = [var.secops]
}

run "log_type_in_words" {
  command = plan
  variables {
    secops = { location = "eu", instance = "99999999-8888-7777-6666-555555555555", service_account = "feed@malachite-feeds.iam.gserviceaccount.com", log_type = "Mulesoft audit" }
  }
  expect_failures = [var.secops]
}

run "lookback_of_half_a_year_and_a_day" {
  command = plan
  variables {
    secops = { location = "eu", instance = "99999999-8888-7777-6666-555555555555", service_account = "feed@malachite-feeds.iam.gserviceaccount.com", max_lookback_days = 181 }
  }
  expect_failures = [var.secops]
}

run "run_of_ten_minutes" {
  command = plan
  variables {
    run_timeout_seconds = 541
  }
  expect_failures = [var.run_timeout_seconds]
}

run "deletes_what_is_retained" {
  command = plan
  variables {
    secops    = { location = "eu", instance = "99999999-8888-7777-6666-555555555555", service_account = "feed@malachite-feeds.iam.gserviceaccount.com", deletes = true }
    retention = { days = 30 }
  }
  expect_failures = [var.secops]
}
