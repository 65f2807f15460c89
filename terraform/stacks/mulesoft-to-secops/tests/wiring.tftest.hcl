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

run "the_function_knows_where_from_and_where_to" {
  command = apply

  assert {
    condition = local.environment == {
      MULE_ORG_ID          = "11111111-2222-3333-4444-555555555555,org-2"
      MULE_INCLUDE_SUBORGS = "false"
      MULE_CONTROL_PLANE   = "us"
      CLIENT_ID            = "client"
      OUTPUT_URL           = "gs://acme-siem-muleaudit-feed"
      STATE_URL            = "gs://acme-siem-muleaudit-state"
      MULE_FEED_DELETES    = "false"
    }
    error_message = "the function gets other variables"
  }
  assert {
    condition     = module.client_secret.reference == { project = "acme-siem", secret = "muleaudit-client-secret", version = "4" }
    error_message = "the function gets another secret"
  }
}

run "the_feed_reads_the_bucket" {
  command = apply

  assert {
    condition     = google_chronicle_feed.this[0].project == "acme-siem" && google_chronicle_feed.this[0].location == "eu" && google_chronicle_feed.this[0].instance == "99999999-8888-7777-6666-555555555555" && google_chronicle_feed.this[0].enabled == true
    error_message = "the feed is another instance's, or off"
  }
  assert {
    condition     = google_chronicle_feed.this[0].details[0].feed_source_type == "GOOGLE_CLOUD_STORAGE_V2" && google_chronicle_feed.this[0].details[0].log_type == "projects/acme-siem/locations/eu/instances/99999999-8888-7777-6666-555555555555/logTypes/MULESOFT"
    error_message = "the feed is of another kind or log type"
  }
  assert {
    condition     = google_chronicle_feed.this[0].details[0].gcs_v2_settings[0].bucket_uri == "gs://acme-siem-muleaudit-feed/" && google_chronicle_feed.this[0].details[0].gcs_v2_settings[0].source_deletion_option == "NEVER" && google_chronicle_feed.this[0].details[0].gcs_v2_settings[0].max_lookback_days == 180
    error_message = "the feed reads elsewhere, or deletes unasked"
  }
}

run "a_feed_that_deletes_is_no_alarm" {
  command = apply

  variables {
    secops = {
      project         = "acme-secops"
      location        = "eu"
      instance        = "99999999-8888-7777-6666-555555555555"
      service_account = "feed@malachite-feeds.iam.gserviceaccount.com"
      deletes         = true
    }
  }
  assert {
    condition     = google_chronicle_feed.this[0].details[0].gcs_v2_settings[0].source_deletion_option == "ON_SUCCESS" && local.environment.MULE_FEED_DELETES == "true"
    error_message = "the feed does not delete, or the daily proof will miss what it deleted"
  }
  assert {
    condition     = google_chronicle_feed.this[0].project == "acme-secops" && startswith(google_chronicle_feed.this[0].details[0].log_type, "projects/acme-secops/")
    error_message = "the feed is made in another project than that of SecOps"
  }
}

run "an_account_that_was_not_let_in" {
  command = apply

  variables {
    secops = {
      location        = "eu"
      instance        = "99999999-8888-7777-6666-555555555555"
      service_account = "another@malachite-feeds.iam.gserviceaccount.com"
    }
  }
  expect_failures = [check.feed_reads_as_the_account_that_was_let_in]
}

run "what_to_do_next" {
  command = apply

  assert {
    condition     = output.doctor_env == "CLIENT_ID=client\nMULE_CONTROL_PLANE=us\nMULE_FEED_DELETES=false\nMULE_INCLUDE_SUBORGS=false\nMULE_ORG_ID=11111111-2222-3333-4444-555555555555,org-2\nOUTPUT_URL=gs://acme-siem-muleaudit-feed\nRUN_TIMEOUT=480s\nSTATE_URL=gs://acme-siem-muleaudit-state\n"
    error_message = "the doctor is given other variables than the function"
  }
  assert {
    condition     = strcontains(output.verify_command, "siemfeed verify muleaudit --env-file") && strcontains(output.verify_command, "gcloud secrets versions access 4 --secret=muleaudit-client-secret --project=acme-siem")
    error_message = "the proof is asked for otherwise"
  }
  assert {
    condition     = strcontains(output.next_steps, "gcloud pubsub topics publish muleaudit --project=acme-siem --message='{}'") && strcontains(output.next_steps, "Nobody is told when it breaks")
    error_message = "the next steps leave out the first run, or that nobody is told"
  }
  assert {
    condition     = strcontains(output.logs_url, "%20AND%20resource.labels.service_name") && strcontains(output.logs_url, "project=acme-siem") && startswith(output.dashboard_url, "https://console.cloud.google.com/monitoring/dashboards/builder/")
    error_message = "log or dashboard are elsewhere"
  }
}
