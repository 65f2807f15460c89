mock_provider "cloudflare" {}
mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "1234567890" }
  }
}

override_module {
  target = module.logs.module.groups
  outputs = {
    ids = {
      "Workers R2 Storage Bucket Item Read"  = "r"
      "Workers R2 Storage Bucket Item Write" = "w"
      "Queues Read"                          = "qr"
      "Queues Write"                         = "qw"
    }
  }
}
override_resource {
  target = module.logs.cloudflare_account_token.function
  values = { id = "id-of-function", value = "value-of-function" }
}
override_resource {
  target = module.logs.cloudflare_account_token.queue
  values = { id = "id-of-queue", value = "value-of-queue" }
}
override_resource {
  target = module.function.google_service_account.run
  values = { email = "run@acme-siem.iam.gserviceaccount.com", id = "projects/acme-siem/serviceAccounts/run", name = "projects/acme-siem/serviceAccounts/run" }
}
override_resource {
  target = module.function.google_cloudfunctions2_function.this
  values = { service_config = { uri = "https://gunzipcsv-x.a.run.app" } }
}
override_resource {
  target = module.logs.cloudflare_queue.notices
  values = { queue_id = "q-notices" }
}
# OpenTofu's mocks keep what is write-only, and could not apply it twice: the
# module's own tests have it.
override_module {
  target  = module.r2_secret
  outputs = { name = "gunzipcsv-r2-secret", reference = { project = "acme-siem", secret = "gunzipcsv-r2-secret", version = "4" } }
}
override_module {
  target  = module.queue_token
  outputs = { name = "gunzipcsv-queue-token", reference = { project = "acme-siem", secret = "gunzipcsv-queue-token", version = "5" } }
}
override_module {
  target  = module.push_token
  outputs = { name = "gunzipcsv-push-token", reference = { project = "acme-siem", secret = "gunzipcsv-push-token", version = "6" } }
}

variables {
  account_id     = "0123456789abcdef0123456789abcdef"
  project        = "acme-siem"
  region         = "europe-west3"
  source_archive = "tests/testdata/source.zip"
  logpush = {
    dataset = "gateway_http"
    fields  = ["Datetime", "URL"]
  }
}

run "a_pull_a_minute" {
  command = apply

  assert {
    condition     = module.function.interval_minutes == 1 && module.function.run_timeout_seconds == 480 && local.environment.CF_VISIBILITY_TIMEOUT == "540s"
    error_message = "the queue is pulled otherwise, or its messages come back during a run"
  }
  assert {
    condition     = module.alerts[0].absence_window_seconds == 660 && contains(module.alerts[0].alerts, "retention") && length(google_project_service.api) == 12
    error_message = "alerts watch over another interval, or not over what the queue will delete"
  }
}

run "without_logpush_and_alerts" {
  command = apply

  variables {
    logpush     = null
    alerts      = null
    enable_apis = false
  }
  assert {
    condition     = length(module.alerts) == 0 && length(module.backfill) == 0 && length(google_project_service.api) == 0 && output.dashboard_url == null && !contains(keys(local.environment), "CSV_COLUMNS")
    error_message = "what was left out is there"
  }
  assert {
    condition     = strcontains(output.next_steps, "Let Logpush write to the bucket gunzipcsv-logs") && strcontains(output.next_steps, "set alerts")
    error_message = "nobody is told what is left out"
  }
}

run "a_worker_only_where_it_is_asked_for" {
  command = apply

  assert {
    condition     = length(module.push_token) == 0 && length(module.queue_token) == 1 && module.function.topic == "gunzipcsv" && module.function.dead_subscription == "gunzipcsv-dead"
    error_message = "the queue is not pulled"
  }
}

run "what_is_pushed_has_no_interval" {
  command = apply

  variables {
    push       = {}
    push_token = "a-token-of-thirty-two-characters"
  }
  assert {
    condition     = module.alerts[0].absence_window_seconds == 5880 && module.function.topic == null && module.function.dead_subscription == null && module.function.verifies == true && contains(module.alerts[0].alerts, "unproven") && contains(module.alerts[0].alerts, "retention")
    error_message = "somebody is woken whenever no logs come, or nobody when the proof stays away"
  }
}
