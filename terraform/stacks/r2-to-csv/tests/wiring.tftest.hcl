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
override_resource {
  target = module.logs.cloudflare_queue.dead
  values = { queue_id = "q-dead" }
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

run "the_function_knows_where_from_and_where_to" {
  command = apply

  variables {
    prefix   = "gateway/"
    settings = { CONCURRENCY = "2" }
  }
  assert {
    condition = local.environment == {
      SOURCE_URL            = "r2://gunzipcsv-logs?account_id=0123456789abcdef0123456789abcdef&prefix=gateway/"
      DEST_URL              = "r2://gunzipcsv-csv?account_id=0123456789abcdef0123456789abcdef"
      STATE_URL             = "r2://gunzipcsv-state?account_id=0123456789abcdef0123456789abcdef"
      R2_ACCOUNT_ID         = "0123456789abcdef0123456789abcdef"
      R2_ACCESS_KEY_ID      = "id-of-function"
      CF_ACCOUNT_ID         = "0123456789abcdef0123456789abcdef"
      CF_QUEUE_ID           = "q-notices"
      CF_DEAD_QUEUE_ID      = "q-dead"
      CF_VISIBILITY_TIMEOUT = "540s"
      CSV_HEADER            = "false"
      CSV_COLUMNS           = "Datetime,URL"
      CONCURRENCY           = "2"
    }
    error_message = "the function gets other variables"
  }
}

run "columns_of_its_own" {
  command = apply

  variables {
    csv = { columns = ["A"], header = true }
  }
  assert {
    condition     = local.environment.CSV_COLUMNS == "A" && local.environment.CSV_HEADER == "true"
    error_message = "the columns are others"
  }
}

run "what_to_do_next" {
  command = apply

  assert {
    condition     = strcontains(output.verify_command, "CF_API_TOKEN=\"$(gcloud secrets versions access --project=acme-siem --secret=gunzipcsv-queue-token 5)\"") && strcontains(output.verify_command, "--secret=gunzipcsv-r2-secret 4") && strcontains(output.verify_command, "siemfeed verify gunzipcsv --env-file")
    error_message = "the proof is asked for otherwise"
  }
  assert {
    condition     = strcontains(output.doctor_env, "SOURCE_URL=r2://gunzipcsv-logs?") && strcontains(output.logs_url, "%20AND%20resource.labels.service_name") && strcontains(output.doctor_env, "RUN_TIMEOUT=480s\n") && strcontains(output.next_steps, "Nobody is told when it breaks")
    error_message = "the doctor is given other variables, or nobody is told that nobody is told"
  }
}

run "a_backfill_of_many_tasks" {
  command = apply

  variables {
    backfill = { image = "registry/siemfeed@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
  }
  assert {
    condition     = length(module.backfill) == 1 && strcontains(output.next_steps, "gcloud run jobs execute gunzipcsv-backfill --project=acme-siem --region=europe-west3 --wait")
    error_message = "there is no job, or nobody is told how to run it"
  }
}

run "a_worker_in_place_of_the_pull" {
  command = apply

  variables {
    push       = { quiet_minutes = 20 }
    backfill   = { image = "registry/siemfeed@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
    push_token = "a-token-of-thirty-two-characters"
  }
  assert {
    condition     = local.secrets == { R2_SECRET_ACCESS_KEY = { project = "acme-siem", secret = "gunzipcsv-r2-secret", version = "4" }, FUNCTION_TOKEN = { project = "acme-siem", secret = "gunzipcsv-push-token", version = "6" } }
    error_message = "the function asks for no token, or for another"
  }
  assert {
    condition     = length([for k in keys(local.environment) : k if startswith(k, "CF_")]) == 0 && length(module.queue_token) == 0
    error_message = "the function is told to pull what is pushed to it"
  }
  assert {
    condition     = module.logs.worker == { script = "gunzipcsv-push", url = "https://gunzipcsv-x.a.run.app", verify_schedule = "17 5 * * *" }
    error_message = "the Worker pushes elsewhere, or does not ask for the daily proof"
  }
  assert {
    condition     = !strcontains(output.verify_command, "CF_API_TOKEN") && !strcontains(output.verify_command, "push-token") && strcontains(output.verify_command, "--secret=gunzipcsv-r2-secret 4") && strcontains(output.next_steps, "the Worker gunzipcsv-push on Cloudflare")
    error_message = "an operator is asked for tokens that are not needed, or not told where to look"
  }
  assert {
    condition     = module.alerts[0].absence_window_seconds == 4080
    error_message = "the alert does not know how long no logs may come"
  }
}

run "a_worker_without_proof" {
  command = apply

  variables {
    push       = {}
    verify     = null
    push_token = "a-token-of-thirty-two-characters"
  }
  assert {
    condition     = module.logs.worker.verify_schedule == null && module.function.verifies == false
    error_message = "the proof is asked for though it was left out"
  }
}
