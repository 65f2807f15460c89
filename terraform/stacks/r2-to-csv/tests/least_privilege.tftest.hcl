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

run "no_secret_in_the_open" {
  command = apply

  assert {
    condition     = !strcontains(jsonencode([local.environment, output.doctor_env, output.next_steps, output.verify_command, output.logs_url]), "value-of") && !strcontains(jsonencode([local.environment, output.doctor_env, output.next_steps]), nonsensitive(sha256("value-of-function")))
    error_message = "a secret is in an output or a plain variable"
  }
  assert {
    condition     = length(setintersection(keys(local.environment), ["R2_SECRET_ACCESS_KEY", "CF_API_TOKEN"])) == 0
    error_message = "a secret is a plain variable"
  }
  assert {
    condition     = issensitive(output.siem_key)
    error_message = "the SIEM's key is shown"
  }
}

run "the_worker_s_token_is_not_in_the_open" {
  command = apply

  variables {
    push       = {}
    push_token = "a-token-of-thirty-two-characters"
  }
  assert {
    condition     = !strcontains(jsonencode([local.environment, output.doctor_env, output.next_steps, output.verify_command, output.logs_url, module.logs.worker]), "a-token-of")
    error_message = "the token is in an output or a plain variable"
  }
  assert {
    condition     = !contains(keys(local.environment), "FUNCTION_TOKEN") && contains(keys(local.secrets), "FUNCTION_TOKEN")
    error_message = "the token is a plain variable, or the function asks for none"
  }
}
